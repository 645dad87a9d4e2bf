/** Who may open a connection: bounded per address before anything is known of the caller, and per person after. */
import { AtOnce } from '../../shared/at-once.ts'
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
  readonly #open = new AtOnce<string>()

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
    const leave = this.#open.take(person, this.#limits.connectionsPerPerson)
    if (!leave || this.#pace(this.#people, person, this.#limits.connectsPerSecondPerPerson).take()) return leave
    leave()
    return null
  }

  #pace(paces: RecentMap<Pace>, key: string, perSecond: number): Pace {
    const pace = paces.get(key) ?? new Pace(perSecond, perSecond * BURST_SECONDS, this.#now)
    paces.set(key, pace)
    return pace
  }
}
