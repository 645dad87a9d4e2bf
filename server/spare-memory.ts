/**
 * Memory that a busy time left behind goes back to the system when there is nothing to do. Left to itself V8 keeps the pages of what it
 * collected: it waits for a moment of few allocations, which it never sees in Node.
 */
import type { Timers } from '../shared/timers.ts'

export interface SpareMemoryPorts {
  after: Timers['after']
  /** Milliseconds of CPU that the process has used so far. */
  cpu: () => number
  /** Bytes: what the process occupies, and what of the heap is in use. */
  memory: () => { resident: number, heap: number }
  /** Collects garbage and gives all pages back that it can. */
  collect: () => void
}

/** How often it looks (milliseconds). */
export const LOOK_MS = 5_000
/** Less than this share of a core is nothing to do. */
const QUIET = 0.02
/** It is worth it when the process occupies so many times what it did after the last time. */
const GROWN = 1.1
/** Collecting takes about a millisecond for each megabyte in use, in which nobody is answered. */
export const LARGE_HEAP = 96 * 1024 * 1024

/** @returns stops looking */
export const giveSpareMemoryBack = ({ after, cpu, memory, collect }: SpareMemoryPorts): (() => void) => {
  let cancel = (): void => {}
  /** What the process occupied after the last time. */
  let left = 0
  const wait = (): void => {
    const before = cpu()
    cancel = after(LOOK_MS, () => {
      const { resident, heap } = memory()
      if (cpu() - before < QUIET * LOOK_MS && resident > GROWN * left && heap < LARGE_HEAP) {
        collect()
        left = memory().resident
      }
      wait()
    })
  }
  wait()
  return () => cancel()
}
