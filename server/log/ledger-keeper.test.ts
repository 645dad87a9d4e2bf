/** The ledger is trimmed by age, in pieces, and failures are made up for. */
import { expect, test } from 'vitest'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { KEEP_MS, keepLedgerTrimmed } from './ledger-keeper.ts'
import type { LedgerPlace } from './ledger-keeper.ts'

const DAY = 24 * 60 * 60 * 1000

/** A ledger of so many pieces, and what was asked of it. */
const createLedger = (pieces: number) => {
  const asked: { before: number, at: number }[] = []
  let failing = false
  return {
    asked,
    fail: (value: boolean): void => { failing = value },
    trimLedger: async (before: number, _most: number, after: LedgerPlace | null): Promise<LedgerPlace | null> => {
      if (failing) throw new Error('no disk')
      const at = Number(after?.[0] ?? 0)
      asked.push({ before, at })
      return at + 1 < pieces ? [at + 1] : null
    },
  }
}

const ignore = (): void => undefined

test('entries are trimmed at the start, piece by piece, and again a day later', async () => {
  const time = new ManualTime()
  const ledger = createLedger(3)
  const stop = keepLedgerTrimmed({ log: ledger, now: time.now, after: time.after, onError: ignore })
  await time.advance(1000)
  expect(ledger.asked.map(({ at }) => at)).toEqual([0, 1, 2])
  expect(ledger.asked.every(({ before }) => time.now() - before - KEEP_MS <= 1000 && before <= time.now() - KEEP_MS)).toBe(true)
  await time.advance(DAY)
  expect(ledger.asked.map(({ at }) => at)).toEqual([0, 1, 2, 0, 1, 2])
  stop()
  await time.advance(3 * DAY)
  expect(ledger.asked).toHaveLength(6)
})

test('a day on which the disk fails is told and left out', async () => {
  const time = new ManualTime()
  const ledger = createLedger(1)
  const errors: unknown[] = []
  ledger.fail(true)
  keepLedgerTrimmed({ log: ledger, now: time.now, after: time.after, onError: error => errors.push(error) })
  await time.advance(1000)
  ledger.fail(false)
  await time.advance(DAY)
  expect({ errors: errors.length, asked: ledger.asked.length }).toEqual({ errors: 1, asked: 1 })
})

test('less than a day is refused', () => {
  const time = new ManualTime()
  const ports = { log: createLedger(1), now: time.now, after: time.after, onError: ignore }
  expect(() => keepLedgerTrimmed({ ...ports, keepMs: DAY - 1 })).toThrow(RangeError)
})
