/** Seeded simulations of the whole: 200 of them, `SKEIN_LONG`: 10,000; `SKEIN_SEEDS=4001-6000` runs these. */
import { describe, expect, it } from 'vitest'
import { simulate } from './world.ts'
import { seedRange, times, withReplay } from '../rig/seed.ts'

const FILE = 'test/sim/simulation.test.ts'
const { first, last } = seedRange(times(10_000, 120))

describe('server, disk, network and devices in one virtual world', () => {
  it(`keep every promise in ${last - first + 1} seeded lives`, async () => {
    const sum = { crashes: 0, sockets: 0, frames: 0, requests: 0, messages: 0, squashes: 0, losses: 0, deletions: 0 }
    for (let seed = first; seed <= last; seed++) {
      await withReplay(seed, FILE, async () => {
        const summary = await simulate(seed)
        for (const key of ['crashes', 'sockets', 'frames', 'requests', 'messages', 'squashes', 'losses', 'deletions'] as const) sum[key] += summary[key]
      })
    }
    console.info(`Simulations ${first} to ${last}:`, sum)
  }, 3_600_000)

  it('hold the same in the end even on a disk that loses what it said it kept', async () => {
    for (let seed = 1; seed <= times(2000, 24); seed++) await simulate(seed, true)
  }, 3_600_000)

  it('live the same life from the same seed', async () => {
    expect(await simulate(13)).toEqual(await simulate(13))
  })
})
