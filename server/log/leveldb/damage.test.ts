/** A document of which something is lost or changed is refused by name, and everything else is served. */
import { beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { codeOf } from '../../../test/contract/code-of.ts'
import { bytes, documentName, lineage, record, runId, summary } from '../../../test/contract/samples.ts'
import { levelDbForEachTest } from '../../../test/rig/leveldb-for-each-test.ts'
import type { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import { toJson } from '../store-port.ts'
import { crcKey, documentDamageKey, headKey, lineageKey, partKey, stateVectorKey, summaryKey, updateKey } from './keys.ts'

const a = documentName('a')
const b = documentName('b')

const on = levelDbForEachTest()

const fill = (count: number, name = a): Promise<void> => on.world.fill(name, count)
const reopenAfter = (work: Parameters<LevelDbWorld['raw']>[0]) => on.world.openAfter(work)

describe('damage', () => {
  const expectDamage = async (what: string): Promise<void> => {
    expect(await codeOf(on.log.read(a))).toBe('log-damaged')
    await expect(on.log.read(a)).rejects.toThrow(a)
    await expect(on.log.read(a)).rejects.toThrow(what)
    expect((await on.log.read(b))?.updates).toHaveLength(3)
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
    await on.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
    await reopenAfter(database => database.batch([
      { type: 'del', key: updateKey(a, 4) },
      { type: 'put', key: updateKey(a, 3), value: Y.encodeStateAsUpdate(new Y.Doc()) },
    ]))
    await expectDamage('record 4 is missing')
  })

  test('records that are missing altogether are not taken for a document that was cleared', async () => {
    await on.log.append(a, record(bytes(5), { openedRuns: [runId(1)] }))
    await reopenAfter(database => database.clear({ gte: updateKey(a, 0), lte: updateKey(a, 100) }))
    await expectDamage('all its records are missing')
    expect(await codeOf(on.log.append(a, record(bytes(6))))).toBe('log-damaged')
    expect(await on.log.openRuns()).toEqual([{ name: a, runId: runId(1) }])
  })

  test('records that are missing at the end are named, although no snapshot stood there', async () => {
    await reopenAfter(database => database.batch([
      { type: 'del', key: updateKey(a, 3) }, { type: 'del', key: crcKey(a, 3) },
      { type: 'del', key: updateKey(a, 4) }, { type: 'del', key: crcKey(a, 4) },
    ]))
    await expectDamage('records 3 to 4 are missing')
  })

  test('a snapshot that is missing is named, although the records after it are whole', async () => {
    await on.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 2 })
    await reopenAfter(database => database.del(updateKey(a, 2)))
    await expectDamage('record 2 is missing')
  })

  describe('of a snapshot in parts', () => {
    beforeEach(() => on.log.compact(a, { update: bytes(100), rest: [101, 102, 103].map(bytes), stateVector: bytes(0), upTo: 2 }))

    test('that is missing or was changed is named', async () => {
      await reopenAfter(async (database) => {
        await database.del(partKey(a, 2, 2))
        await database.put(partKey(a, 2, 3), bytes(7))
      })
      await expectDamage('part 2 of record 2 is missing, part 3 of record 2 was changed')
    })

    test('at the record that they follow is named', async () => {
      await reopenAfter(database => database.del(updateKey(a, 2)))
      await expectDamage('record 2 is missing')
    })
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
    await on.log.append(a, record(bytes(5), { lineage: lineage('first') }))
    await reopenAfter(async (database) => {
      const value = Buffer.from((await database.get(lineageKey(a)))!)
      value[value.length - 2]! ^= 1
      await database.put(lineageKey(a), value)
    })
    await expectDamage('the entry "lineage conversation/a" was changed')
  })

  test('a damaged summary is left out of the list, in which all others stand', async () => {
    for (const name of [a, b]) await on.log.append(name, record(bytes(9), { summary: summary('Plans') }))
    await reopenAfter(database => database.put(summaryKey(a), Buffer.from('nonsense')))
    expect([...(await on.log.summaries([a, b])).keys()]).toEqual([b])
  })

  test('what a mark says of a document stays true over restarts, until it is erased', async () => {
    await on.log.store.commit([{ type: 'put', key: documentDamageKey(a), value: toJson('a change was lost') }])
    await reopenAfter(async () => undefined)
    await reopenAfter(async () => undefined)
    await expectDamage('a change was lost')
    await on.log.erase(a)
    await reopenAfter(async () => undefined)
    expect(await on.log.append(a, record(bytes(0)))).toBe(0)
  })

  test('a damaged document can be erased', async () => {
    await reopenAfter(database => database.del(updateKey(a, 2)))
    await expectDamage('record 2')
    await on.log.erase(a)
    expect(await on.log.read(a)).toBeNull()
    expect(await on.log.append(a, record(bytes(0)))).toBe(0)
  })
})
