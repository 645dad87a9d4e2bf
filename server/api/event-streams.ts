/**
 * Answers that stay open: server-sent events, until who reads them leaves, what proved who they are ends, or the server stops. Each holds a
 * connection and a proof for as long as its reader likes, so one person has so many of them.
 */
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { SSEStreamingApi } from 'hono/streaming'
import { AtOnce } from '../../shared/at-once.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import { holderOf } from '../../shared/principal.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Proof } from '../room/proofs.ts'

const HEARTBEAT_MS = 15_000

/** What is written to one reader, and in which order, is its own business. */
export interface EventWriter {
  /** For a heartbeat, which may be left out while the reader takes nothing. */
  write: (work: () => Promise<unknown>) => void
  /** Nothing is to be written any more. */
  close: () => void
}

export class EventStreams {
  readonly #timers: Pick<Timers, 'after'>
  readonly #perPerson: number
  readonly #open = new AtOnce<UserId>()
  readonly #ends = new Set<() => void>()

  constructor(timers: Pick<Timers, 'after'>, perPerson: number) {
    this.#timers = timers
    this.#perPerson = perPerson
  }

  /**
   * @param begin is given how to end the stream, for when it cannot go on
   * @throws SkeinError `too-many-connections`
   */
  answer(c: Context, proof: Proof, begin: (stream: SSEStreamingApi, end: () => void) => EventWriter): Response {
    // The answer to a HEAD has no reader, so nobody would ever leave.
    if (c.req.method === 'HEAD') {
      proof.leave()
      return c.body(null, 200, { 'Content-Type': 'text/event-stream' })
    }
    const leave = this.#open.take(holderOf(proof.principal).id, this.#perPerson)
    if (!leave) {
      proof.leave()
      throw new SkeinError('too-many-connections')
    }
    const answer = streamSSE(c, async stream => {
      const ended = Promise.withResolvers<void>()
      const end = (): void => ended.resolve()
      const writer = begin(stream, end)
      let cancelBeat = (): void => {}
      const beat = (): void => {
        writer.write(() => stream.write(':\n\n'))
        cancelBeat = this.#timers.after(HEARTBEAT_MS, beat)
      }
      this.#ends.add(end)
      stream.onAbort(end)
      proof.whenEnded(end)
      // The first one sends the headers off, so that the reader knows that nothing escapes it from here on.
      beat()
      await ended.promise
      cancelBeat()
      writer.close()
      this.#ends.delete(end)
      leave()
      proof.leave()
    })
    // Proxies that collect an answer before they pass it on would hold events back.
    answer.headers.set('X-Accel-Buffering', 'no')
    return answer
  }

  /** Ends all of them. */
  close(): void {
    for (const end of this.#ends) end()
  }
}
