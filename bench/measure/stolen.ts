/**
 * What other machines on the same host took: the kernel counts as "stolen" how long a core had work and the host did not let it run.
 * proc_stat(5), the columns of the first line; Linux only.
 */
import { readFileSync } from 'node:fs'

/** Ticks since the machine was started. */
export interface Ticks {
  worked: number
  stolen: number
}

/** Null where the system does not tell. */
export const readTicks = (): Ticks | null => {
  try {
    return parseTicks(readFileSync('/proc/stat', 'utf8'))
  } catch {
    return null // not Linux
  }
}

export const parseTicks = (stat: string): Ticks | null => {
  const [user, nice, system, , , irq, softirq, stolen] = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? []
  if (user === undefined || stolen === undefined) return null
  return { worked: user + nice! + system! + irq! + softirq!, stolen }
}

/** Percent of the time that this machine wanted to work in between. */
export const stolenPercent = (before: Ticks | null, after: Ticks | null): number | undefined => {
  if (!before || !after) return undefined
  const stolen = after.stolen - before.stolen
  const wanted = after.worked - before.worked + stolen
  return wanted > 0 ? 100 * stolen / wanted : 0
}
