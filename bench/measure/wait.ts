/** Time in a benchmark is real: things are done at moments, and waited for. */

export const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** @throws Error after `timeoutMs` */
export const until = async (what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> => {
  const end = performance.now() + timeoutMs
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Timed out after ${timeoutMs} ms waiting until ${what}`)
    await sleep(5)
  }
}

/** Calls `due` with how many of `perSecond` are due since the last call, for so many seconds. */
export const pace = async (perSecond: number, seconds: number, due: (count: number) => void): Promise<void> => {
  const start = performance.now()
  const total = Math.round(perSecond * seconds)
  for (let done = 0; done < total;) {
    const now = Math.min(total, Math.floor((performance.now() - start) * perSecond / 1000) + 1)
    if (now > done) due(now - done)
    done = Math.max(done, now)
    await sleep(1)
  }
}
