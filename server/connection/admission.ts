/** Who may open a connection: bounded per address before anything is known of the caller, and per person after. */
import type { ServerLimits } from '../../shared/limits.ts'
import { RecentMap } from '../../shared/recent-map.ts'
import { Pace } from './pace.ts'

/** Callers whose pace is remembered; past that those that were quiet longest are forgotten. */
const REMEMBERED = 10_000
/** A network that comes back, or a server that was restarted, brings everybody at once. */
const BURST_SECONDS = 10

export class Admission {
  readonly #limits: ServerLimits
  readonly #now: () => number
  readonly #addresses = new RecentMap<Pace>(REMEMBERED)
  readonly #people = new RecentMap<Pace>(REMEMBERED)
  readonly #open = new Map<string, number>()

  constructor(limits: ServerLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** Whether another connection may come from this address now. */
  mayConnect(address: string): boolean {
    return this.#pace(this.#addresses, address, this.#limits.connectsPerSecondPerAddress).take()
  }

  /** @returns ends the person's stay; null: they have too many connections, or open them too fast */
  enter(person: string): (() => void) | null {
    const open = this.#open.get(person) ?? 0
    if (open >= this.#limits.connectionsPerPerson) return null
    if (!this.#pace(this.#people, person, this.#limits.connectsPerSecondPerPerson).take()) return null
    this.#open.set(person, open + 1)
    return () => {
      const left = this.#open.get(person)! - 1
      if (left > 0) this.#open.set(person, left)
      else this.#open.delete(person)
    }
  }

  #pace(paces: RecentMap<Pace>, key: string, perSecond: number): Pace {
    const pace = paces.get(key) ?? new Pace(perSecond, perSecond * BURST_SECONDS, this.#now)
    paces.set(key, pace)
    return pace
  }
}
