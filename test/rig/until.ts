/** Waiting for conditions instead of sleeping. */

/** Resolves with the first truthy value of `condition`, tried every few milliseconds; rejects with `what` after `timeoutMs`. */
export const until = async <T>(what: string, condition: () => T | Promise<T>, timeoutMs = 15_000): Promise<NonNullable<T>> => {
  const end = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end) throw new Error(`Timed out after ${timeoutMs} ms waiting until ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
