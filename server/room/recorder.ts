/**
 * The recorder of one document: each transaction becomes one log record, and what depends on a record is released when it is durable.
 *
 * 1. A record is what the document emitted in our own transaction, never a client's bytes; it is appended after the transaction returned.
 *    Pieces of a reply share records (last-record.ts): there are more changes than sequences.
 * 2. Records become durable in order; whatever was computed at a record is released in that order, and nothing else leaves the room.
 * 3. When a transaction throws or an append fails, the document in memory may hold what the disk does not: `onBroken` is called once, and
 *    from then on nothing is released or recorded.
 */
import * as Y from 'yjs'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import { readMeta } from '../../shared/conversation/read.ts'
import type { SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Binding, Lineage, LogRecord, StoredDocument } from '../log/port.ts'
import { TransactionWriter } from './conversation-writer.ts'
import { LastRecord } from './last-record.ts'
import type { MessageIndex } from './message-index.ts'
import { ReleaseQueue } from './release-queue.ts'
import { Snapshots } from './snapshots.ts'
import type { SnapshotPorts } from './snapshots.ts'

export interface RecorderPorts extends SnapshotPorts {
  /** Milliseconds since 1970. */
  now: () => number
}

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
  readonly #document: Omit<RecorderDocument, 'stored'>
  readonly #onReleased: OnReleased
  readonly #onBroken: (error: unknown) => void
  readonly #releases: ReleaseQueue
  #lineageIsNew: boolean
  /** Sequence in the log of the newest record, durable or not; -1: there is none. */
  #head: number
  readonly #last = new LastRecord()
  /** What the document emitted during our transaction. */
  #emitted: Uint8Array[] = []
  #redactions = 0
  readonly #snapshots: Snapshots
  #lastWork: Promise<unknown> = Promise.resolve()

  constructor(ports: RecorderPorts, document: RecorderDocument, onReleased: OnReleased, onBroken: (error: unknown) => void) {
    this.#ports = ports
    // What was stored is in the document, and would stay in memory a second time.
    const { stored, ...kept } = document
    this.#document = kept
    this.#onReleased = onReleased
    this.#onBroken = onBroken
    this.#head = stored?.head ?? -1
    this.#releases = new ReleaseQueue(this.#head)
    this.#lineageIsNew = document.lineageIsNew
    this.#snapshots = new Snapshots(ports, {
      name: document.name, doc: document.doc, head: () => this.#head, endLast: () => this.#last.end(), track: work => this.#track(work),
    }, stored)
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
    this.#snapshots.stop(error)
  }

  /** Grows with each change, durable or not. */
  get sequence(): number {
    return this.#releases.issued
  }

  /** Redactions since the document was loaded. */
  get redactions(): number {
    return this.#redactions
  }

  /** What is folded of it, and when. */
  get snapshots(): Pick<Snapshots, 'bytes' | 'mayBeServedAsStored' | 'isFull' | 'isLong' | 'compact'> {
    return this.#snapshots
  }

  /** All updates up to the newest record, when that is durable. */
  stored(): Promise<Uint8Array[]> {
    return this.#ports.log.records(this.#document.name, this.#head)
  }

  /** Nothing waits for the disk, and of what was redacted nothing is left there. */
  get isSettled(): boolean {
    return this.#releases.isSettled && !this.#snapshots.owesLater
  }

  /** Resolves when the log is done with everything it was given; before that nobody may load the document anew. */
  async drained(): Promise<void> {
    await this.#lastWork
  }

  /** The same for good: what is owed to redactions the log remembers, and whoever loads the document next goes on with it. */
  async finish(): Promise<void> {
    await this.#lastWork
    this.#snapshots.finish()
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
    if (redacted) this.#redactions++
    this.#snapshots.recorded({ sequence, joined: joined !== null, grownBy: joined?.grownBy ?? update.length, redacted })
  }

  #track(work: Promise<void>): void {
    this.#lastWork = Promise.all([this.#lastWork, work.catch(this.#onBroken)])
  }
}

const changesSummary = ({ type }: StoredEvent): boolean =>
  type === 'message.sent' || type === 'message.redacted' || type === 'meta.set'
