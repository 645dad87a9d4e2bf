/** So many an hour for each key, as many at once after a quiet time. */
const HOUR = 3_600_000
const REMEMBERED = 20_000

/** @returns spends one and says 0, or says how many milliseconds are to be waited */
export const createPace = (now: () => number, perHour: number): ((key: string) => number) => {
  /** When each will have paid for all it did (the generic cell rate algorithm). */
  const paidAt = new Map<string, number>()
  return key => {
    const at = now()
    const next = Math.max(at, paidAt.get(key) ?? 0) + HOUR / perHour
    if (next - at > HOUR + 1) return next - at - HOUR
    paidAt.delete(key)
    if (paidAt.size >= REMEMBERED) paidAt.delete(paidAt.keys().next().value!)
    paidAt.set(key, next)
    return 0
  }
}
