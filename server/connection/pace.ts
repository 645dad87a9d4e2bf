/** A token bucket: so many a second on average, and a burst after a quiet time. */

export class Pace {
  readonly #perSecond: number
  readonly #burst: number
  readonly #now: () => number
  #left: number
  #at: number

  /** @param now milliseconds since 1970 */
  constructor(perSecond: number, burst: number, now: () => number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#now = now
    this.#left = burst
    this.#at = now()
  }

  /** Counts what has come already. @returns milliseconds until the next one may come */
  spend(): number {
    this.#refill()
    this.#left--
    return this.#left >= 0 ? 0 : Math.ceil(-this.#left / this.#perSecond * 1000)
  }

  /** @returns whether one more may come now; it is counted only if so */
  take(): boolean {
    this.#refill()
    if (this.#left < 1) return false
    this.#left--
    return true
  }

  #refill(): void {
    const now = this.#now()
    this.#left = Math.min(this.#burst, this.#left + Math.max(0, now - this.#at) * this.#perSecond / 1000)
    this.#at = now
  }
}
