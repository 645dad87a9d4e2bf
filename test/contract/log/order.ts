/** The order of records, and what is left of them after a stop, a crash and a failed write. */
import { describe, expect, test } from 'vitest'
import { codeOf } from '../code-of.ts'
import { bytes, documentName, event, everythingBeside, lineage, record, requestId, runId, taken } from '../samples.ts'
import type { LogUnderTest } from './under-test.ts'

const a = documentName('a')

export const order = (use: LogUnderTest): void => {
  describe('order', () => {
    test('a document that was never written reads as null', async () => {
      expect(await use.log.read(a)).toBeNull()
    })

    test('sequences start at 0 and have no gaps', async () => {
      expect(await use.log.append(a, record(bytes(0)))).toBe(0)
      expect(await use.log.append(a, record(bytes(1)))).toBe(1)
      const updates = [bytes(0), bytes(1)]
      expect(await use.log.read(a)).toEqual({ lineage: null, updates, head: 1, facts: null, bindings: [], openRuns: [] })
    })

    test('appends that are not awaited are stored in the order of the calls', async () => {
      const sequences = await Promise.all(Array.from({ length: 100 }, (_, n) => use.log.append(a, record(bytes(n)))))
      expect(sequences).toEqual(Array.from({ length: 100 }, (_, n) => n))
      expect(await use.updatesOf(a)).toEqual(Array.from({ length: 100 }, (_, n) => bytes(n)))
    })

    test('appends of one document resolve in the order of their calls', async () => {
      const resolved: number[] = []
      await Promise.all(Array.from({ length: 30 }, async (_, n) => {
        await use.log.append(a, record(bytes(n)))
        resolved.push(n)
      }))
      expect(resolved).toEqual(Array.from({ length: 30 }, (_, n) => n))
    })

    test('a read sees everything that was appended before it, durable or not yet', async () => {
      const appends = [use.log.append(a, record(bytes(0))), use.log.append(a, record(bytes(1)))]
      expect(await use.updatesOf(a)).toEqual([bytes(0), bytes(1)])
      await Promise.all(appends)
    })

    test('many documents written at once are all gapless', async () => {
      const names = Array.from({ length: 40 }, (_, n) => documentName(`many-${n}`))
      await Promise.all(Array.from({ length: 25 }, (_, n) => names.map(name => use.log.append(name, record(bytes(n))))).flat())
      await use.reopen()
      for (const name of names) expect(await use.updatesOf(name)).toEqual(Array.from({ length: 25 }, (_, n) => bytes(n)))
    })

    test('the state vector is taken when the record is appended, not later', async () => {
      let moved = false
      const seen: boolean[] = []
      const stateVector = (): Uint8Array => {
        seen.push(moved)
        return new Uint8Array([0])
      }
      const appended = use.log.append(a, record(bytes(0), { stateVector }))
      moved = true
      await appended
      expect(seen).not.toContain(true)
    })
  })

  describe('reopening', () => {
    test('an orderly stop keeps everything, and the next record continues the sequence', async () => {
      await use.log.append(a, record(bytes(0), everythingBeside))
      await use.reopen()
      expect(await use.log.append(a, record(bytes(1)))).toBe(1)
      const stored = await use.log.read(a)
      expect(stored?.updates).toEqual([bytes(0), bytes(1)])
      expect(stored?.lineage).toEqual(lineage('first'))
      expect(stored?.openRuns).toEqual([runId(1), runId(2)])
      expect(new Map(stored?.bindings.map(({ clientId, owner }) => [clientId, owner]))).toEqual(new Map([[2 ** 53 - 2, 'anna'], [1, 'ben']]))
    })

    test('a crash keeps everything that was acknowledged', async () => {
      for (let n = 0; n < 20; n++) await use.log.append(a, record(bytes(n), { ledger: [taken(n)], events: [event(`k${n}`)] }))
      await use.crash()
      expect(await use.updatesOf(a)).toEqual(Array.from({ length: 20 }, (_, n) => bytes(n)))
      expect((await use.log.ledger(a, [requestId(19)])).size).toBe(1)
      expect(await use.log.append(a, record(bytes(20)))).toBe(20)
    })

    test('close waits for what was appended before it', async () => {
      const appended = use.log.append(a, record(bytes(0)))
      await use.reopen()
      expect(await appended).toBe(0)
      expect(await use.updatesOf(a)).toEqual([bytes(0)])
    })

    test('after close everything is refused as unavailable, and closing again does nothing', async () => {
      await use.log.close()
      expect(await codeOf(use.log.append(a, record(bytes(0))))).toBe('unavailable')
      expect(await codeOf(use.log.read(a))).toBe('unavailable')
      expect(await codeOf(use.log.list(''))).toBe('unavailable')
      await use.log.close()
    })
  })

  describe('generations', () => {
    test('an orderly stop keeps the generation', async () => {
      const before = use.log.generation
      expect(before).toBeGreaterThan(0)
      await use.reopen()
      expect(use.log.generation).toBe(before)
    })

    test('a crash starts a new one, even when nothing was written', async () => {
      const before = use.log.generation
      await use.crash()
      expect(use.log.generation).toBeGreaterThan(before)
      const after = use.log.generation
      await use.crash()
      expect(use.log.generation).toBeGreaterThan(after)
    })

    test.each(['before', 'after'] as const)('a write that failed %s it was done starts a new one, which is kept', async (when) => {
      const before = use.log.generation
      use.world.failNext(when)
      expect(await codeOf(use.log.append(a, record(bytes(0))))).toBe('not-saved')
      await use.log.read(a)
      const after = use.log.generation
      expect(after).toBeGreaterThan(before)
      await use.reopen()
      expect(use.log.generation).toBe(after)
    })
  })
}
