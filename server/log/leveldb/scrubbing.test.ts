/** What was taken out of a document is gone from the files too, whatever happens meanwhile. */
import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, test } from 'vitest'
import { bytes, documentName, record } from '../../../test/contract/samples.ts'
import { levelDbForEachTest } from '../../../test/rig/leveldb-for-each-test.ts'
import type { Key } from '../store-port.ts'
import type { Database } from './database.ts'

const a = documentName('a')
const b = documentName('b')

const on = levelDbForEachTest()

/** Incompressible, so that it stands in the files as it is. */
const secret = createHash('sha512').update('what was redacted').digest()
const secretIsOnDisk = (): Promise<boolean> => on.world.holds(secret)
const fill = (count: number, name = a): Promise<void> => on.world.fill(name, count)

/** Makes the next rewriting of files wait. */
const holdRewriting = (database: Database, until: Promise<void>): void => {
  const compactRange = database.compactRange.bind(database)
  database.compactRange = async (from: Key, to: Key): Promise<void> => {
    await until
    await compactRange(from, to)
  }
}
/** The next write is done, and told of by `cut`; the files behind it are not rewritten before `never` is resolved. */
const cutAfterTheNextWrite = (): Record<'never' | 'cut', PromiseWithResolvers<void>> => {
  const [never, cut] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  on.world.onWrite = async (write, database) => {
    holdRewriting(database, never.promise)
    await write()
    cut.resolve()
  }
  return { never, cut }
}

describe('scrubbing', () => {
  const writeSecret = async (): Promise<void> => {
    await fill(3)
    await on.log.append(a, record(secret))
    await fill(3, b)
  }

  test('an erased document is gone from the files, not only from the index', async () => {
    await writeSecret()
    expect(await secretIsOnDisk()).toBe(true)
    await on.log.erase(a)
    expect(await secretIsOnDisk()).toBe(false)
  })

  test('it is gone too when it had already been moved from the log file to a table', async () => {
    await writeSecret()
    await on.log.close()
    await on.world.raw(database => database.compactRange(['v1'], ['w']))
    await on.world.open()
    await on.log.erase(a)
    expect(await secretIsOnDisk()).toBe(false)
  })

  test('a snapshot in parts that was cut short goes with the next one, from the files too', async () => {
    await fill(3)
    const rest = [bytes(51), secret, bytes(53)]
    on.world.failOn(3)
    await expect(on.log.compact(a, { update: bytes(50), rest, stateVector: bytes(0), upTo: 2 })).rejects.toMatchObject({ code: 'not-saved' })
    expect((await on.log.read(a))?.updates).toEqual([0, 1, 2].map(bytes))
    await on.world.crash()
    await on.world.open()
    expect((await on.log.read(a))?.updates).toEqual([0, 1, 2].map(bytes))
    expect(await secretIsOnDisk()).toBe(true)
    await on.log.append(a, record(bytes(3), { scrub: true }))
    await on.log.compact(a, { update: bytes(60), rest: [bytes(61)], stateVector: bytes(0), upTo: 3, scrub: true })
    expect(await secretIsOnDisk()).toBe(false)
    expect(await on.log.read(a)).toMatchObject({ updates: [bytes(60), bytes(61)], head: 3 })
  })

  test('parts of a snapshot that are owed to be scrubbed are scrubbed by the next process', async () => {
    await fill(3)
    await on.log.compact(a, { update: bytes(50), rest: [secret], stateVector: bytes(0), upTo: 2 })
    await on.log.append(a, record(bytes(3), { scrub: true }))
    await on.log.compact(a, { update: bytes(60), stateVector: bytes(0), upTo: 3 })
    await on.world.crash()
    await on.world.open()
    expect([await secretIsOnDisk(), await on.log.owedScrubs()]).toEqual([true, [a]])
    await on.log.compact(a, { update: bytes(60), stateVector: bytes(0), upTo: 3, scrub: true })
    expect([await secretIsOnDisk(), await on.log.owedScrubs()]).toEqual([false, []])
  })

  test.each([2, 4])('a record that others took the place of, joined with it, goes with them (%i behind it)', async (behind) => {
    await writeSecret()
    await on.log.append(a, record(Buffer.concat([secret, bytes(1)]), { joined: true }))
    await on.log.append(a, record(Buffer.concat([secret, bytes(2)]), { joined: true }))
    for (let n = 1; n < behind; n++) await on.log.append(a, record(bytes(n)))
    await on.log.append(a, record(bytes(9), { scrub: true }))
    await on.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3 + behind, scrub: true })
    expect(await secretIsOnDisk()).toBe(false)
  })

  test('a scrubbing compaction leaves nothing of the records that it replaces, and keeps the rest', async () => {
    await writeSecret()
    await on.log.append(a, record(bytes(4)))
    await on.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3, scrub: true })
    expect(await secretIsOnDisk()).toBe(false)
    expect((await on.log.read(a))?.updates).toEqual([bytes(100), bytes(4)])
    expect((await on.log.read(b))?.updates).toHaveLength(3)
  })
})

describe('a scrub that is owed', () => {
  const crash = async (): Promise<void> => {
    await on.world.crash()
    await on.world.open()
  }
  const compactAll = (upTo: number): Promise<void> => on.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo, scrub: true })
  beforeEach(async () => {
    await on.log.append(a, record(secret))
    await fill(3)
    await on.log.append(a, record(bytes(9), { scrub: true }))
  })

  test('is known to the next process when this one was killed before the snapshot', async () => {
    await crash()
    expect(await on.log.owedScrubs()).toEqual([a])
    expect((await on.log.read(a))?.owesScrub).toBe(true)
    await compactAll(4)
    expect([await on.log.owedScrubs(), (await on.log.read(a))?.owesScrub, await secretIsOnDisk()]).toEqual([[], undefined, false])
  })

  test('is known when this one was killed between the snapshot and the rewriting of the files', async () => {
    const { never, cut } = cutAfterTheNextWrite()
    const compacted = compactAll(4)
    await cut.promise
    await on.world.copy()
    never.resolve()
    on.world.onWrite = write => write()
    await compacted
    await on.log.close()
    await on.world.open()
    expect([await secretIsOnDisk(), await on.log.owedScrubs()]).toEqual([true, [a]])
    await on.log.append(a, record(bytes(10)))
    await compactAll(5)
    expect([await on.log.owedScrubs(), await secretIsOnDisk()]).toEqual([[], false])
  })

  test('of an erased document is paid before anything is written under its name again', async () => {
    const { never, cut } = cutAfterTheNextWrite()
    const erased = on.log.erase(a)
    await cut.promise
    await on.world.copy()
    never.resolve()
    on.world.onWrite = write => write()
    await erased
    await on.log.close()
    await on.world.open()
    expect(await secretIsOnDisk()).toBe(true)
    expect(await on.log.append(a, record(bytes(0)))).toBe(0)
    expect([await on.log.owedScrubs(), await secretIsOnDisk()]).toEqual([[], false])
    expect((await on.log.read(a))?.updates).toEqual([bytes(0)])
  })

  test('stays owed while a record that came later takes out something else', async () => {
    const rewriting = Promise.withResolvers<void>()
    on.world.onWrite = async (write, database) => {
      on.world.onWrite = write => write()
      holdRewriting(database, rewriting.promise)
      await write()
    }
    const compacted = compactAll(4)
    await on.log.append(a, record(bytes(10), { scrub: true }))
    rewriting.resolve()
    await compacted
    expect((await on.log.read(a))?.owesScrub).toBe(true)
    await compactAll(5)
    expect(await on.log.owedScrubs()).toEqual([])
  })

  test('is paid together with those that were asked for meanwhile', async () => {
    let batches = 0
    on.world.onWrite = async (write) => {
      batches++
      await write()
    }
    const names = Array.from({ length: 60 }, (_, n) => documentName(`of-sixty-${n}`))
    await Promise.all(names.map(name => on.log.append(name, record(bytes(1), { scrub: true }))))
    await Promise.all(names.map(name => on.log.compact(name, { update: bytes(2), stateVector: bytes(0), upTo: 0, scrub: true })))
    expect(batches).toBeLessThan(20)
    expect(await on.log.owedScrubs()).toEqual([a])
  })
})

test('deletions that scrubbing writes again come before an erasing that was asked for meanwhile', async () => {
  await fill(4)
  const batches: number[] = []
  const rewriting = Promise.withResolvers<void>()
  on.world.onWrite = async (write, database, operations) => {
    batches.push(operations.length)
    if (batches.length === 1) holdRewriting(database, rewriting.promise)
    await write()
  }
  const compacted = on.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3, scrub: true })
  const erased = on.log.erase(a)
  for (let n = 0; n < 20; n++) await on.log.read(b)
  rewriting.resolve()
  await Promise.all([compacted, erased])
  // Each is numbered. The compaction with its deletions (2 × 3) and the mark of what is owed; its deletions again; the mark goes. The
  // erasing of record, checksum, head and state vector, and a mark; its deletions again, with the summary's and the record's.
  expect(batches).toEqual([4 + 6 + 1 + 1, 6 + 1, 1 + 1, 4 + 1 + 1, 4 + 1 + 2 + 1, 1 + 1])
})
