/** What only LevelDB can do or suffer; what every log does is in `test/contract/log.ts`. */
import { describe, expect, test } from 'vitest'
import { bytes, documentName, everythingBeside, lineage, record, requestId, taken, userId } from '../../../test/contract/samples.ts'
import { levelDbForEachTest } from '../../../test/rig/leveldb-for-each-test.ts'
import type { LevelDbWorld } from '../../../test/rig/leveldb-world.ts'
import type { LedgerPlace } from '../ledger-keeper.ts'
import { allLedgersRange, crcKey, ledgerKey, lineageKey, stateVectorKey, updateKey } from './keys.ts'

const a = documentName('a')
const b = documentName('b')

const on = levelDbForEachTest()

const fill = (count: number, name = a): Promise<void> => on.world.fill(name, count)
const reopenAfter = (work: Parameters<LevelDbWorld['raw']>[0]) => on.world.openAfter(work)

describe('the log on LevelDB', () => {
  test('the checksum of a record is that of its key and its bytes', async () => {
    await fill(1)
    await on.log.close()
    // A mark, then the CRC-32 of the key as it is stored and of 00 00 07, big endian, as any other program would compute it.
    expect(await on.world.raw(database => database.get(crcKey(a, 0)))).toEqual(Buffer.from('0179b7dce7', 'hex'))
  })

  test('a client id beyond 32 bits is kept exactly', async () => {
    await on.log.append(a, record(bytes(0), { bindings: [{ clientId: Number.MAX_SAFE_INTEGER, owner: userId('anna') }] }))
    expect((await on.log.read(a))?.bindings).toEqual([{ clientId: 9007199254740991, owner: 'anna' }])
  })

  test('everything that one change leaves is in one batch', async () => {
    const batches: number[] = []
    on.world.onWrite = async (write, _database, operations) => {
      batches.push(operations.length)
      await write()
    }
    await on.log.append(a, record(bytes(0), everythingBeside))
    // The record, its checksum, the head, the state vector, eight things beside it, the commit number.
    expect(batches).toEqual([13])
  })

  test('documents that are written at once share a batch', async () => {
    await fill(1)
    let batches = 0
    on.world.onWrite = async (write) => {
      batches++
      await write()
    }
    await Promise.all(Array.from({ length: 200 }, (_, n) => on.log.append(documentName(`d${n}`), record(bytes(n)))))
    expect(batches).toBeLessThan(50)
  })

  test('the ledger is trimmed by age, in pieces over all documents, and by nothing else', async () => {
    for (let n = 0; n < 10; n++) {
      await on.log.append(a, record(bytes(n), { ledger: [taken(n)] }))
      await on.log.append(b, record(bytes(n), { ledger: [taken(100 + n)] }))
    }
    let [place, pieces]: [LedgerPlace | null, number] = [null, 0]
    do {
      place = await on.log.trimLedger(104, 6, place)
      pieces++
    } while (place !== null)
    expect(pieces).toBe(4)
    const ids = Array.from({ length: 200 }, (_, n) => requestId(n))
    expect((await on.log.ledger(a, ids)).size).toBe(0)
    expect([...(await on.log.ledger(b, ids)).values()].map(({ at }) => at)).toEqual([104, 105, 106, 107, 108, 109])
    expect((await on.log.read(a))?.updates).toHaveLength(10)
  })

  test('a damaged entry of the ledger stays and is named; all others are trimmed', async () => {
    for (let n = 0; n < 9; n++) await on.log.append(a, record(bytes(n), { ledger: [taken(n)] }))
    await reopenAfter(database => database.put(ledgerKey(a, requestId(2)), Buffer.from([1, 2, 3, 4, 5, 6])))
    let place: LedgerPlace | null = null
    do place = await on.log.trimLedger(8, 3, place)
    while (place !== null)
    expect(on.world.damage).toEqual([`the entry "ledger ${a} ${requestId(2)}" was changed`])
    await on.log.close()
    const left = await on.world.raw(database => database.keys(allLedgersRange).all())
    expect(left.map(key => key[3])).toEqual([requestId(2), requestId(8)])
  })

  test('when y-leveldb cleared a document, the lineage that it left behind does not come back with the next one', async () => {
    await on.log.append(a, record(bytes(0), { lineage: lineage('old') }))
    await reopenAfter(database => database.batch([
      { type: 'del', key: stateVectorKey(a) }, { type: 'del', key: updateKey(a, 0) }, { type: 'del', key: crcKey(a, 0) },
    ]))
    await on.log.append(a, record(bytes(0)))
    expect((await on.log.read(a))?.lineage).toBeNull()
    await on.log.close()
    expect(await on.world.raw(database => database.get(lineageKey(a)))).toBeUndefined()
  })
})
