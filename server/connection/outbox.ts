/**
 * What goes to one socket. All of one turn of the event loop leaves as one write, with at most one `saved` at its end.
 *
 * Bounded: when more waits in the socket than it shall, `onFull` is called once. From then on acknowledgements are held back until
 * `release`, since they may not overtake the records that are no longer queued.
 */
import { encodeFrame } from '../../shared/wire/codec.ts'
import { Outgoing } from '../room/outgoing.ts'
import type { Socket } from './socket.ts'

export interface OutboxLimits {
  /** Bytes that wait in the socket. */
  outboxBytes: number
  /** Writes that wait in the socket: small ones cost more than their bytes. */
  outboxWrites: number
}

export class Outbox {
  readonly #socket: Socket
  readonly #limits: OutboxLimits
  readonly #onFull: () => void
  #turn: Outgoing[] = []
  #isScheduled = false
  #held: Uint8Array[] = []
  #saved: number | null = null
  #holds = false
  /** Writes since the socket was last empty. */
  #writes = 0

  /** @param onFull the other side does not read as fast as it is sent to */
  constructor(socket: Socket, limits: OutboxLimits, onFull: () => void) {
    this.#socket = socket
    this.#limits = limits
    this.#onFull = onFull
  }

  add(outgoing: Outgoing): void {
    this.#turn.push(outgoing)
    this.#schedule()
  }

  /** An answer to what the other side wrote: not to overtake the records. */
  answer(frame: Uint8Array): void {
    if (this.#holds) this.#held.push(frame)
    else this.add(new Outgoing(frame))
  }

  /** Everything up to this frame of the other side is on disk. */
  saved(frames: number): void {
    this.#saved = frames
    if (!this.#holds) this.#schedule()
  }

  /** Answers that are held back. */
  get heldBytes(): number {
    return this.#held.reduce((sum, { length }) => sum + length, 0)
  }

  get holds(): boolean {
    return this.#holds
  }

  /** The records that were not queued have been sent: answers may follow. */
  release(): void {
    this.#holds = false
    for (const frame of this.#held.splice(0)) this.add(new Outgoing(frame))
    if (this.#saved !== null) this.#schedule()
  }

  /** Writes what this turn brought so far. */
  flush(): void {
    if (this.#saved !== null && !this.#holds) {
      this.#turn.push(new Outgoing(encodeFrame({ type: 'control', control: { kind: 'saved', frames: this.#saved } })))
      this.#saved = null
    }
    if (this.#turn.length === 0) return
    const turn = this.#turn
    this.#turn = []
    this.#socket.send(turn)
    const backlog = this.#socket.backlog()
    this.#writes = backlog === 0 ? 0 : this.#writes + turn.length
    if (this.#holds || (backlog <= this.#limits.outboxBytes && this.#writes <= this.#limits.outboxWrites)) return
    this.#holds = true
    this.#onFull()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.flush()
    })
  }
}
