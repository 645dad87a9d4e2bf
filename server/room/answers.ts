/**
 * What those who join a live document lack: encoded here, or as the log holds it together with what came since that was read. Who has the
 * same gets the same bytes, for as long as nothing is written.
 */
import * as Y from 'yjs'
import type { Timers } from '../../shared/timers.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { Outgoing } from './outgoing.ts'
import { Recent } from './recent.ts'
import type { Recorder } from './recorder.ts'
import { StoredParts } from './stored-parts.ts'
import type { Held } from './stored-parts.ts'

export interface AnswerPorts {
  after: Timers['after']
  /** Lets other work of the process run. */
  yieldToOthers: () => Promise<void>
}

/** A document as the log holds it: the state vector of what that is, and how many redactions were made before it was read. */
export interface Stored {
  has: Uint8Array
  redactions: number
  parts: Promise<StoredParts>
}

/** How long what was read of the log is kept for the next one who joins (milliseconds). */
const KEEP_MS = 5000
/** When more than this came since, it is read again. */
const MUCH_SINCE = 256 * 1024
/** Answers that are kept until something is written. */
const ANSWERS = 4
/** Of one that is for few. */
const LARGEST_KEPT = 256 * 1024

const isEmpty = (stateVector: Uint8Array): boolean => stateVector.length === 1 && stateVector[0] === 0

export class Answers {
  readonly #doc: Y.Doc
  readonly #recorder: Recorder
  readonly #ports: AnswerPorts
  readonly #isAsked: () => boolean
  /** What was sent to who asked last, by the state vector, as of a sequence. */
  #latest: { sequence: number, to: Recent<Outgoing> } | null = null
  #stored: Stored | null = null
  #cancelDrop: () => void = () => {}
  /** What came since the stored document was read, as of a sequence. */
  #since: { stored: Stored, sequence: number, outgoing: Outgoing } | null = null

  /** @param isAsked somebody waits for an answer */
  constructor(doc: Y.Doc, recorder: Recorder, ports: AnswerPorts, isAsked: () => boolean) {
    this.#doc = doc
    this.#recorder = recorder
    this.#ports = ports
    this.#isAsked = isAsked
  }

  /** About how many bytes who has this lacks: as if what was written weighed the same everywhere. */
  mayLack(held: Held): number {
    const { store } = this.#doc
    let [all, missing] = [0, 0]
    for (const client of store.clients.keys()) {
      const clock = Y.getState(store, client)
      all += clock
      missing += Math.max(0, clock - (held.get(client) ?? 0))
    }
    return all === 0 ? 0 : this.#recorder.snapshots.bytes * missing / all
  }

  /** What who has this lacks, as of now. */
  missing(stateVector: Uint8Array): Outgoing {
    const { sequence } = this.#recorder
    if (this.#latest?.sequence !== sequence) this.#latest = { sequence, to: new Recent(ANSWERS) }
    const { to } = this.#latest
    const known = to.get(stateVector)
    if (known) return known
    const outgoing = this.#encode(stateVector)
    return isEmpty(stateVector) || outgoing.bytes <= LARGEST_KEPT ? to.set(stateVector, outgoing) : outgoing
  }

  /** The document as the log holds it: read once for all who join within a while. */
  stored(): Stored {
    const { redactions } = this.#recorder
    if (this.#stored?.redactions !== redactions) this.dropStored()
    this.#keepStored()
    if (this.#stored) return this.#stored
    const has = Y.encodeStateVector(this.#doc)
    const parts = this.#recorder.stored().then(updates => StoredParts.of(updates, this.#ports.yieldToOthers))
    const stored = this.#stored = { has, redactions, parts }
    parts.catch(() => { if (this.#stored === stored) this.dropStored() })
    return stored
  }

  cameSince(stored: Stored): Outgoing {
    const { sequence } = this.#recorder
    if (this.#since?.stored === stored && this.#since.sequence === sequence) return this.#since.outgoing
    const outgoing = this.#encode(stored.has)
    if (outgoing.bytes > MUCH_SINCE && this.#stored === stored) this.dropStored()
    else this.#since = { stored, sequence, outgoing }
    return outgoing
  }

  /** What is kept for who has the same says less than the document now. */
  written(): void {
    this.#latest = null
  }

  dropStored(): void {
    this.#cancelDrop()
    this.#stored = this.#since = null
  }

  #keepStored(): void {
    this.#cancelDrop()
    this.#cancelDrop = this.#ports.after(KEEP_MS, () => this.#isAsked() ? this.#keepStored() : this.dropStored())
  }

  #encode(stateVector: Uint8Array): Outgoing {
    return new Outgoing(encodeFrame({ type: 'sync-step-2', update: Y.encodeStateAsUpdate(this.#doc, stateVector) }))
  }
}
