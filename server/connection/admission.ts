/** Who may open a connection: bounded per address before anything is known of the caller, and per person after. */
import { AtOnce } from '../../shared/at-once.ts'
import type { ServerLimits } from '../../shared/limits.ts'
import { Paces } from './pace.ts'

/** A network that comes back, or a server that was restarted, brings everybody at once. */
const BURST_SECONDS = 10

export class Admission {
  readonly #most: number
  readonly #addresses: Paces
  readonly #people: Paces
  readonly #open = new AtOnce<string>()

  constructor({ connectsPerSecondPerAddress, connectsPerSecondPerPerson, connectionsPerPerson }: ServerLimits, now: () => number) {
    this.#most = connectionsPerPerson
    this.#addresses = new Paces(connectsPerSecondPerAddress, BURST_SECONDS, now)
    this.#people = new Paces(connectsPerSecondPerPerson, BURST_SECONDS, now)
  }

  /** Whether another connection may come from this address now. */
  mayConnect(address: string): boolean {
    return this.#addresses.of(address).take()
  }

  /** @returns ends the person's stay; null: they have too many connections, or open them too fast */
  enter(person: string): (() => void) | null {
    const leave = this.#open.take(person, this.#most)
    if (!leave || this.#people.of(person).take()) return leave
    leave()
    return null
  }
}
