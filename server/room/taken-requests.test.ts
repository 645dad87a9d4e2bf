/** When the ledger on the disk is asked, and that it never has to be believed empty. */
import { expect, test } from 'vitest'
import type { RequestId } from '../../shared/ids.ts'
import { documentName, requestId, taken } from '../../test/contract/samples.ts'
import { REMEMBERED, TakenRequests } from './taken-requests.ts'
import type { KnownRequests } from './taken-requests.ts'

/** A ledger on a disk, and what it is asked. */
const createRoom = (stored: readonly number[]) => {
  const disk = new Map(stored.map(n => [requestId(n), taken(n)]))
  const asked: RequestId[] = []
  const log = {
    newestTaken: async (_name: unknown, most: number): Promise<RequestId[]> => [...disk.keys()].sort().reverse().slice(0, most),
    ledger: async (_name: unknown, ids: readonly RequestId[]): Promise<KnownRequests> => {
      asked.push(...ids)
      return new Map(ids.flatMap(id => disk.has(id) ? [[id, disk.get(id)!]] : []))
    },
  }
  const requests = new TakenRequests(log, documentName('a'))
  return {
    log,
    asked,
    know: async (n: number): Promise<boolean> => {
      const known: KnownRequests = new Map()
      await requests.prepare([requestId(n)], known)
      return known.has(requestId(n))
    },
    /** As the room does it: taken, then on the disk. */
    take: (n: number): void => {
      requests.take([taken(n)])
      disk.set(requestId(n), taken(n))
      requests.durable([taken(n)])
    },
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1)

test('the disk is not asked about ids that are new, and knows those that were taken', async () => {
  const { know, take, asked } = createRoom([1, 3])
  expect([await know(1), await know(2), await know(3), await know(4)]).toEqual([true, false, true, false])
  expect(asked).toEqual([requestId(1), requestId(3)])
  take(4)
  expect(await know(4)).toBe(true)
})

test('of a long ledger the newest ids are remembered, about older ones the disk is asked', async () => {
  const { know, asked } = createRoom(upTo(REMEMBERED + 10))
  expect([await know(REMEMBERED + 11), asked.length]).toEqual([false, 0])
  for (const n of upTo(REMEMBERED + 10)) expect(await know(n)).toBe(true)
})

test('no id is forgotten by a room that takes many', async () => {
  const count = 5 * REMEMBERED
  const { know, take, asked } = createRoom([])
  for (const n of upTo(count)) {
    expect(await know(n)).toBe(false)
    take(n)
  }
  expect(asked).toEqual([])
  for (const n of upTo(count)) expect(await know(n)).toBe(true)
})

test('ids out of the future only cost the others a look at the disk', async () => {
  const { know, take } = createRoom([])
  await know(1)
  for (const n of upTo(3 * REMEMBERED)) take(n + 10_000)
  expect(await know(1)).toBe(false)
  take(1)
  expect(await know(1)).toBe(true)
})

test('where the newest ids cannot be read every id is looked up by itself', async () => {
  const { know, asked, log } = createRoom([1])
  log.newestTaken = async () => { throw new Error('a file of the database cannot be read where it lies') }
  expect([await know(1), await know(2)]).toEqual([true, false])
  expect(asked).toHaveLength(2)
})
