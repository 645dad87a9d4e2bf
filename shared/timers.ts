/** Time that passes, as a port: whoever waits does it through this, so that tests run on a clock of their own. */

export interface Timers {
  /** Calls `run` once after `ms`. @returns cancels it */
  after(ms: number, run: () => void): () => void
}

export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  }
}

/** Resolves after `ms`, or at once when the signal aborts. */
export const wait = (timers: Timers, ms: number, signal: AbortSignal): Promise<void> => new Promise(resolve => {
  if (signal.aborted) return resolve()
  const onAbort = (): void => {
    cancel()
    resolve()
  }
  const cancel = timers.after(ms, () => {
    signal.removeEventListener('abort', onAbort)
    resolve()
  })
  signal.addEventListener('abort', onAbort, { once: true })
})
