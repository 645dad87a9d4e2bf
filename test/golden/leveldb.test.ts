/**
 * The bytes of a data folder, pinned: stores that exist must open for ever. A difference here is a new format, which needs a higher
 * `FORMAT` and a way from this one; never just new bytes in this file.
 */
import { readFile, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { backupPath } from '../../server/log/leveldb/backup.ts'
import { FORMAT, formatKey, keys } from '../../server/log/leveldb/keys.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { bytes, documentName, everythingBeside, lineage, record, requestId, runId, summary, taken } from '../contract/samples.ts'
import { toJson } from '../../server/log/store-port.ts'

type Dump = Record<string, string>

const pinned = async (file: string): Promise<Dump> =>
  (JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8')) as { comment: string, entries: Dump }).entries
const format1 = await pinned('./leveldb-store.json')
const format2 = await pinned('./leveldb-store-2.json')
const format3 = await pinned('./leveldb-store-3.json')
const beside3 = await pinned('./leveldb-store-3-beside.json')
const parts3 = await pinned('./leveldb-store-3-parts.json')

let world: LevelDbWorld
beforeEach(async () => { world = await LevelDbWorld.create() })
afterEach(() => world.dispose())

/** Keys and values as they lie in the files, in hex, with y-leveldb's encoding left out of it. */
const raw = async <T>(work: (database: ClassicLevel) => Promise<T>): Promise<T> => {
  const database = new ClassicLevel(world.path, { keyEncoding: 'hex', valueEncoding: 'hex' })
  try {
    return await work(database)
  } finally {
    await database.close()
  }
}

test('a store is written in the same bytes as ever', async () => {
  const log = await world.open()
  const [a, b] = [documentName('a'), documentName('b')]
  await log.append(a, record(bytes(0), everythingBeside))
  await log.append(a, record(bytes(1)))
  await log.append(a, record(bytes(2), { closedRuns: [runId(2)] }))
  await log.compact(a, { update: bytes(300), stateVector: bytes(4), upTo: 1 })
  await log.append(b, record(bytes(0)))
  await log.close()
  expect(await raw(async database => Object.fromEntries(await database.iterator().all()))).toEqual(format3)
})

test('what stands beside a snapshot, and a scrub that is owed, are written in the same bytes as ever', async () => {
  const log = await world.open()
  const c = documentName('c')
  await log.append(c, record(bytes(0)))
  const facts = { schema: 1, tombstones: 2, stateVector: bytes(4), deletions: bytes(5) }
  await log.compact(c, { update: bytes(1), stateVector: bytes(4), upTo: 0, facts })
  await log.append(c, record(bytes(2), { scrub: true }))
  await log.close()
  expect(await raw(async database => Object.fromEntries(await database.iterator().all()))).toEqual(beside3)
  const reopened = await world.open()
  expect(await reopened.read(c)).toMatchObject({ facts, owesScrub: true })
})

test.each([[1, format1], [2, format2], [3, format3]])('a store of format %i is read as ever', async (_format, entries) => {
  await raw(database => database.batch(Object.entries(entries).map(([key, value]) => ({ type: 'put', key, value }))))
  const log = await world.open()
  const a = documentName('a')
  expect(log.generation).toBe(1)
  expect(await log.list('')).toEqual([a, documentName('b')])
  expect(await log.read(a)).toEqual({
    lineage: lineage('first'),
    updates: [bytes(300), bytes(2)],
    head: 2,
    facts: null,
    bindings: [{ clientId: 1, owner: 'ben' }, { clientId: 2 ** 53 - 2, owner: 'anna' }],
    openRuns: [runId(1)],
  })
  expect(await log.ledger(a, [requestId(1)])).toEqual(new Map([[requestId(1), taken(1)]]))
  expect(await log.events(a, -1, 10)).toEqual([{ sequence: 0, events: everythingBeside.events }])
  expect(await log.summaries([a])).toEqual(new Map([[a, summary('Plans')]]))
  expect(await log.append(a, record(bytes(3)))).toBe(3)
})

const lay = (entries: Dump): Promise<void> =>
  raw(database => database.batch(Object.entries(entries).map(([key, value]) => ({ type: 'put', key, value }))))
const dump = (): Promise<Dump> => raw(async database => Object.fromEntries(await database.iterator().all()))
const filesOf = async (path: string): Promise<[string, string][]> => {
  const files = (await readdir(path)).filter(file => !file.startsWith('LO')).sort()
  return Promise.all(files.map(async file => [file, (await readFile(join(path, file))).toString('hex')] as [string, string]))
}

test('a snapshot in parts, and one that was cut short, are written in the same bytes as ever', async () => {
  const log = await world.open()
  const d = documentName('d')
  for (let n = 0; n < 3; n++) await log.append(d, record(bytes(n)))
  await log.compact(d, { update: bytes(10), rest: [bytes(11), bytes(12)], stateVector: bytes(4), upTo: 1 })
  world.failOn(3)
  await expect(log.compact(d, { update: bytes(20), rest: [bytes(21), bytes(22)], stateVector: bytes(4), upTo: 1 })).rejects.toThrow()
  await log.close()
  expect(await raw(async database => Object.fromEntries(await database.iterator().all()))).toEqual(parts3)
  const reopened = await world.open()
  expect(await reopened.read(d)).toMatchObject({ updates: [bytes(10), bytes(11), bytes(12), bytes(2)], head: 2, snapshotParts: 3 })
})

test.each([[1, format1], [2, format2]])('a store of format %i is backed up before it is brought to this one, and the backup is a store like any other', async (_format, entries) => {
  await lay(entries)
  const before = await filesOf(world.path)
  const log = await world.open()
  await log.append(documentName('a'), record(bytes(3)))
  await log.close()
  expect(await filesOf(backupPath(world.path, FORMAT))).toEqual(before)

  await rm(world.path, { recursive: true })
  await rename(backupPath(world.path, FORMAT), world.path)
  expect(await dump()).toEqual(entries)
  const restored = await world.open()
  expect((await restored.read(documentName('a')))?.head).toBe(2)
})

test('a backup that an attempt left which did not come to its end is kept', async () => {
  await lay(format1)
  const before = await filesOf(world.path)
  world.failNext('before')
  await expect(world.open()).rejects.toThrow()
  await (await world.open()).close()
  expect(await filesOf(backupPath(world.path, FORMAT))).toEqual(before)
})

test('a store of this format is not backed up', async () => {
  await lay(format3)
  await (await world.open()).close()
  expect(await readdir(join(world.path, '..'))).toEqual(['store'])
})

test('a store of a newer format is refused in one line, and not a byte of it is changed', async () => {
  await lay({ ...format3, [Buffer.from(keys.encode(formatKey)).toString('hex')]: Buffer.from(toJson(FORMAT + 1)).toString('hex') })
  const before = await filesOf(world.path)
  await expect(world.open()).rejects.toThrow(/^The data folder .* was written by a newer Skein\. Nothing was changed; [^\n]*$/)
  expect(await filesOf(world.path)).toEqual(before)
})
