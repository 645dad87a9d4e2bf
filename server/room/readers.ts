/**
 * The sessions that a room sends to. Each is subscribed at the very point at which it gets what it lacks: every later record reaches it,
 * and none twice.
 *
 * A session that does not keep up stops: nothing more is queued for it. What it has then is the document of that moment, so when it has
 * read that, one difference brings it up to date, however much was written meanwhile.
 *
 * To encode a document, or what somebody lacks of it, is work of this process: of a small one it is done at once, of others one goes after
 * the other, large answers a few at a time over all rooms. Who lacks much is sent what the log holds, as it is stored, and in the step 2,
 * after which clients believe that they have everything, what came since that was read.
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { Answers } from './answers.ts'
import type { AnswerPorts } from './answers.ts'
import { Broadcast } from './broadcast.ts'
import type { BroadcastPorts } from './broadcast.ts'
import type { BulkGate } from './bulk-gate.ts'
import type { Outgoing } from './outgoing.ts'
import type { Recorder } from './recorder.ts'
import { missedBy } from './session.ts'
import type { Joining, Session } from './session.ts'
import type { Held } from './stored-parts.ts'

/** The readers of a document, whoever serves it. */
export interface Served {
  sessions: ReadonlySet<Session>
  /** Who does not read for now, with the state vector of what each has been sent. */
  stopped: ReadonlyMap<Session, Uint8Array>
}

export interface ReaderPorts extends BroadcastPorts, AnswerPorts {
  /** Shared with all other rooms. */
  bulk: BulkGate
  /** {@link answerSizes} but in tests. */
  answerSizes?: AnswerSizes
}

export interface AnswerSizes {
  /** Of a document that takes less on the disk nobody waits for a turn: it is encoded in some tenths of a millisecond. */
  small: number
  /** Who lacks this much is sent it as it is stored: to encode it takes a few milliseconds. */
  stored: number
}

const answerSizes: Readonly<AnswerSizes> = { small: 64 * 1024, stored: 256 * 1024 }

const codeOf = (error: unknown): ErrorCode => error instanceof SkeinError ? error.code : 'internal'

export class Readers {
  readonly #doc: Y.Doc
  readonly #recorder: Recorder
  readonly #sessions = new Set<Session>()
  /** Sessions that stopped, with the state vector of what each has been sent; null: about to stop. */
  readonly #stopped = new Map<Session, Uint8Array | null>()
  readonly #broadcast: Broadcast
  readonly #answers: Answers
  /** Joins that wait for their turn. */
  #underWay = 0
  readonly #ports: ReaderPorts
  readonly #sizes: AnswerSizes

  constructor(doc: Y.Doc, recorder: Recorder, ports: ReaderPorts) {
    this.#doc = doc
    this.#recorder = recorder
    this.#ports = ports
    this.#sizes = ports.answerSizes ?? answerSizes
    this.#answers = new Answers(doc, recorder, ports, () => !this.isIdle)
    this.#broadcast = new Broadcast(ports, () => this.#sessions.size, outgoing => {
      for (const session of this.#sessions) session.deliver(outgoing)
    })
  }

  /** Nobody waits to be answered. */
  get isIdle(): boolean {
    return this.#underWay === 0
  }

  /**
   * Answers sync step 1 with what the client lacks and with what the server has, both as of one sequence, sent when that sequence is
   * durable.
   */
  join(joining: Joining): void {
    if (this.#recorder.snapshots.bytes >= this.#sizes.small) return void this.#serve(joining, true)
    this.#send(joining, [this.#answers.missing(joining.stateVector)], true).catch((error: unknown) => joining.session.end(codeOf(error)))
  }

  /** Brings a session up to date when it has its turn. @param asks what the client has that the server lacks */
  async #serve(joining: Joining, asks: boolean): Promise<void> {
    const { session, stateVector } = joining
    const { bulk } = this.#ports
    this.#underWay++
    try {
      const held = Y.decodeStateVector(stateVector)
      const bytes = this.#answers.mayLack(held)
      const isServed = async (): Promise<boolean> => bytes >= this.#sizes.stored && await this.#recorder.snapshots.mayBeServedAsStored()
        ? this.#serveStored(joining, held, asks)
        : this.#serveEncoded(joining, bytes, asks)
      while (joining.isWanted && !await isServed());
    } catch (error) {
      session.end(codeOf(error))
    } finally {
      this.#underWay--
      if (!this.#stopped.has(session)) bulk.leave(session)
    }
  }

  async #serveEncoded(joining: Joining, bytes: number, asks: boolean): Promise<true> {
    await this.#ports.bulk.enter(joining.session, bytes)
    await this.#ports.yieldToOthers()
    if (joining.isWanted) await this.#send(joining, [this.#answers.missing(joining.stateVector)], asks)
    return true
  }

  /** @returns false when the bytes hold what nobody may read any more */
  async #serveStored(joining: Joining, held: Held, asks: boolean): Promise<boolean> {
    const stored = this.#answers.stored()
    const missing = await (await stored.parts).missing(held)
    await this.#ports.bulk.enter(joining.session, missing.bytes)
    const frames = joining.isWanted ? await missing.frames() : []
    if (stored.redactions !== this.#recorder.redactions) return false
    if (joining.isWanted) await this.#send(joining, [...frames, this.#answers.cameSince(stored)], asks)
    return true
  }

  /** Resolves when all of it is durable and, if it is still wanted, sent. @param frames what is missing now */
  #send(joining: Joining, frames: readonly Outgoing[], asks: boolean): Promise<void> {
    const { session } = joining
    const ours = this.#stateVectorFrame()
    return new Promise((resolve, reject) => this.#recorder.whenDurable(() => {
      resolve()
      if (!joining.isWanted) return
      for (const outgoing of frames) session.deliver(outgoing)
      if (asks) session.send(ours)
      this.#subscribe(session)
      joining.sent()
    }, reject))
  }

  /** What waits for the readers is in what this one has been sent; it is not to get it a second time. */
  #subscribe(session: Session): void {
    this.#broadcast.flush()
    if (session.isOpen) this.#sessions.add(session)
  }

  /** Queues nothing more for a session from here on: it does not read. */
  stop(session: Session): void {
    if (!this.#sessions.has(session) || this.#stopped.has(session)) return
    this.#stopped.set(session, null)
    const has = Y.encodeStateVector(this.#doc)
    // Records up to here may still be on their way to the disk: the session gets those, so that it has exactly this.
    this.#recorder.whenDurable(() => {
      this.#broadcast.flush()
      if (this.#sessions.delete(session)) this.#stopped.set(session, has)
    }, () => {})
  }

  /** Sends a session that stopped what it missed, and every later record. @param sent called when that has been sent */
  resume(session: Session, sent: () => void): void {
    this.#recorder.whenDurable(() => {
      const has = this.#stopped.get(session)
      this.#stopped.delete(session)
      if (!has) return sent()
      const missed = missedBy(session, has, sent)
      if (this.#recorder.snapshots.bytes >= this.#sizes.small) return void this.#serve(missed, false)
      this.#send(missed, [this.#answers.missing(has)], false).catch((error: unknown) => session.end(codeOf(error)))
    }, ({ code }) => session.end(code))
  }

  /** Sessions that are served already: every record from here on is theirs too. */
  adopt({ sessions, stopped }: Served): void {
    for (const each of sessions) this.#sessions.add(each)
    for (const [session, has] of stopped) this.#stopped.set(session, has)
  }

  /** Whoever is served here, from now on somebody else's; all that was recorded is durable. */
  release(): Served {
    this.#broadcast.flush()
    this.#answers.dropStored()
    const stopped = [...this.#stopped].flatMap(([session, has]): [Session, Uint8Array][] => has ? [[session, has]] : [])
    return { sessions: new Set(this.#sessions), stopped: new Map(stopped) }
  }

  /** Sends the server's state vector again; the client answers with what the server lacks. */
  askForMissing(session: Session): void {
    const ours = this.#stateVectorFrame()
    this.#recorder.whenDurable(() => session.send(ours), ({ code }) => session.end(code))
  }

  leave(session: Session): void {
    this.#sessions.delete(session)
    this.#stopped.delete(session)
  }

  /** @param update of a durable record */
  broadcast(update: Uint8Array): void {
    this.#answers.written()
    this.#broadcast.add(encodeFrame({ type: 'update', update }))
  }

  /** Runs the action when all readers have been sent every record up to here. */
  afterBroadcast(action: () => void): void {
    this.#broadcast.afterwards(action)
  }

  /** Sends now what waits. */
  flush(): void {
    this.#broadcast.flush()
  }

  endAll(code: ErrorCode): void {
    this.#broadcast.flush()
    this.#answers.dropStored()
    for (const session of [...this.#sessions, ...this.#stopped.keys()]) session.end(code)
    this.#sessions.clear()
    this.#stopped.clear()
  }

  #stateVectorFrame(): Uint8Array {
    return encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.#doc) })
  }
}
