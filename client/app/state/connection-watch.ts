/** Follows the connection of one conversation over time and tells when what should be said about it changes. */
import { connectionNotice, nextNoticeIn } from './connection-notice.ts'
import type { ConnectionNotice } from './connection-notice.ts'

/** What of the world the watch needs; tests pass their own. */
export interface WatchClock {
  now: () => number
  /** Calls back after so many milliseconds. @returns how to cancel */
  after: (milliseconds: number, then: () => void) => () => void
}

export class ConnectionWatch {
  readonly #clock: WatchClock
  readonly #tell: (notice: ConnectionNotice) => void
  #online = false
  #networkUp = true
  #downSince: number
  #cancel = () => {}

  constructor(clock: WatchClock, tell: (notice: ConnectionNotice) => void) {
    this.#clock = clock
    this.#tell = tell
    this.#downSince = clock.now()
  }

  /** @param online the socket is up; @param networkUp the browser believes in a network */
  update(online: boolean, networkUp: boolean): void {
    if (this.#online && !online) this.#downSince = this.#clock.now()
    this.#online = online
    this.#networkUp = networkUp
    this.#decide()
  }

  stop(): void {
    this.#cancel()
  }

  #decide(): void {
    this.#cancel()
    const facts = { online: this.#online, networkUp: this.#networkUp, downFor: this.#clock.now() - this.#downSince }
    this.#tell(connectionNotice(facts))
    const wait = nextNoticeIn(facts)
    this.#cancel = wait === null ? () => {} : this.#clock.after(wait, () => this.#decide())
  }
}
