/**
 * The sessions that a room sends to. Each is subscribed at the very point at which it gets what it lacks: every later record reaches it,
 * and none twice.
 */
import * as Y from 'yjs'
import type { ErrorCode } from '../../shared/errors.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import type { Recorder } from './recorder.ts'
import type { Session } from './session.ts'

export class Readers {
  readonly #doc: Y.Doc
  readonly #recorder: Recorder
  readonly #sessions = new Set<Session>()

  constructor(doc: Y.Doc, recorder: Recorder) {
    this.#doc = doc
    this.#recorder = recorder
  }

  /**
   * Answers sync step 1 with what the client lacks and with what the server has, both as of one sequence, sent when that sequence is
   * durable.
   */
  join(session: Session, stateVector: Uint8Array, sent: () => void): void {
    const missing = encodeFrame({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.#doc, stateVector) })
    const ours = this.#stateVectorFrame()
    this.#recorder.whenDurable(() => {
      session.send(missing)
      session.send(ours)
      this.#sessions.add(session)
      sent()
    }, ({ code }) => session.end(code))
  }

  /** Sends the server's state vector again; the client answers with what the server lacks. */
  askForMissing(session: Session): void {
    const ours = this.#stateVectorFrame()
    this.#recorder.whenDurable(() => session.send(ours), ({ code }) => session.end(code))
  }

  leave(session: Session): void {
    this.#sessions.delete(session)
  }

  /** @param update of a durable record */
  broadcast(update: Uint8Array): void {
    const frame = encodeFrame({ type: 'update', update })
    for (const session of this.#sessions) session.send(frame)
  }

  endAll(code: ErrorCode): void {
    for (const session of this.#sessions) session.end(code)
    this.#sessions.clear()
  }

  #stateVectorFrame(): Uint8Array {
    return encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.#doc) })
  }
}
