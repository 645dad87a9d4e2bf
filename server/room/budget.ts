/** What a person may do within an hour: a token bucket per person, refilled evenly. */
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import type { UserId } from '../../shared/ids.ts'

const HOUR_MS = 3_600_000
/** People remembered before those who have rested are forgotten. */
const REMEMBERED = 10_000

interface Bucket {
  /** What was left at `at`. */
  left: number
  /** Milliseconds since 1970. */
  at: number
}

/** Refused for now. */
export class OverBudget extends SkeinError {
  /** Whole seconds until it is worth trying again. */
  readonly retryAfter: number
  constructor(waitMs: number) {
    super('rate-limited')
    this.retryAfter = Math.ceil(waitMs / 1000)
  }
}

export class HourlyBudget {
  readonly #perHour: number
  readonly #buckets = new Map<UserId, Bucket>()

  /** @param perHour how many a person may spend at once after an hour of rest */
  constructor(perHour: number) {
    this.#perHour = perHour
  }

  /** @returns whether the person could afford it; when not, nothing is spent */
  spend(person: UserId, amount: number, now: number): boolean {
    const left = this.#left(person, now)
    if (left < amount) return false
    if (amount > 0) this.#buckets.set(person, { left: left - amount, at: now })
    if (this.#buckets.size > REMEMBERED) this.prune(now)
    return true
  }

  /** @returns milliseconds until the person can afford it; 0: now */
  waitMs(person: UserId, amount: number, now: number): number {
    return Math.max(0, amount - this.#left(person, now)) * HOUR_MS / this.#perHour
  }

  /** Forgets who has rested long enough to have everything again. */
  prune(now: number): void {
    for (const person of this.#buckets.keys()) if (this.#left(person, now) >= this.#perHour) this.#buckets.delete(person)
  }

  get size(): number {
    return this.#buckets.size
  }

  #left(person: UserId, now: number): number {
    const bucket = this.#buckets.get(person)
    if (!bucket) return this.#perHour
    const refilled = Math.max(0, now - bucket.at) * this.#perHour / HOUR_MS
    return Math.min(this.#perHour, bucket.left + refilled)
  }
}

/** Over all rooms of a server. */
export interface Budgets {
  requests: HourlyBudget
  requestsJudged: HourlyBudget
  newClients: HourlyBudget
}

export const createBudgets = (): Budgets => ({
  requests: new HourlyBudget(limits.requestsPerHour),
  requestsJudged: new HourlyBudget(limits.requestsJudgedPerHour),
  newClients: new HourlyBudget(limits.newClientsPerHour),
})
