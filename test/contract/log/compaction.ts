/** Snapshots: what takes the place of records, what is read for one, and what one owes the disk. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../../server/log/port.ts'
import { codeOf } from '../code-of.ts'
import { bytes, documentName, event, everythingBeside, lineage, record, requestId } from '../samples.ts'
import type { LogUnderTest } from './under-test.ts'

const a = documentName('a')

export const compaction = (use: LogUnderTest): void => {
  const fill = async (count: number, name = a): Promise<void> => {
    for (let n = 0; n < count; n++) await use.log.append(name, record(bytes(n), { events: [event(`k${n}`)] }))
  }

  describe('compaction', () => {
    test('puts the snapshot in the place of its last record and removes those before it', async () => {
      await fill(5)
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3 })
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(100), bytes(4)], head: 4 })
      expect(await use.log.append(a, record(bytes(5)))).toBe(5)
      await use.reopen()
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(100), bytes(4), bytes(5)], head: 5 })
    })

    test('keeps what lies beside the records, the events before the snapshot too', async () => {
      await use.log.append(a, record(bytes(0), everythingBeside))
      await use.log.append(a, record(bytes(1), { events: [event('later')] }))
      const before = await use.log.read(a)
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 1 })
      expect(await use.log.read(a)).toEqual({ ...before, updates: [bytes(100)] })
      expect(await use.log.events(a, -1, 10)).toEqual([{ sequence: 0, events: [event('title')] }, { sequence: 1, events: [event('later')] }])
      expect((await use.log.ledger(a, [requestId(1)])).size).toBe(1)
    })

    test('keeps what is said of a snapshot for as long as that snapshot stands', async () => {
      const facts = { schema: 1, tombstones: 3, stateVector: bytes(7), deletions: bytes(8) }
      await fill(4)
      expect(await use.log.read(a)).toMatchObject({ facts: null })
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 2, facts })
      await use.log.append(a, record(bytes(5)))
      await use.reopen()
      expect(await use.log.read(a)).toEqual(expect.objectContaining({ updates: [bytes(100), bytes(3), bytes(5)], facts }))
      await use.log.compact(a, { update: bytes(101), stateVector: bytes(0), upTo: 3 })
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(101), bytes(5)], facts: null })
    })

    test('with a new lineage brings both or neither', async () => {
      await use.log.append(a, record(bytes(0), everythingBeside))
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 0, lineage: lineage('second') })
      await use.crash()
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(100)], lineage: lineage('second') })
      expect((await use.log.ledger(a, [requestId(1)])).size).toBe(1)
      use.world.failNext('before')
      const third = { update: bytes(99), stateVector: bytes(0), upTo: 0, lineage: lineage('third') }
      expect(await codeOf(use.log.compact(a, third))).toBe('not-saved')
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(100)], lineage: lineage('second') })
    })

    test('takes effect in line with appends that were made around it', async () => {
      await fill(3)
      await Promise.all([
        use.log.append(a, record(bytes(3))),
        use.log.append(a, record(bytes(4))),
        use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 }),
        use.log.append(a, record(bytes(5))),
        use.log.append(a, record(bytes(6))),
      ])
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(100), bytes(5), bytes(6)], head: 6 })
    })

    test('in parts puts them, in order, in the place of the records', async () => {
      await fill(5)
      await use.log.compact(a, { update: bytes(100), rest: [101, 102, 103].map(bytes), stateVector: bytes(0), upTo: 3 })
      const updates = [100, 101, 102, 103, 4].map(bytes)
      expect(await use.log.read(a)).toMatchObject({ updates, head: 4, snapshotParts: 4 })
      expect(await use.log.records(a, 3)).toEqual(updates.slice(0, 4))
      await use.crash()
      expect(await use.log.read(a)).toMatchObject({ updates, head: 4, snapshotParts: 4 })
      expect(await use.log.append(a, record(bytes(5)))).toBe(5)
    })

    test('in parts is followed by one in others, or in none, at the same record or a later one', async () => {
      await fill(5)
      const parts = (first: number, count: number): Pick<Snapshot, 'update' | 'rest'> =>
        ({ update: bytes(first), rest: Array.from({ length: count }, (_, n) => bytes(first + 1 + n)) })
      for (const [first, count, upTo] of [[10, 3, 2], [20, 2, 2], [30, 4, 2], [40, 2, 4]] as const) {
        await use.log.compact(a, { ...parts(first, count), stateVector: bytes(0), upTo })
        const stored = await use.log.read(a)
        expect(stored?.updates.slice(0, count + 1)).toEqual(Array.from({ length: count + 1 }, (_, n) => bytes(first + n)))
        expect(stored?.updates.length).toBe(count + 1 + 4 - upTo)
      }
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
      await use.reopen()
      expect(await use.updatesOf(a)).toEqual([bytes(100)])
      expect((await use.log.read(a))?.snapshotParts).toBeUndefined()
    })

    test('in parts takes effect between appends that go on meanwhile', async () => {
      await fill(3)
      const rest = Array.from({ length: 20 }, (_, n) => bytes(101 + n))
      let over = false
      const compacted = use.log.compact(a, { update: bytes(100), rest, stateVector: bytes(0), upTo: 2 }).then(() => { over = true })
      let appended = 3
      while (!over) await use.log.append(a, record(bytes(appended++)))
      await compacted
      const updates = [bytes(100), ...rest, ...Array.from({ length: appended - 3 }, (_, n) => bytes(3 + n))]
      expect(await use.log.read(a)).toMatchObject({ updates, head: appended - 1 })
    })

    test('in parts, of a document that is erased meanwhile, leaves no trace of it', async () => {
      await fill(3)
      const rest = Array.from({ length: 20 }, (_, n) => bytes(101 + n))
      const compacted = use.log.compact(a, { update: bytes(100), rest, stateVector: bytes(0), upTo: 2 }).catch(() => undefined)
      await use.log.append(a, record(bytes(3)))
      await Promise.all([use.log.erase(a), compacted])
      expect(await use.log.read(a)).toBeNull()
      await use.log.close()
      expect(await use.world.traces(a)).toBe(0)
      use.log = await use.world.open()
      expect(await use.log.append(a, record(bytes(200)))).toBe(0)
    })

    test('by an older snapshot than the one that is there changes nothing', async () => {
      await fill(5)
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
      await use.log.compact(a, { update: bytes(99), stateVector: bytes(0), upTo: 2 })
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(100)], head: 4 })
    })

    test('up to a record that does not exist is refused and changes nothing', async () => {
      await fill(2)
      await expect(use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 2 })).rejects.toThrow(RangeError)
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(0), bytes(1)], head: 1 })
      expect(await use.log.append(a, record(bytes(2)))).toBe(2)
    })

    test('survives a crash right after it', async () => {
      await fill(4)
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3 })
      await use.crash()
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(100)], head: 3 })
    })

    test('with scrubbing leaves later records alone, even of a document erased and begun anew', async () => {
      await fill(4)
      const scrubbed = use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 3, scrub: true })
      const before = [use.log.append(a, record(bytes(4))), use.log.erase(a)]
      const behind = [...before, use.log.append(a, record(bytes(200))), use.log.append(a, record(bytes(201)))]
      await Promise.all([scrubbed, ...behind])
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(200), bytes(201)], head: 1 })
    })
  })

  describe('what was taken out of a document', () => {
    beforeEach(async () => {
      await use.log.append(a, record(bytes(0)))
      await use.log.append(documentName('b'), record(bytes(0)))
      await use.log.append(a, record(bytes(1), { scrub: true }))
    })

    test('is owed from its record on, over crashes, until a snapshot with scrubbing holds that record', async () => {
      await use.crash()
      expect(await use.log.owedScrubs()).toEqual([a])
      expect((await use.log.read(a))?.owesScrub).toBe(true)
      expect((await use.log.read(documentName('b')))?.owesScrub).toBeUndefined()
      await use.log.compact(a, { update: bytes(9), stateVector: bytes(0), upTo: 0 })
      expect((await use.log.read(a))?.owesScrub).toBe(true)
      await use.log.compact(a, { update: bytes(9), stateVector: bytes(0), upTo: 1, scrub: true })
      expect((await use.log.read(a))?.owesScrub).toBeUndefined()
      await use.crash()
      expect(await use.log.owedScrubs()).toEqual([])
    })

    test('is not owed any more of a document that was erased', async () => {
      await use.log.erase(a)
      expect(await use.log.owedScrubs()).toEqual([])
    })
  })

  describe('the records for a snapshot', () => {
    test('are those up to its sequence, what is in line before it too, snapshot first', async () => {
      const appended = Array.from({ length: 6 }, (_, n) => use.log.append(a, record(bytes(n))))
      expect(await use.log.records(a, 3)).toEqual([0, 1, 2, 3].map(bytes))
      await Promise.all(appended)
      await use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
      expect(await use.log.records(a, 5)).toEqual([bytes(100), bytes(5)])
    })

    test('are the snapshot where one took the place of all of them, in parts too, as one does that comes while they are waited for', async () => {
      await fill(3)
      const inFlight = use.log.append(a, record(bytes(3)))
      const asked = use.log.records(a, 3)
      const later = use.log.append(a, record(bytes(4)))
      const compacted = use.log.compact(a, { update: bytes(100), stateVector: bytes(0), upTo: 4 })
      const found = await asked
      await Promise.all([inFlight, later, compacted])
      expect([[0, 1, 2, 3].map(bytes), [bytes(100)]]).toContainEqual(found)
      expect(await use.log.records(a, 3)).toEqual([bytes(100)])
      await use.log.append(a, record(bytes(5)))
      await use.log.compact(a, { update: bytes(101), rest: [bytes(102)], stateVector: bytes(0), upTo: 5 })
      await use.log.append(a, record(bytes(6)))
      expect(await use.log.records(a, 3)).toEqual([bytes(101), bytes(102)])
    })

    test('are no beginning: after a failed write the document stays unwritable', async () => {
      await use.log.append(a, record(bytes(0)))
      use.world.failNext('before')
      expect(await codeOf(use.log.append(a, record(bytes(1))))).toBe('not-saved')
      await use.log.records(a, 0).catch(() => undefined)
      expect(await codeOf(use.log.append(a, record(bytes(2))))).toBe('not-saved')
    })
  })
}
