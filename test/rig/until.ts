/** Waiting for conditions instead of sleeping. */

/** Between two tries, in milliseconds: a tenth of what was waited so far, so that whoever waits takes little from what it waits for. */
const [SHORTEST, LONGEST] = [5, 50]

/** Resolves with the first truthy value of `condition`, tried every few milliseconds; rejects with `what` after `timeoutMs`. */
export const until = async <T>(what: string, condition: () => T | Promise<T>, timeoutMs = 30_000): Promise<NonNullable<T>> => {
  const begin = performance.now()
  for (;;) {
    const value = await condition()
    if (value) return value
    const waited = performance.now() - begin
    if (waited > timeoutMs) throw new Error(`Timed out after ${timeoutMs} ms waiting until ${what}`)
    await new Promise(resolve => setTimeout(resolve, Math.min(LONGEST, Math.max(SHORTEST, waited / 10))))
  }
}
