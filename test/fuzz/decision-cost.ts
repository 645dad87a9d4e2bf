/**
 * What a decision costs, as nearly as a busy machine lets one see. Neither clock is right alone: the one on the wall goes on while others
 * have the processor, the thread's own may tick in milliseconds; so the smaller one counts. Bytes are those that were allocated and not
 * yet collected, on the heap and beside it.
 */
import * as v8 from 'node:v8'
import * as vm from 'node:vm'

export interface Cost {
  milliseconds: number
  /** Megabytes on the heap and beside it. */
  megabytes: number
}

export const MOST: Readonly<Cost> = { milliseconds: 50, megabytes: 10 }

/** Runs the decision. @returns its milliseconds */
export const timeOf = (decide: () => unknown): number => {
  const wall = performance.now()
  const before = process.threadCpuUsage()
  decide()
  const { user, system } = process.threadCpuUsage(before)
  return Math.min(performance.now() - wall, Math.max((user + system) / 1000, TICK))
}

/** The thread's clock may not have moved at all. */
const TICK = 10

export const bytesInUse = (): number => {
  const { used_heap_size: heap, external_memory: external } = v8.getHeapStatistics()
  return heap + external
}

let collect: (() => void) | null = null

/** Empties the heap of what nobody holds. */
export const collectGarbage = (): void => {
  if (!collect) {
    v8.setFlagsFromString('--expose-gc')
    collect = vm.runInNewContext('gc') as () => void
  }
  collect()
}

const RUNS = 3

/**
 * The least of several runs, each on a state made anew: what is over a bound in all of them is over it because of the work.
 * @param prepare makes the state and returns the decision about it
 * @param suffices ends the runs early
 */
export const costOf = (prepare: () => () => unknown, suffices: (least: Cost) => boolean = () => false): Cost => {
  const least = { milliseconds: Infinity, megabytes: Infinity }
  for (let run = 0; run < RUNS && !suffices(least); run++) {
    const decide = prepare()
    collectGarbage()
    const bytes = bytesInUse()
    least.milliseconds = Math.min(least.milliseconds, timeOf(decide))
    least.megabytes = Math.min(least.megabytes, (bytesInUse() - bytes) / 1e6)
  }
  return least
}
