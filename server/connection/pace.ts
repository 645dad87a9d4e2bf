/** A token bucket: so many a second on average, and a burst after a quiet time. Of one caller, or one for each. */
import { RecentMap } from '../../shared/recent-map.ts'

/** Callers whose pace is remembered; past that those that were quiet longest are forgotten, and begin anew. */
const REMEMBERED = 10_000

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
  spend(amount = 1): number {
    this.#refill()
    this.#left -= amount
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

export class Paces {
  /** A pace of somebody who is not told apart. */
  readonly ofOne: () => Pace
  readonly #callers = new RecentMap<Pace>(REMEMBERED)

  /** @param burstSeconds so many seconds' worth at once */
  constructor(perSecond: number, burstSeconds: number, now: () => number) {
    this.ofOne = () => new Pace(perSecond, perSecond * burstSeconds, now)
  }

  of(caller: string): Pace {
    const pace = this.#callers.get(caller) ?? this.ofOne()
    this.#callers.set(caller, pace)
    return pace
  }
}
