/**
 * How much of the API one address and one person may use: so many calls a minute on average, and as many at once after a quiet time. What
 * becomes of the calls is all the same here: passwords that were wrong are counted by `server/identity/accounts/lockout.ts` besides.
 */
import type { ServerLimits } from '../../shared/limits.ts'
import { SkeinError } from '../../shared/errors.ts'
import { RateTable, limitKey } from '../../shared/rate-table.ts'

/**
 * `read` and `write`: the daily course. `signIn`: attempts to prove who one is, or to become somebody. `credential`: making something that
 * lets somebody in, such as a token, a ticket or an invitation. `newGuest`: becoming a guest that nobody knew.
 */
export type RateKind = 'read' | 'write' | 'signIn' | 'credential' | 'newGuest'

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

export class RateLimits {
  readonly #addresses: Partial<Record<RateKind, RateTable>>
  readonly #people: Partial<Record<RateKind, RateTable>>

  constructor(limits: ServerLimits, now: () => number) {
    const table = (perMinute: number) => new RateTable(perMinute, MINUTE, now)
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
