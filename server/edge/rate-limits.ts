/** How much of the API one address and one person may use: so many calls a minute on average, and as many at once after a quiet time. */
import type { ServerLimits } from '../../shared/limits.ts'
import { SkeinError } from '../../shared/errors.ts'
import { limitKey } from './address.ts'
import { RecentMap } from '../../shared/recent-map.ts'

/**
 * `read` and `write`: the daily course. `signIn`: attempts to prove who one is, or to become somebody. `credential`: making something that
 * lets somebody in, such as a token, a ticket or an invitation. `newGuest`: becoming a guest that nobody knew.
 */
export type RateKind = 'read' | 'write' | 'signIn' | 'credential' | 'newGuest'

/** Callers of one table that are remembered; past that, those that were quiet longest are forgotten, and begin anew. */
const REMEMBERED = 20_000
const MINUTE = 60_000

/** Refused for now. */
export class RateLimited extends SkeinError {
  /** Whole seconds until it is worth trying again. */
  readonly retryAfter: number
  constructor(waitMs: number) {
    super('rate-limited')
    this.retryAfter = Math.max(1, Math.ceil(waitMs / 1000))
  }
}

/**
 * The generic cell rate algorithm: for each caller one number, the time at which it will have paid for all it did.
 * @param now milliseconds since 1970
 */
export class RateTable {
  readonly #perMinute: number
  readonly #now: () => number
  readonly #paidAt = new RecentMap<number>(REMEMBERED)

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** @returns 0, and it is counted; else how many milliseconds too early it came, and it is not */
  spend(key: string): number {
    const now = this.#now()
    const paidAt = Math.max(now, this.#paidAt.get(key) ?? 0)
    const early = paidAt + MINUTE / this.#perMinute - MINUTE - now
    // Half a thousandth of a millisecond is rounding.
    if (early > 0.0005) return early
    this.#paidAt.set(key, paidAt + MINUTE / this.#perMinute)
    return 0
  }
}

export class RateLimits {
  readonly #addresses: Partial<Record<RateKind, RateTable>>
  readonly #people: Partial<Record<RateKind, RateTable>>

  constructor(limits: ServerLimits, now: () => number) {
    const table = (perMinute: number) => new RateTable(perMinute, now)
    const writes = table(limits.writesPerMinutePerAddress)
    this.#addresses = {
      read: table(limits.readsPerMinutePerAddress),
      write: writes,
      credential: writes,
      signIn: table(limits.signInsPerMinutePerAddress),
      newGuest: table(limits.newGuestsPerMinutePerAddress),
    }
    this.#people = {
      read: table(limits.readsPerMinutePerPerson),
      write: table(limits.writesPerMinutePerPerson),
      credential: table(limits.credentialsPerMinutePerPerson),
    }
  }

  /** @throws RateLimited */
  admitAddress(kind: RateKind, address: string): void {
    spend(this.#addresses[kind], limitKey(address))
  }

  /** @throws RateLimited */
  admitPerson(kind: RateKind, person: string): void {
    spend(this.#people[kind], person)
  }
}

const spend = (table: RateTable | undefined, key: string): void => {
  const wait = table?.spend(key) ?? 0
  if (wait > 0) throw new RateLimited(wait)
}
