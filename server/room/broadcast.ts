/**
 * A room's durable records on their way to its readers. The first of a burst leaves at once; those that follow within a moment leave
 * together, as one write per reader. What depends on a record's having been sent (`saved` to its author) keeps its place behind it.
 */
import type { Timers } from '../../shared/timers.ts'
import { Outgoing } from './outgoing.ts'

/** Below 1000 / BURST_MS records a second every record leaves at once. */
export const BURST_MS = 10
/** Of so many readers on a write to each of them is what a record costs most, so that a few more records share one. */
export const CROWD = 50
export const CROWD_BURST_MS = 16
/** Frames of one write: a main thread that was away for long finds very many. */
const AT_ONCE = 1000

export interface BroadcastPorts {
  /** Milliseconds since 1970. */
  now: () => number
  after: Timers['after']
}

export class Broadcast {
  readonly #ports: BroadcastPorts
  readonly #readers: () => number
  readonly #deliver: (outgoing: Outgoing) => void
  #frames: Uint8Array[] = []
  #afterwards: (() => void)[] = []
  #sentAt = -Infinity
  #cancel: (() => void) | null = null

  /**
   * @param readers how many there are
   * @param deliver to every reader
   */
  constructor(ports: BroadcastPorts, readers: () => number, deliver: (outgoing: Outgoing) => void) {
    this.#ports = ports
    this.#readers = readers
    this.#deliver = deliver
  }

  /** @param frame of a durable record */
  add(frame: Uint8Array): void {
    this.#frames.push(frame)
    if (this.#cancel) return
    const since = this.#ports.now() - this.#sentAt
    const burst = this.#readers() < CROWD ? BURST_MS : CROWD_BURST_MS
    // A clock that was set back must not hold anything up.
    if (since < 0 || since >= burst) this.flush()
    else this.#cancel = this.#ports.after(burst - since, () => this.flush())
  }

  /** Runs the action when all that was added before has been sent: at once when it has. */
  afterwards(action: () => void): void {
    if (this.#cancel) this.#afterwards.push(action)
    else action()
  }

  /** Sends now what waits. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = null
    if (this.#frames.length > 0) this.#sentAt = this.#ports.now()
    while (this.#frames.length > 0) this.#deliver(new Outgoing(...this.#frames.splice(0, AT_ONCE)))
    for (const action of this.#afterwards.splice(0)) action()
  }
}
