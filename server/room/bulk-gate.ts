/**
 * Large answers leave a few at a time, over all rooms: copying them into sockets is work of this process, and a thousand who join a long
 * conversation at once would hold up everybody who types. Each has its place until its reader has taken it, or was slow for a while, and
 * of those that may leave one does so a turn of the event loop.
 */
import type { Timers } from '../../shared/timers.ts'
import type { Session } from './session.ts'

/** Answers under way at once. */
export const PLACES = 4
/** From how many bytes on an answer waits for a place. */
export const BULK_BYTES = 128 * 1024
/** A reader who has not taken its answer by then (milliseconds) waits beside the others. */
export const PATIENCE_MS = 200

export class BulkGate {
  readonly #after: Timers['after']
  readonly #yieldToOthers: () => Promise<void>
  readonly #inside = new Map<Session, () => void>()
  readonly #waiting: (() => void)[] = []

  constructor(after: Timers['after'], yieldToOthers: () => Promise<void>) {
    this.#after = after
    this.#yieldToOthers = yieldToOthers
  }

  /** Resolves when an answer of so many bytes may be sent. */
  async enter(session: Session, bytes: number): Promise<void> {
    if (bytes < BULK_BYTES) return
    if (this.#inside.size >= PLACES) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.leave(session)
    this.#inside.set(session, this.#after(PATIENCE_MS, () => this.leave(session)))
    await this.#yieldToOthers()
  }

  /** What the session was sent waits nowhere any more, or it is gone. */
  leave(session: Session): void {
    const cancel = this.#inside.get(session)
    if (!cancel) return
    cancel()
    this.#inside.delete(session)
    this.#waiting.shift()?.()
  }
}
