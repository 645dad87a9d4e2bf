/**
 * Memory that a busy time left behind goes back to the system when there is nothing to do. Left to itself V8 keeps the pages of what it
 * collected: it waits for a moment of few allocations, which it never sees in Node.
 */
import type { Timers } from '../shared/timers.ts'

export interface SpareMemoryPorts {
  after: Timers['after']
  /** Milliseconds of CPU that the process has used so far. */
  cpu: () => number
  /** Bytes: what the process occupies, and the objects of the heap, in use or garbage. */
  memory: () => { resident: number, heap: number }
  /** Collects garbage and gives all pages back that it can. */
  collect: () => void
}

/** How often it looks (milliseconds). */
export const LOOK_MS = 5_000
/** Collecting is worth it when the process occupies so much more than it did after the last time, as a share of that … */
const GROWN = 0.1
/** … and no more than this share of a core is in use: so much again for each time that it has grown by that, */
const QUIET = 0.02
/** but never more than this share: everybody waits meanwhile. */
const CALM = 0.2
/** Where something is going on, the next time comes so much later at the earliest (milliseconds). */
export const REST_MS = 60_000
/**
 * Collecting takes about a millisecond for each megabyte in use, in which nobody is answered. How much of the heap is in use and how much
 * is garbage nobody tells: no more than the least that it was since the last time, where nothing large has come since.
 */
export const LARGE_HEAP = 96 * 1024 * 1024

/** @returns stops looking */
export const giveSpareMemoryBack = ({ after, cpu, memory, collect }: SpareMemoryPorts): (() => void) => {
  let cancel = (): void => {}
  /** What the process occupied after the last time, and for how long that is over. */
  let [left, rested] = [0, REST_MS]
  let least = Infinity
  const wait = (): void => {
    const before = cpu()
    cancel = after(LOOK_MS, () => {
      rested += LOOK_MS
      const busy = (cpu() - before) / LOOK_MS
      const { resident, heap } = memory()
      least = Math.min(least, heap)
      const grown = (resident / left - 1) / GROWN
      const allowed = rested < REST_MS ? QUIET : Math.min(QUIET * grown, CALM)
      if (grown > 1 && busy < allowed && least < LARGE_HEAP) {
        collect();
        ({ resident: left, heap: least } = memory())
        rested = 0
      }
      wait()
    })
  }
  wait()
  return () => cancel()
}
