/**
 * The recorder of one document: each transaction becomes one log record, and what depends on a record is released when it is durable.
 *
 * 1. A record is what the document emitted in our own transaction, never a client's bytes; it is appended after the transaction returned.
 * 2. Records become durable in order; whatever was computed at a record is released in that order, and nothing else leaves the room.
 * 3. When a transaction throws or an append fails, the document in memory may hold what the disk does not: `onBroken` is called once, and
 *    from then on nothing is released or recorded.
 */
import * as Y from 'yjs'
import type { StoredEvent } from '../../shared/conversation/event.ts'
import { readMeta } from '../../shared/conversation/read.ts'
import type { SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Binding, Lineage, LogRecord, StoredDocument, UpdateLog } from '../log/port.ts'
import type { Logger } from '../telemetry/port.ts'
import { TransactionWriter } from './conversation-writer.ts'
import type { MessageIndex } from './message-index.ts'
import { ReleaseQueue } from './release-queue.ts'
import { factsOf } from './snapshot-facts.ts'

export interface RecorderPorts {
  log: UpdateLog
  logger: Logger
  /** Milliseconds since 1970. */
  now: () => number
  /** Records after which the log of a document is folded into a snapshot. */
  compactAfter: number
}

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
  /** What the document emitted during our transaction. */
  #emitted: Uint8Array[] = []
  #tail: number
  #lastWork: Promise<unknown> = Promise.resolve()

  constructor(ports: RecorderPorts, document: RecorderDocument, onReleased: OnReleased, onBroken: (error: unknown) => void) {
    this.#ports = ports
    this.#document = document
    this.#onReleased = onReleased
    this.#onBroken = onBroken
    this.#releases = new ReleaseQueue(document.stored?.head ?? -1)
    this.#lineageIsNew = document.lineageIsNew
    this.#tail = document.stored?.updates.length ?? 0
    document.doc.clientID = document.lineage.ids.transient
    document.doc.on('update', (update: Uint8Array) => { this.#emitted.push(update) })
  }

  /**
   * One transaction and, when it changed anything, one record.
   * @param change gets the server's pen, null where the server writes nothing; when it throws the room is lost
   */
  record<T>(actor: string, bindings: Binding[], change: (writer: TransactionWriter | null, transaction: Y.Transaction) => T): T {
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
    if (this.#emitted.length > 0) this.#append(actor, Y.mergeUpdates(this.#emitted), bindings, writer)
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
  }

  /** Records since the last snapshot. */
  get tail(): number {
    return this.#tail
  }

  /**
   * Folds the log of this document into one snapshot, behind everything that was recorded so far.
   * @param scrub what is no longer in the document shall be gone from the disk too
   */
  compact(scrub = false): void {
    const { name, doc } = this.#document
    if (this.#releases.issued < 0) return
    this.#tail = 1
    const facts = factsOf(name, doc)
    const { stateVector } = facts
    const snapshot = { update: Y.encodeStateAsUpdate(doc), stateVector, upTo: this.#releases.issued, facts, scrub }
    this.#track(this.#ports.log.compact(name, snapshot))
  }

  /** Resolves when the log is done with everything it was given; before that nobody may load the document anew. */
  async drained(): Promise<void> {
    await this.#lastWork
  }

  #append(actor: string, update: Uint8Array, bindings: Binding[], writer: TransactionWriter | null): void {
    const { name, doc, lineage, messages } = this.#document
    const { log, logger, now, compactAfter } = this.#ports
    const at = now()
    const events: StoredEvent[] = (writer?.events ?? []).map(event => ({ ...event, actor, at }))
    const sequence = this.#releases.issue()
    const record: LogRecord = {
      update,
      stateVector: () => Y.encodeStateVector(doc),
      events,
      ledger: writer?.ledger ?? [],
      bindings,
      ...this.#lineageIsNew && { lineage },
      ...messages && events.some(changesSummary) && { summary: messages.summary(readMeta(doc).title, at) },
      openedRuns: writer?.openedRuns ?? [],
      closedRuns: writer?.closedRuns ?? [],
    }
    this.#lineageIsNew = false
    this.#releases.whenDurable(() => this.#onReleased(sequence, update, events))
    this.#track(log.append(name, record).then(() => this.#releases.durable(sequence)))
    logger.info({ document: name, sequence, bytes: update.length, actor, events: events.map(({ type }) => type) }, 'record written')
    this.#tail++
    const redacted = events.some(({ type }) => type === 'message.redacted')
    if (redacted || this.#tail >= compactAfter) this.compact(redacted)
  }

  #track(work: Promise<void>): void {
    this.#lastWork = Promise.all([this.#lastWork, work.catch(this.#onBroken)])
  }
}

const changesSummary = ({ type }: StoredEvent): boolean =>
  type === 'message.sent' || type === 'message.redacted' || type === 'meta.set'
