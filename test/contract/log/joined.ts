/** Records that take the place of the last one, with what that held. */
import { describe, expect, test } from 'vitest'
import { codeOf } from '../code-of.ts'
import { bytes, documentName, event, record, taken, requestId } from '../samples.ts'
import type { LogUnderTest } from './under-test.ts'

const a = documentName('a')

export const joined = (use: LogUnderTest): void => {
  const fill = async (count: number): Promise<void> => {
    for (let n = 0; n < count; n++) await use.log.append(a, record(bytes(n), { events: [event(`k${n}`)], ledger: [taken(n)] }))
  }
  const join = (n: number): Promise<number> => use.log.append(a, record(bytes(n), { joined: true }))

  describe('a joined record', () => {
    test('stands in the place of the last one, with what lies beside that', async () => {
      await fill(3)
      expect(await join(100)).toBe(2)
      expect(await join(101)).toBe(2)
      expect(await use.log.append(a, record(bytes(3)))).toBe(3)
      expect(await join(102)).toBe(3)
      const there = async (): Promise<void> => {
        expect(await use.log.read(a)).toMatchObject({ updates: [bytes(0), bytes(1), bytes(101), bytes(102)], head: 3 })
        expect(await use.log.events(a, 1, 10)).toEqual([{ sequence: 2, events: [event('k2')] }])
        expect((await use.log.ledger(a, [requestId(2)])).size).toBe(1)
      }
      await there()
      await use.reopen()
      await there()
      expect(await use.log.append(a, record(bytes(4)))).toBe(4)
    })

    test('is in line with records before and behind it, awaited or not', async () => {
      await fill(1)
      const sequences = [use.log.append(a, record(bytes(1))), join(100), use.log.append(a, record(bytes(2))), join(101), join(102)]
      expect(await Promise.all(sequences)).toEqual([1, 1, 2, 2, 2])
      expect(await use.updatesOf(a)).toEqual([bytes(0), bytes(100), bytes(102)])
    })

    test('is there after a crash when it was acknowledged', async () => {
      await fill(2)
      await join(100)
      await use.crash()
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(0), bytes(100)], head: 1 })
    })

    test.each([['before', 1], ['after', 100]] as const)('that failed %s it was done leaves all of the one before it or all of itself', async (when, n) => {
      await fill(2)
      use.world.failNext(when)
      expect(await codeOf(join(100))).toBe('not-saved')
      expect(await use.log.read(a)).toMatchObject({ updates: [bytes(0), bytes(n)], head: 1 })
    })

    test('goes with the records that a snapshot takes the place of', async () => {
      await fill(3)
      await join(100)
      await use.log.append(a, record(bytes(3)))
      await use.log.compact(a, { update: bytes(200), stateVector: bytes(0), upTo: 2 })
      await join(101)
      expect(await use.updatesOf(a)).toEqual([bytes(200), bytes(101)])
    })

    test('is refused in the place of a first record or of a snapshot, and with events', async () => {
      await fill(1)
      await expect(join(100)).rejects.toThrow(RangeError)
      await use.log.append(a, record(bytes(1)))
      await expect(use.log.append(a, record(bytes(100), { joined: true, events: [event('k')] }))).rejects.toThrow(RangeError)
      await use.log.compact(a, { update: bytes(200), stateVector: bytes(0), upTo: 1 })
      await expect(join(100)).rejects.toThrow(RangeError)
      expect(await use.updatesOf(a)).toEqual([bytes(200)])
    })
  })
}
