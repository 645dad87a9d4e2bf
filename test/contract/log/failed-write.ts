/** A write that failed: nobody knows whether it is on the disk, so who built on it reads again. */
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf } from '../code-of.ts'
import { bytes, documentName, everythingBeside, lineage, record, requestId } from '../samples.ts'
import type { LogUnderTest } from './under-test.ts'

const a = documentName('a')

export const failedWrite = (use: LogUnderTest): void => {
  describe('a failed write', () => {
    beforeEach(async () => {
      await use.log.append(a, record(bytes(0)))
    })

    test('that did not reach the disk is not there, and its sequence is used by the next record', async () => {
      use.world.failNext('before')
      expect(await codeOf(use.log.append(a, record(bytes(1), everythingBeside)))).toBe('not-saved')
      expect(await use.log.read(a)).toEqual({ lineage: null, updates: [bytes(0)], head: 0, facts: null, bindings: [], openRuns: [] })
      expect((await use.log.ledger(a, [requestId(1)])).size).toBe(0)
      expect(await use.log.events(a, -1, 10)).toEqual([])
      expect(await use.log.append(a, record(bytes(2)))).toBe(1)
      await use.reopen()
      expect(await use.updatesOf(a)).toEqual([bytes(0), bytes(2)])
    })

    test('that reached the disk after all is there with everything beside it', async () => {
      use.world.failNext('after')
      expect(await codeOf(use.log.append(a, record(bytes(1), everythingBeside)))).toBe('not-saved')
      const stored = await use.log.read(a)
      expect(stored?.updates).toEqual([bytes(0), bytes(1)])
      expect(stored?.lineage).toEqual(lineage('first'))
      expect((await use.log.ledger(a, [requestId(1)])).size).toBe(1)
      expect(await use.log.append(a, record(bytes(2)))).toBe(2)
    })

    test('rejects everything in line behind it, of every document', async () => {
      const b = documentName('b')
      use.world.failNext('before')
      const appends = [use.log.append(a, record(bytes(1))), use.log.append(a, record(bytes(2))), use.log.append(b, record(bytes(3)))]
      expect(await Promise.all(appends.map(codeOf))).toEqual(['not-saved', 'not-saved', 'not-saved'])
      expect(await use.updatesOf(a)).toEqual([bytes(0)])
      expect(await use.log.read(b)).toBeNull()
    })

    test('is over for a read in line behind it, which makes the document writable again', async () => {
      use.world.failNext('before')
      const failed = codeOf(use.log.append(a, record(bytes(1))))
      expect(await use.updatesOf(a)).toEqual([bytes(0)])
      expect(await failed).toBe('not-saved')
      expect(await use.log.append(a, record(bytes(2)))).toBe(1)
    })

    test('makes every document that was in use unwritable until it was read again', async () => {
      const b = documentName('b')
      await use.log.append(b, record(bytes(9)))
      use.world.failNext('before')
      expect(await codeOf(use.log.append(a, record(bytes(1))))).toBe('not-saved')
      expect(await codeOf(use.log.append(a, record(bytes(2))))).toBe('not-saved')
      expect(await codeOf(use.log.append(b, record(bytes(3))))).toBe('not-saved')
      expect(await codeOf(use.log.compact(a, { update: bytes(4), stateVector: bytes(0), upTo: 0 }))).toBe('not-saved')
      await use.log.read(a)
      expect(await use.log.append(a, record(bytes(5)))).toBe(1)
      expect(await codeOf(use.log.append(b, record(bytes(6))))).toBe('not-saved')
      await use.log.read(b)
      expect(await use.log.append(b, record(bytes(7)))).toBe(1)
    })

    test('leaves documents that nobody used writable', async () => {
      use.world.failNext('before')
      expect(await codeOf(use.log.append(a, record(bytes(1))))).toBe('not-saved')
      expect(await use.log.append(documentName('new'), record(bytes(2)))).toBe(0)
    })

    test('of a snapshot keeps the document readable', async () => {
      await use.log.append(a, record(bytes(1)))
      use.world.failNext('before')
      expect(await codeOf(use.log.compact(a, { update: bytes(50), stateVector: bytes(0), upTo: 1 }))).toBe('not-saved')
      expect(await use.updatesOf(a)).toEqual([bytes(0), bytes(1)])
    })
  })
}
