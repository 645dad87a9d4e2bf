/**
 * The recorder of one document: each transaction becomes one log record, and what depends on a record is released when it is durable.
 *
 * 1. A record is what the document emitted in our own transaction, never a client's bytes; it is appended after the transaction returned.
 *    Pieces of a reply share records (last-record.ts): there are more changes than sequences.
 * 2. Records become durable in order; whatever was computed at a record is released in that order, and nothing else leaves the room.
 * 3. One compaction at a time: whatever asks for one meanwhile shares the next, so that many redactions in a row cost two. A small document
 *    is encoded here; a large one is folded from its stored records in a thread, since encoding 50 MB holds up everybody for half a second.
 *    A fold that fails loses nothing: the records stay, and where something was redacted it is tried again until it is done.
 * 4. When a transaction throws or an append fails, the document in memory may hold what the disk does not: `onBroken` is called once, and
 *    from then on nothing is released or recorded.
 */
import * as Y from 'yjs'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import { readMeta } from '../../shared/conversation/read.ts'
import type { SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Binding, Lineage, LogRecord, StoredDocument, UpdateLog } from '../log/port.ts'
import type { Logger } from '../telemetry/port.ts'
import { BackOff } from './back-off.ts'
import { TransactionWriter } from './conversation-writer.ts'
import { snapshotOf } from './fold.ts'
import type { Folded, Folding } from './fold.ts'
import { LastRecord } from './last-record.ts'
import type { MessageIndex } from './message-index.ts'
import { ReleaseQueue } from './release-queue.ts'

export interface RecorderPorts {
  log: UpdateLog
  logger: Logger
  /** Milliseconds since 1970. */
  now: () => number
  after: Timers['after']
  /** Records after which the log of a document is folded into a snapshot. */
  compactAfter: number
  /** Absent: every document is encoded here. */
  folding?: Folding
  /** Documents with more stored bytes are folded in a thread. */
  foldFrom?: number
}

/** Encoding this much takes a few milliseconds. */
const FOLD_FROM = 512 * 1024

/**
 * A snapshot is written when the records behind it weigh this share of it, so that a long document is not written as a whole for every few
 * words: what snapshots cost stays in proportion to what was written. Sooner where a load would become slow: at so many bytes, and at so
 * many times the least number of records.
 */
const TAIL_SHARE = 1 / 4
const TAIL_BYTES = 2 * 1024 * 1024
const TAIL_RECORDS = 20

/** The update that changes nothing. */
const NOTHING = Y.encodeStateAsUpdate(new Y.Doc())

export interface RecorderDocument {
  name: DocumentName
  doc: Y.Doc
  lineage: Lineage
  /** The log does not know the lineage yet: the next record brings it. */
  lineageIsNew: boolean
  /** Null: not a conversation, so the server itself writes nothing into it. */
  messages: MessageIndex | null
  stored: StoredDocument | null
}

/** A record that is durable. */
export type OnReleased = (sequence: number, update: Uint8Array, events: readonly StoredEvent[]) => void

export class Recorder {
  readonly #ports: RecorderPorts
  readonly #document: RecorderDocument
  readonly #onReleased: OnReleased
  readonly #onBroken: (error: unknown) => void
  readonly #releases: ReleaseQueue
  #lineageIsNew: boolean
  /** Sequence in the log of the newest record, durable or not; -1: there is none. */
  #head: number
  readonly #last = new LastRecord()
  /** What the document emitted during our transaction. */
  #emitted: Uint8Array[] = []
  #tail: number
  /** Of all stored updates, snapshot and tail. */
  #bytes: number
  /** Of the snapshot alone. */
  #snapshotBytes: number
  /** Records before which it is not compacted next. */
  #compactAt: number
  #redactions = 0
  /** Sequence of the newest redaction of which the log may still hold what was taken out; -1: it holds nothing. */
  #redactedAt = -1
  #compacting = false
  #compacted: Promise<void> = Promise.resolve()
  /** What was asked for while a compaction was under way. */
  #askedFor: { scrub: boolean } | null = null
  /** Of a fold that failed, and that is owed to what was redacted. */
  readonly #retries: BackOff
  readonly #stopped = new AbortController()
  /** The log's snapshot has no facts beside it. */
  #isUnknown: boolean
  #lastWork: Promise<unknown> = Promise.resolve()

  constructor(ports: RecorderPorts, document: RecorderDocument, onReleased: OnReleased, onBroken: (error: unknown) => void) {
    this.#ports = ports
    this.#document = document
    this.#onReleased = onReleased
    this.#onBroken = onBroken
    this.#retries = new BackOff(ports.after)
    this.#head = document.stored?.head ?? -1
    this.#releases = new ReleaseQueue(this.#head)
    this.#lineageIsNew = document.lineageIsNew
    const { updates = [], snapshotParts = 1 } = document.stored ?? {}
    this.#tail = updates.length === 0 ? 0 : updates.length - snapshotParts + 1
    this.#bytes = bytesIn(updates)
    this.#snapshotBytes = bytesIn(updates.slice(0, snapshotParts))
    this.#compactAt = ports.compactAfter
    this.#isUnknown = document.stored?.facts === null
    if (document.stored?.owesScrub) this.#redactedAt = document.stored.head
    document.doc.clientID = document.lineage.ids.transient
    document.doc.on('update', (update: Uint8Array) => { this.#emitted.push(update) })
  }

  /**
   * One transaction and, when it changed anything or took a request, one record.
   * @param change gets the server's pen, null where the server writes nothing; when it throws the room is lost
   * @param joins what has no event may be stored together with the record before it
   */
  record<T>(
    actor: string, bindings: Binding[], change: (writer: TransactionWriter | null, transaction: Y.Transaction) => T, joins = false,
  ): T {
    const { doc, lineage, messages } = this.#document
    const writer = messages && new TransactionWriter(doc, lineage.ids, messages)
    this.#emitted = []
    let result: T
    try {
      result = doc.transact(transaction => change(writer, transaction))
    } catch (error) {
      this.#onBroken(error)
      throw error
    }
    const isEmpty = this.#emitted.length === 0
    if (!isEmpty || writer?.ledger.length) this.#append(actor, isEmpty ? NOTHING : Y.mergeUpdates(this.#emitted), bindings, writer, joins)
    return result
  }

  /** Runs the action as soon as everything recorded so far is durable: at once when it is. */
  whenDurable(run: () => void, abandon: (error: SkeinError) => void): void {
    this.#releases.whenDurable(run, abandon)
  }

  /** Why nothing is released or recorded any more; null: it still is. */
  get broken(): SkeinError | null {
    return this.#releases.broken
  }

  /** Nothing that waits may ever be released. */
  break(error: SkeinError): void {
    this.#releases.break(error)
    this.#stopped.abort(error)
    this.#retries.end()
  }

  /** Grows with each change, durable or not. */
  get sequence(): number {
    return this.#releases.issued
  }

  /** Redactions since the document was loaded. */
  get redactions(): number {
    return this.#redactions
  }

  /** Of all stored updates. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Whether readers who lack much may be sent what is stored: for the most part a snapshot, and nothing that was taken out. Where it is for
   * the most part records, they are folded first.
   */
  async mayBeServedAsStored(): Promise<boolean> {
    const failed = this.#compactAt > this.#ports.compactAfter && this.#tail < this.#compactAt
    if (!this.#isMostlySnapshot && this.#redactedAt < 0 && !failed) {
      if (!this.#compacting) this.compact()
      await this.#compacted
    }
    return this.#isMostlySnapshot && this.#redactedAt < 0
  }

  get #isMostlySnapshot(): boolean {
    return this.#bytes < 2 * this.#snapshotBytes
  }

  /** All updates up to the newest record, when that is durable. */
  stored(): Promise<Uint8Array[]> {
    return this.#ports.log.records(this.#document.name, this.#head)
  }

  /** Nothing waits for the disk, and of what was redacted nothing is left there. */
  get isSettled(): boolean {
    return this.#releases.isSettled && !this.#retries.isWaiting
  }

  /**
   * Whether the document takes more bytes than it may. What was replaced or deleted since the last snapshot does not count, or only for as
   * long as it takes to fold the records.
   */
  isFull(limit: number): boolean {
    if (this.#bytes <= limit) return false
    const isLarge = this.#snapshotBytes > limit
    const mayBeSmaller = isLarge ? this.#tail > 1 : this.#bytes - this.#snapshotBytes > limit / 8
    if (mayBeSmaller && !this.#compacting) this.compact()
    return isLarge || this.#bytes > 2 * limit
  }

  /** Whether it is worth a snapshot to spare the next load more than so many records, or nobody knows what the snapshot holds. */
  isLong(longTail: number): boolean {
    return this.#isWorthSnapshot(longTail + 1) || (this.#head >= 0 && this.#isUnknown)
  }

  /** Of at least so many records, snapshot included. */
  #isWorthSnapshot(records: number): boolean {
    const isHeavy = this.#bytes - this.#snapshotBytes >= Math.min(this.#snapshotBytes * TAIL_SHARE, TAIL_BYTES)
    return this.#tail >= records && (isHeavy || this.#tail >= records * TAIL_RECORDS)
  }

  /**
   * Folds the log of this document into one snapshot, behind everything that was recorded so far.
   * @param scrub what is no longer in the document shall be gone from the disk too
   */
  compact(scrub = false): void {
    if (this.#head < 0) return
    this.#askedFor = { scrub: scrub || this.#askedFor?.scrub === true }
    if (this.#compacting) return
    this.#compacted = this.#compactAll()
    this.#track(this.#compacted)
  }

  /** Resolves when the log is done with everything it was given; before that nobody may load the document anew. */
  async drained(): Promise<void> {
    await this.#lastWork
  }

  /** The same for good: what is owed to redactions the log remembers, and whoever loads the document next goes on with it. */
  async finish(): Promise<void> {
    await this.#lastWork
    this.#retries.end()
  }

  #append(actor: string, update: Uint8Array, bindings: Binding[], writer: TransactionWriter | null, joins: boolean): void {
    const { name, doc, lineage, messages } = this.#document
    const { log, logger, now } = this.#ports
    const at = now()
    const events: StoredEvent[] = (writer?.events ?? []).map(event => ({ ...event, actor, at }))
    const redacted = events.some(({ type }) => type === 'message.redacted')
    const change = this.#releases.issue()
    // The state vector that is stored with a document's first record is of that alone.
    const joined = joins && events.length === 0 && this.#head > 0 ? this.#last.join(update) : null
    if (!joined) {
      this.#head++
      this.#tail++
      this.#last.begin(update)
    }
    const sequence = this.#head
    const record: LogRecord = {
      update: joined?.update ?? update,
      stateVector: () => Y.encodeStateVector(doc),
      events,
      ledger: writer?.ledger ?? [],
      bindings,
      ...this.#lineageIsNew && { lineage },
      ...messages && events.some(changesSummary) && { summary: messages.summary(readMeta(doc).title, at) },
      openedRuns: writer?.openedRuns ?? [],
      closedRuns: writer?.closedRuns ?? [],
      ...redacted && { scrub: true },
      ...joined && { joined: true },
    }
    this.#lineageIsNew = false
    this.#releases.whenDurable(() => this.#onReleased(sequence, update, events))
    this.#track(log.append(name, record).then(() => this.#releases.durable(change)))
    logger.debug({ document: name, sequence, bytes: update.length, actor, events: events.map(({ type }) => type) }, 'record written')
    this.#bytes += joined?.grownBy ?? update.length
    if (redacted) {
      this.#redactions++
      this.#redactedAt = sequence
    }
    if (redacted || (this.#isWorthSnapshot(this.#compactAt) && !this.#compacting)) this.compact(redacted)
  }

  async #compactAll(): Promise<void> {
    this.#compacting = true
    try {
      for (let asked = this.#askedFor; asked && !this.#stopped.signal.aborted; asked = this.#askedFor) {
        this.#askedFor = null
        const upTo = this.#head
        this.#last.end()
        const before = this.#bytes
        const folded = await this.#folded(upTo)
        if (this.#stopped.signal.aborted) return
        if (folded === null) return this.#failed(asked.scrub)
        this.#snapshotBytes = bytesIn([folded.update, ...folded.rest ?? []])
        this.#bytes += this.#snapshotBytes - before
        this.#tail = this.#head - upTo + 1
        this.#compactAt = this.#ports.compactAfter
        this.#isUnknown = false
        await this.#ports.log.compact(this.#document.name, { ...folded, upTo, scrub: asked.scrub })
        if (asked.scrub) this.#retries.end()
        if (asked.scrub && upTo >= this.#redactedAt) this.#redactedAt = -1
      }
    } finally {
      this.#compacting = false
    }
  }

  /** What was asked for meanwhile would fail too. */
  #failed(scrub: boolean): void {
    const owes = scrub || this.#askedFor?.scrub === true
    this.#askedFor = owes ? { scrub: true } : null
    if (owes) this.#retries.again(() => this.compact(true))
  }

  /** @returns null when it could not be made */
  async #folded(upTo: number): Promise<Folded | null> {
    const { name, doc } = this.#document
    const { log, logger, folding, foldFrom = FOLD_FROM, compactAfter } = this.#ports
    const isSmall = folding === undefined || this.#bytes <= foldFrom
    if (isSmall) return snapshotOf(name, doc)
    try {
      return await folding.fold(name, await log.records(name, upTo), this.#stopped.signal)
    } catch (error) {
      this.#compactAt = this.#tail + compactAfter
      const level = this.#stopped.signal.aborted ? 'debug' : 'warn'
      logger[level]({ document: name, err: error }, 'records not folded; they stay as they are')
      return null
    }
  }

  #track(work: Promise<void>): void {
    this.#lastWork = Promise.all([this.#lastWork, work.catch(this.#onBroken)])
  }
}

const bytesIn = (updates: readonly Uint8Array[]): number => updates.reduce((sum, { length }) => sum + length, 0)

const changesSummary = ({ type }: StoredEvent): boolean =>
  type === 'message.sent' || type === 'message.redacted' || type === 'meta.set'
