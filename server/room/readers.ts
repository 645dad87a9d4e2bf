/**
 * The sessions that a room sends to. Each is subscribed at the very point at which it gets what it lacks: every later record reaches it,
 * and none twice.
 *
 * A session that does not keep up stops: nothing more is queued for it. What it has then is the document of that moment, so when it has
 * read that, one difference brings it up to date, however much was written meanwhile.
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { Broadcast } from './broadcast.ts'
import type { BroadcastPorts } from './broadcast.ts'
import { Outgoing } from './outgoing.ts'
import type { Recorder } from './recorder.ts'
import type { Joining, Session } from './session.ts'
import { storedAnswer } from './stored-answer.ts'

/** The readers of a document, whoever serves it. */
export interface Served {
  sessions: ReadonlySet<Session>
  /** Who does not read for now, with the state vector of what each has been sent. */
  stopped: ReadonlyMap<Session, Uint8Array>
}

/** A document as the log holds it: the state vector of what that is, and how many redactions were made before it was read. */
interface StoredAnswer {
  has: Uint8Array
  redactions: number
  frames: Promise<Outgoing[]>
}

const isEmpty = (stateVector: Uint8Array): boolean => stateVector.length === 1 && stateVector[0] === 0

export class Readers {
  readonly #doc: Y.Doc
  readonly #recorder: Recorder
  readonly #sessions = new Set<Session>()
  /** Sessions that stopped, with the state vector of what each has been sent; null: about to stop. */
  readonly #stopped = new Map<Session, Uint8Array | null>()
  readonly #broadcast: Broadcast
  /** The whole document, as of a sequence. */
  #whole: { sequence: number, outgoing: Outgoing } | null = null

  #stored: StoredAnswer | null = null
  readonly #yieldToOthers: () => Promise<void>

  constructor(doc: Y.Doc, recorder: Recorder, ports: BroadcastPorts & { yieldToOthers: () => Promise<void> }) {
    this.#doc = doc
    this.#recorder = recorder
    this.#yieldToOthers = ports.yieldToOthers
    this.#broadcast = new Broadcast(ports, outgoing => {
      for (const session of this.#sessions) session.deliver(outgoing)
    })
  }

  /**
   * Answers sync step 1 with what the client lacks and with what the server has, both as of one sequence, sent when that sequence is
   * durable.
   */
  join(joining: Joining): void {
    const { session } = joining
    if (isEmpty(joining.stateVector) && this.#whole?.sequence !== this.#recorder.sequence && this.#recorder.isServedAsStored) {
      return void this.#joinAsStored(joining)
    }
    const missing = this.#missing(joining.stateVector)
    const ours = this.#stateVectorFrame()
    this.#recorder.whenDurable(() => {
      if (!joining.isWanted) return
      session.deliver(missing)
      session.send(ours)
      this.#subscribe(session)
      joining.sent()
    }, ({ code }) => session.end(code))
  }

  /** The stored bytes, and in the step 2, after which clients believe that they have everything, what came since they were read. */
  async #joinAsStored(joining: Joining): Promise<void> {
    const { session } = joining
    const end = ({ code }: SkeinError): void => session.end(code)
    try {
      const { has, redactions, frames } = this.#stored ??= this.#readStored()
      const answer = await frames
      this.#recorder.whenDurable(() => {
        if (!joining.isWanted) return
        // What the bytes still hold nobody may read any more.
        if (redactions !== this.#recorder.redactions) return this.join(joining)
        const last = encodeFrame({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.#doc, has) })
        const ours = this.#stateVectorFrame()
        this.#recorder.whenDurable(() => {
          if (!joining.isWanted) return
          for (const outgoing of answer) session.deliver(outgoing)
          session.send(last)
          session.send(ours)
          this.#subscribe(session)
          joining.sent()
        }, end)
      }, end)
    } catch (error) {
      session.end(error instanceof SkeinError ? error.code : 'internal')
    }
  }

  /** Once for all who join while it is read. */
  #readStored(): StoredAnswer {
    const [has, { redactions }] = [Y.encodeStateVector(this.#doc), this.#recorder]
    const frames = this.#recorder.stored().then(updates => storedAnswer(updates, this.#yieldToOthers))
    const over = (): void => { this.#stored = null }
    frames.then(over, over)
    return { has, redactions, frames }
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
      const missed = encodeFrame({ type: 'update', update: Y.encodeStateAsUpdate(this.#doc, has) })
      this.#recorder.whenDurable(() => {
        session.send(missed)
        this.#subscribe(session)
        sent()
      }, ({ code }) => session.end(code))
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
    this.#whole = null
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
    for (const session of [...this.#sessions, ...this.#stopped.keys()]) session.end(code)
    this.#sessions.clear()
    this.#stopped.clear()
  }

  /** Who has nothing gets the same bytes as everybody who has nothing, for as long as nothing is written. */
  #missing(stateVector: Uint8Array): Outgoing {
    const { sequence } = this.#recorder
    const isWhole = isEmpty(stateVector)
    if (isWhole && this.#whole?.sequence === sequence) return this.#whole.outgoing
    const outgoing = new Outgoing(encodeFrame({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.#doc, stateVector) }))
    if (isWhole) this.#whole = { sequence, outgoing }
    return outgoing
  }

  #stateVectorFrame(): Uint8Array {
    return encodeFrame({ type: 'sync-step-1', stateVector: Y.encodeStateVector(this.#doc) })
  }
}
