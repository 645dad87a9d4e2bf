/**
 * Every kind of dear update, at the largest size that the gate takes and far beyond it: no decision over 50 ms or 10 MB. The time is held
 * with `SKEIN_LONG` on a machine that does nothing else; else the updates have at most 5,000 parts, and only the memory is held.
 */
import { describe, expect, it } from 'vitest'
import { times } from '../rig/seed.ts'
import { collectGarbage, costOf, MOST } from './decision-cost.ts'
import type { Cost } from './decision-cost.ts'
import { worstCases } from './worst-cases.ts'
import type { Case } from './worst-cases.ts'
import { mallory } from './worlds.ts'

const LARGEST = times(1_500_000, 5000)
/** How nearly the largest size is found. */
const STEPS = times(6, 1)

/** Timing is nothing to fail by where other programs run. */
const TIME_HELD = times(true, false)
const suffices = ({ megabytes }: Cost): boolean => !TIME_HELD && megabytes < MOST.megabytes

const isTaken = ({ server, bytes }: Case): boolean => server.judge(bytes, mallory).kind === 'accept'

/** The largest size that is taken. */
const limitOf = (make: (size: number) => Case): number => {
  let taken = 100
  while (taken < LARGEST && isTaken(make(2 * taken))) taken *= 2
  let refused = 2 * taken
  for (let step = 0; step < STEPS; step++) {
    const middle = Math.floor((taken + refused) / 2)
    if (isTaken(make(middle))) taken = middle
    else refused = middle
  }
  return taken
}

describe('no decision takes more than 50 ms of the processor or 10 MB of memory', () => {
  it.each(Object.entries(worstCases))('%s', (name, make) => {
    const size = limitOf(make)
    const sizes = [size, Math.min(3 * size, LARGEST)]
    const costs = sizes.map(each => costOf(() => {
      const { server, bytes } = make(each)
      server.records.length = 0
      return () => server.receive(bytes, mallory)
    }, suffices))
    console.info(`${name}: ${costs.map(({ milliseconds, megabytes }, i) => `${sizes[i]} ${milliseconds.toFixed(1)} ms ${megabytes.toFixed(1)} MB`).join(', refused ')}`)
    collectGarbage()
    for (const { milliseconds, megabytes } of costs) {
      expect(megabytes).toBeLessThan(MOST.megabytes)
      if (TIME_HELD) expect(milliseconds).toBeLessThan(MOST.milliseconds)
    }
  }, 60_000)
})
