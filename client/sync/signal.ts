/** Tells listeners that something changed, once per tick or frame however often it changed in between. */
import type { Schedule } from './port.ts'

export interface Signal {
  changed: () => void
  subscribe: (listener: () => void) => () => void
  /** Drops all listeners; nothing is told any more. */
  clear: () => void
}

export const createSignal = (schedule: Schedule): Signal => {
  const listeners = new Set<() => void>()
  let scheduled = false
  return {
    changed: () => {
      if (scheduled || listeners.size === 0) return
      scheduled = true
      schedule(() => {
        scheduled = false
        for (const listener of [...listeners]) listener()
      })
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    clear: () => listeners.clear()
  }
}
