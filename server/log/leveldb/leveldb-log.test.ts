/** What only LevelDB can do or suffer; what every log does is in `test/contract/log.ts`. */
import { createHash } from 'node:crypto'
import { readFile, readdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { codeOf } from '../../../test/contract/code-of.ts'
import { bytes, documentName, everythingBeside, lineage, record, requestId, runId, summary, taken, userId } from '../../../test/contract/samples.ts'
import { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import type { LedgerPlace } from '../ledger-keeper.ts'
import { readChecked } from './checked-tables.ts'
import { allLedgersRange, crcKey, damageRange, documentDamageKey, headKey, ledgerKey, lineageKey, stateVectorKey, summaryKey, updateKey } from './keys.ts'
import type { Key } from './keys.ts'
import type { LevelDbLog } from './leveldb-log.ts'
import type { Database } from './store.ts'
import { toJson } from './values.ts'

const a = documentName('a')
const b = documentName('b')

let world: LevelDbWorld
let log: LevelDbLog
beforeEach(async () => {
  world = await LevelDbWorld.create()
  log = await world.open()
})
afterEach(() => world.dispose())

const fill = async (count: number, name = a): Promise<void> => {
  for (let n = 0; n < count; n++) await log.append(name, record(bytes(n)))
}
const reopenAfter = async (work: Parameters<LevelDbWorld['raw']>[0]): Promise<void> => {
  await log.close()
  await world.raw(work)
  log = await world.open()
}

/** Makes the next rewriting of files wait. */
const holdRewriting = (database: Database, until: Promise<void>): void => {
  const compactRange = database.compactRange.bind(database)
  database.compactRange = async (from: Key, to: Key): Promise<void> => {
    await until
    await compactRange(from, to)
  }
}

describe('the log on LevelDB', () => {
  describe('damage', () => {
    const expectDamage = async (what: string): Promise<void> => {
      expect(await codeOf(log.read(a))).toBe('log-damaged')
      await expect(log.read(a)).rejects.toThrow(a)
      await expect(log.read(a)).rejects.toThrow(what)
      expect((await log.read(b))?.updates).toHaveLength(3)
    }
    beforeEach(async () => {
      await fill(5)
      await fill(3, b)
    })

    test('a missing record in the middle is named, and other documents are served', async () => {
      await reopenAfter(database => database.del(updateKey(a, 2)))
      await expectDamage('record 2 is missing')
    })

    test('a record that changed on the disk is named', async () => {
      await reopenAfter(database => database.put(updateKey(a, 3), bytes(99)))
      await expectDamage('record 3 was changed')
    })

    test('a record without a checksum that does not decode is named', async () => {
      await reopenAfter(database => database.del(crcKey(a, 1)))
      await expectDamage('record 1 was changed')
    })

    test('a record that is missing at the end is named when a snapshot stood there', async () => {
      await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
      await reopenAfter(database => database.batch([
        { type: 'del', key: updateKey(a, 4) },
        { type: 'put', key: updateKey(a, 3), value: Y.encodeStateAsUpdate(new Y.Doc()) },
      ]))
      await expectDamage('record 4 is missing')
    })

    test('records that are missing altogether are not taken for a document that was cleared', async () => {
      await log.append(a, record(bytes(5), { openedRuns: [runId(1)] }))
      await reopenAfter(database => database.clear({ gte: updateKey(a, 0), lte: updateKey(a, 100) }))
      await expectDamage('all its records are missing')
      expect(await codeOf(log.append(a, record(bytes(6))))).toBe('log-damaged')
      expect(await log.openRuns()).toEqual([{ name: a, runId: runId(1) }])
    })

    test('records that are missing at the end are named, although no snapshot stood there', async () => {
      await reopenAfter(database => database.batch([
        { type: 'del', key: updateKey(a, 3) }, { type: 'del', key: crcKey(a, 3) },
        { type: 'del', key: updateKey(a, 4) }, { type: 'del', key: crcKey(a, 4) },
      ]))
      await expectDamage('records 3 to 4 are missing')
    })

    test('a snapshot that is missing is named, although the records after it are whole', async () => {
      await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 2 })
      await reopenAfter(database => database.del(updateKey(a, 2)))
      await expectDamage('record 2 is missing')
    })

    test('a record under the key of another one is named', async () => {
      await reopenAfter(async (database) => {
        await database.put(updateKey(a, 1), (await database.get(updateKey(b, 2)))!)
        await database.put(crcKey(a, 1), (await database.get(crcKey(b, 2)))!)
      })
      await expectDamage('record 1 was changed')
    })

    test.each([['state vector', stateVectorKey(a)], ['number of its last record', headKey(a)]])('a missing %s is named', async (what, key) => {
      await reopenAfter(database => database.del(key))
      await expectDamage(`${what} is missing`)
    })

    test('a changed value beside the records is named', async () => {
      await log.append(a, record(bytes(5), { lineage: lineage('first') }))
      await reopenAfter(async (database) => {
        const value = Buffer.from((await database.get(lineageKey(a)))!)
        value[value.length - 2]! ^= 1
        await database.put(lineageKey(a), value)
      })
      await expectDamage('the entry "lineage conversation/a" was changed')
    })

    test('a damaged summary is left out of the list, in which all others stand', async () => {
      for (const name of [a, b]) await log.append(name, record(bytes(9), { summary: summary('Plans') }))
      await reopenAfter(database => database.put(summaryKey(a), Buffer.from('nonsense')))
      expect([...(await log.summaries([a, b])).keys()]).toEqual([b])
    })

    test('what a mark says of a document stays true over restarts, until it is erased', async () => {
      await log.store.commit([{ type: 'put', key: documentDamageKey(a), value: toJson('a change was lost') }])
      await reopenAfter(async () => undefined)
      await reopenAfter(async () => undefined)
      await expectDamage('a change was lost')
      await log.erase(a)
      await reopenAfter(async () => undefined)
      expect(await log.append(a, record(bytes(0)))).toBe(0)
    })

    test('a damaged document can be erased', async () => {
      await reopenAfter(database => database.del(updateKey(a, 2)))
      await expectDamage('record 2')
      await log.erase(a)
      expect(await log.read(a)).toBeNull()
      expect(await log.append(a, record(bytes(0)))).toBe(0)
    })
  })

  test('the checksum of a record is that of its key and its bytes', async () => {
    await fill(1)
    await log.close()
    // A mark, then the CRC-32 of the key as it is stored and of 00 00 07, big endian, as any other program would compute it.
    expect(await world.raw(database => database.get(crcKey(a, 0)))).toEqual(Buffer.from('0179b7dce7', 'hex'))
  })

  test('a client id beyond 32 bits is kept exactly', async () => {
    await log.append(a, record(bytes(0), { bindings: [{ clientId: Number.MAX_SAFE_INTEGER, owner: userId('anna') }] }))
    expect((await log.read(a))?.bindings).toEqual([{ clientId: 9007199254740991, owner: 'anna' }])
  })

  test('everything that one change leaves is in one batch', async () => {
    const batches: number[] = []
    world.onWrite = async (write, _database, operations) => {
      batches.push(operations.length)
      await write()
    }
    await log.append(a, record(bytes(0), everythingBeside))
    // The record, its checksum, the head, the state vector, eight things beside it, the commit number.
    expect(batches).toEqual([13])
  })

  test('documents that are written at once share a batch', async () => {
    await fill(1)
    let batches = 0
    world.onWrite = async (write) => {
      batches++
      await write()
    }
    await Promise.all(Array.from({ length: 200 }, (_, n) => log.append(documentName(`d${n}`), record(bytes(n)))))
    expect(batches).toBeLessThan(50)
  })

  describe('scrubbing', () => {
    /** Incompressible, so that it stands in the files as it is. */
    const secret = createHash('sha512').update('what was redacted').digest()
    const secretIsOnDisk = async (): Promise<boolean> => {
      const files = (await readdir(world.path)).filter(file => file !== 'LOCK')
      const contents = await Promise.all(files.map(file => readFile(join(world.path, file))))
      return contents.some(content => content.includes(secret))
    }
    const writeSecret = async (): Promise<void> => {
      await fill(3)
      await log.append(a, record(secret))
      await fill(3, b)
    }

    test('an erased document is gone from the files, not only from the index', async () => {
      await writeSecret()
      expect(await secretIsOnDisk()).toBe(true)
      await log.erase(a)
      expect(await secretIsOnDisk()).toBe(false)
    })

    test('it is gone too when it had already been moved from the log file to a table', async () => {
      await writeSecret()
      await log.close()
      await world.raw(database => database.compactRange(['v1'], ['w']))
      log = await world.open()
      await log.erase(a)
      expect(await secretIsOnDisk()).toBe(false)
    })

    test('a scrubbing compaction leaves nothing of the records that it replaces, and keeps the rest', async () => {
      await writeSecret()
      await log.append(a, record(bytes(4)))
      await log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3, scrub: true })
      expect(await secretIsOnDisk()).toBe(false)
      expect((await log.read(a))?.updates).toEqual([bytes(100), bytes(4)])
      expect((await log.read(b))?.updates).toHaveLength(3)
    })
  })

  describe('a scrub that is owed', () => {
    const secret = createHash('sha512').update('what was redacted').digest()
    const secretIsOnDisk = async (): Promise<boolean> => {
      const files = (await readdir(world.path)).filter(file => file !== 'LOCK')
      const contents = await Promise.all(files.map(file => readFile(join(world.path, file))))
      return contents.some(content => content.includes(secret))
    }
    const crash = async (): Promise<void> => {
      await world.crash()
      log = await world.open()
    }
    const compactAll = (upTo: number): Promise<void> => log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo, scrub: true })
    beforeEach(async () => {
      await log.append(a, record(secret))
      await fill(3)
      await log.append(a, record(bytes(9), { scrub: true }))
    })

    test('is known to the next process when this one was killed before the snapshot', async () => {
      await crash()
      expect(await log.owedScrubs()).toEqual([a])
      expect((await log.read(a))?.owesScrub).toBe(true)
      await compactAll(4)
      expect([await log.owedScrubs(), (await log.read(a))?.owesScrub, await secretIsOnDisk()]).toEqual([[], undefined, false])
    })

    test('is known when this one was killed between the snapshot and the rewriting of the files', async () => {
      const never = Promise.withResolvers<void>()
      const cut = Promise.withResolvers<void>()
      world.onWrite = async (write, database) => {
        holdRewriting(database, never.promise)
        await write()
        cut.resolve()
      }
      const compacted = compactAll(4)
      await cut.promise
      await world.copy()
      never.resolve()
      world.onWrite = write => write()
      await compacted
      await log.close()
      log = await world.open()
      expect([await secretIsOnDisk(), await log.owedScrubs()]).toEqual([true, [a]])
      await log.append(a, record(bytes(10)))
      await compactAll(5)
      expect([await log.owedScrubs(), await secretIsOnDisk()]).toEqual([[], false])
    })

    test('of an erased document is paid before anything is written under its name again', async () => {
      const never = Promise.withResolvers<void>()
      const cut = Promise.withResolvers<void>()
      world.onWrite = async (write, database) => {
        holdRewriting(database, never.promise)
        await write()
        cut.resolve()
      }
      const erased = log.erase(a)
      await cut.promise
      await world.copy()
      never.resolve()
      world.onWrite = write => write()
      await erased
      await log.close()
      log = await world.open()
      expect(await secretIsOnDisk()).toBe(true)
      expect(await log.append(a, record(bytes(0)))).toBe(0)
      expect([await log.owedScrubs(), await secretIsOnDisk()]).toEqual([[], false])
      expect((await log.read(a))?.updates).toEqual([bytes(0)])
    })

    test('stays owed while a record that came later takes out something else', async () => {
      const rewriting = Promise.withResolvers<void>()
      world.onWrite = async (write, database) => {
        world.onWrite = write => write()
        holdRewriting(database, rewriting.promise)
        await write()
      }
      const compacted = compactAll(4)
      await log.append(a, record(bytes(10), { scrub: true }))
      rewriting.resolve()
      await compacted
      expect((await log.read(a))?.owesScrub).toBe(true)
      await compactAll(5)
      expect(await log.owedScrubs()).toEqual([])
    })

    test('is paid together with those that were asked for meanwhile', async () => {
      let batches = 0
      world.onWrite = async (write) => {
        batches++
        await write()
      }
      const names = Array.from({ length: 60 }, (_, n) => documentName(`of-sixty-${n}`))
      await Promise.all(names.map(name => log.append(name, record(bytes(1), { scrub: true }))))
      await Promise.all(names.map(name => log.compact(name, { update: bytes(2), stateVector: bytes(0), upTo: 0, scrub: true })))
      expect(batches).toBeLessThan(20)
      expect(await log.owedScrubs()).toEqual([a])
    })
  })

  test('deletions that scrubbing writes again come before an erasing that was asked for meanwhile', async () => {
    await fill(4)
    const batches: number[] = []
    const rewriting = Promise.withResolvers<void>()
    world.onWrite = async (write, database, operations) => {
      batches.push(operations.length)
      if (batches.length === 1) holdRewriting(database, rewriting.promise)
      await write()
    }
    const compacted = log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3, scrub: true })
    const erased = log.erase(a)
    for (let n = 0; n < 20; n++) await log.read(b)
    rewriting.resolve()
    await Promise.all([compacted, erased])
    // Each is numbered. The compaction with its deletions (2 × 3) and the mark of what is owed; its deletions again; the mark goes. The
    // erasing of record, checksum, head and state vector, and a mark; its deletions again, with the summary's and the record's.
    expect(batches).toEqual([4 + 6 + 1 + 1, 6 + 1, 1 + 1, 4 + 1 + 1, 4 + 1 + 2 + 1, 1 + 1])
  })

  test('the ledger is trimmed by age, in pieces over all documents, and by nothing else', async () => {
    for (let n = 0; n < 10; n++) {
      await log.append(a, record(bytes(n), { ledger: [taken(n)] }))
      await log.append(b, record(bytes(n), { ledger: [taken(100 + n)] }))
    }
    let [place, pieces]: [LedgerPlace | null, number] = [null, 0]
    do {
      place = await log.trimLedger(104, 6, place)
      pieces++
    } while (place !== null)
    expect(pieces).toBe(4)
    const ids = Array.from({ length: 200 }, (_, n) => requestId(n))
    expect((await log.ledger(a, ids)).size).toBe(0)
    expect([...(await log.ledger(b, ids)).values()].map(({ at }) => at)).toEqual([104, 105, 106, 107, 108, 109])
    expect((await log.read(a))?.updates).toHaveLength(10)
  })

  test('a start looks at tables that are new, and at all of them after an unclean stop', async () => {
    /** Only those that the last start found whole: when it opens, LevelDB makes a new one of its log file. */
    const changeTables = async (): Promise<void> => {
      const { tables } = await readChecked(world.path, Date.now())
      for (const file of Object.keys(tables).map(file => join(world.path, file))) {
        const [{ atime, mtime }, content] = [await stat(file), await readFile(file)]
        content[0]! ^= 1
        await writeFile(file, content)
        await utimes(file, atime, mtime)
      }
    }
    const isDamaged = async (): Promise<boolean> => await codeOf(log.read(a)) === 'log-damaged'
    for (let n = 0; n < 3; n++) await log.append(a, record(createHash('sha512').update(String(n)).digest()))
    await reopenAfter(database => database.compactRange(['v1'], ['w']))
    const names = async (): Promise<boolean> => (await log.store.intactEntries(damageRange)).some(([key]) => key[2] === a)
    await log.close()
    await changeTables()
    log = await world.open()
    expect([await names(), await isDamaged()], 'the record itself tells').toEqual([false, true])
    await world.crash()
    log = await world.open()
    expect(await names()).toBe(true)
  })

  test('what was changed since the last stop is looked at', async () => {
    await fill(3)
    await reopenAfter(database => database.compactRange(['v1'], ['w']))
    await log.close()
    const [table] = (await readdir(world.path)).filter(file => file.endsWith('.ldb'))
    const content = await readFile(join(world.path, table!))
    content[0]! ^= 1
    await writeFile(join(world.path, table!), content)
    log = await world.open()
    expect((await log.store.intactEntries(damageRange)).length).toBeGreaterThan(0)
  })

  test('a damaged entry of the ledger stays and is named; all others are trimmed', async () => {
    for (let n = 0; n < 9; n++) await log.append(a, record(bytes(n), { ledger: [taken(n)] }))
    await reopenAfter(database => database.put(ledgerKey(a, requestId(2)), Buffer.from([1, 2, 3, 4, 5, 6])))
    let place: LedgerPlace | null = null
    do place = await log.trimLedger(8, 3, place)
    while (place !== null)
    expect(world.damage).toEqual([`the entry "ledger ${a} ${requestId(2)}" was changed`])
    await log.close()
    const left = await world.raw(database => database.keys(allLedgersRange).all())
    expect(left.map(key => key[3])).toEqual([requestId(2), requestId(8)])
  })

  test('when y-leveldb cleared a document, the lineage that it left behind does not come back with the next one', async () => {
    await log.append(a, record(bytes(0), { lineage: lineage('old') }))
    await reopenAfter(database => database.batch([
      { type: 'del', key: stateVectorKey(a) }, { type: 'del', key: updateKey(a, 0) }, { type: 'del', key: crcKey(a, 0) },
    ]))
    await log.append(a, record(bytes(0)))
    expect((await log.read(a))?.lineage).toBeNull()
    await log.close()
    expect(await world.raw(database => database.get(lineageKey(a)))).toBeUndefined()
  })
})
