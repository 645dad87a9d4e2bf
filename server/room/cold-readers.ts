/**
 * The readers of a document that is not in memory: each gets the stored bytes, and is subscribed to everything after them. Nobody writes
 * meanwhile, so that all who are subscribed have what the log holds.
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import type { BulkGate } from './bulk-gate.ts'
import type { KeptBytes } from './kept-bytes.ts'
import type { LiveRoom } from './live-room.ts'
import type { Served } from './readers.ts'
import { missedBy } from './session.ts'
import type { Joining, Session } from './session.ts'

/** The room that they are in. */
export interface ColdHost {
  /**
   * Null while the document is not in memory.
   * @throws SkeinError why the room is gone
   */
  live(): LiveRoom | null
  /** Brings the document into memory. */
  warm(): Promise<LiveRoom>
}

const nothing = Y.encodeStateVector(new Map())
const UNKNOWN = -1

export class ColdReaders {
  readonly #host: ColdHost
  readonly #stored: KeptBytes
  readonly #bulk: BulkGate
  #stateVector: Uint8Array = nothing
  /** Subscribed to what comes after the stored bytes. */
  #sessions: Set<Session> | null = null
  /** Who does not read for now, what each has been sent, and in which life of the document. */
  #stopped: Map<Session, { has: Uint8Array, lives: number }> | null = null
  /** Counts how often the document came into memory, or ended: what was read before that is no longer what the log holds. */
  #lives = 0

  constructor(host: ColdHost, stored: KeptBytes, bulk: BulkGate) {
    this.#host = host
    this.#stored = stored
    this.#bulk = bulk
  }

  /** Of what the log holds. */
  get stateVector(): Uint8Array {
    return this.#stateVector
  }

  /** The document is not in memory, or no longer. @param served whoever the live room had */
  begin(stateVector: Uint8Array, { sessions, stopped }: Served = { sessions: new Set(), stopped: new Map() }): void {
    this.#stateVector = stateVector
    this.#sessions = sessions.size > 0 ? new Set(sessions) : null
    // What else each of them lacks cannot be told from here.
    for (const [session, has] of stopped) (this.#stopped ??= new Map()).set(session, { has, lives: UNKNOWN })
  }

  /** The document is in memory: its room has the readers from here on. */
  handOver(room: LiveRoom): void {
    const stopped = [...this.#stopped ?? []].map(([session, { has }]): [Session, Uint8Array] => [session, has])
    room.adopt({ sessions: this.#sessions ?? new Set(), stopped: new Map(stopped) })
    this.end()
  }

  /** Nobody is served here any more. @returns who was */
  end(): Session[] {
    const sessions = [...this.#sessions ?? [], ...this.#stopped?.keys() ?? []]
    this.#sessions = this.#stopped = null
    this.#lives++
    return sessions
  }

  /** Brings a session up to date from the stored bytes, and subscribes it. @param asks what the client has that the server lacks */
  async serve(joining: Joining, asks: boolean): Promise<void> {
    const { session, stateVector } = joining
    try {
      while (joining.isWanted) {
        const room = this.#host.live()
        if (room) {
          if (asks) return room.join(joining)
          room.adopt({ sessions: new Set(), stopped: new Map([[session, stateVector]]) })
          return room.resume(session, () => joining.sent())
        }
        const lives = this.#lives
        const stored = await this.#stored.get()
        if (stored === null) await this.#host.warm()
        if (stored === null || lives !== this.#lives) continue
        const missing = await stored.missing(Y.decodeStateVector(stateVector))
        await this.#bulk.enter(session, missing.bytes)
        const answer = joining.isWanted ? await missing.frames() : []
        if (lives !== this.#lives || !joining.isWanted) {
          this.#bulk.leave(session)
          continue
        }
        for (const outgoing of answer) session.deliver(outgoing)
        if (asks) session.send(encodeFrame({ type: 'sync-step-1', stateVector: stored.stateVector }))
        this.#subscribe(session)
        joining.sent()
        if (!this.#stopped?.has(session)) this.#bulk.leave(session)
        return
      }
    } catch (error) {
      session.end(error instanceof SkeinError ? error.code : 'internal')
    }
  }

  leave(session: Session): void {
    this.#sessions?.delete(session)
    this.#stopped?.delete(session)
  }

  /** The session does not read: it is to get nothing more until it is resumed. */
  stop(session: Session): void {
    if (this.#sessions?.delete(session)) (this.#stopped ??= new Map()).set(session, { has: this.#stateVector, lives: this.#lives })
  }

  /** The session has read all that was queued. @param sent called when it has been sent what it missed meanwhile */
  resume(session: Session, sent: () => void): void {
    const stopped = this.#stopped?.get(session)
    this.#stopped?.delete(session)
    if (!stopped) return sent()
    if (stopped.lives !== this.#lives) return void this.serve(missedBy(session, stopped.has, sent), false)
    this.#subscribe(session)
    sent()
  }

  #subscribe(session: Session): void {
    if (session.isOpen) (this.#sessions ??= new Set()).add(session)
  }
}
