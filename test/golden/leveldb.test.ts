/**
 * The bytes of a data folder, pinned: stores that exist must open for ever. A difference here is a new format, which needs a higher
 * `FORMAT` and a way from this one; never just new bytes in this file.
 */
import { readFile } from 'node:fs/promises'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { bytes, documentName, everythingBeside, lineage, record, requestId, runId, summary, taken } from '../contract/samples.ts'

type Dump = Record<string, string>

const pinned = async (file: string): Promise<Dump> =>
  (JSON.parse(await readFile(new URL(file, import.meta.url), 'utf8')) as { comment: string, entries: Dump }).entries
const format1 = await pinned('./leveldb-store.json')
const format2 = await pinned('./leveldb-store-2.json')

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
  expect(await raw(async database => Object.fromEntries(await database.iterator().all()))).toEqual(format2)
})

test.each([[1, format1], [2, format2]])('a store of format %i is read as ever', async (_format, entries) => {
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
