/**
 * The snapshots of one document: when its records are worth one, and how they are folded into it.
 *
 * One compaction at a time: whatever asks for one meanwhile shares the next, so that many redactions in a row cost two. A small document is
 * encoded here; a large one is folded from its stored records in a thread, since encoding 50 MB holds up everybody for half a second. A
 * fold that fails loses nothing: the records stay, and where something was redacted it is tried again until it is done.
 */
import type * as Y from 'yjs'
import type { DocumentName } from '../../shared/ids.ts'
import type { Timers } from '../../shared/timers.ts'
import type { StoredDocument, UpdateLog } from '../log/port.ts'
import type { Logger } from '../telemetry/port.ts'
import { BackOff } from './back-off.ts'
import { snapshotOf } from './fold.ts'
import type { Folded, Folding } from './fold.ts'

export interface SnapshotPorts {
  log: UpdateLog
  logger: Logger
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
 * words: what snapshots cost stays in proportion to what was written, and a load in proportion to the document. Sooner at so many times
 * the least number of records, each of which costs a load something.
 */
const TAIL_SHARE = 1 / 4
const TAIL_RECORDS = 20
/** Readers who are served what is stored are sent what came since in one piece: that is folded first when it is larger. */
const SERVED_TAIL_BYTES = 2 * 1024 * 1024

export interface SnapshotDocument {
  name: DocumentName
  doc: Y.Doc
  /** Sequence in the log of the newest record, durable or not; -1: there is none. */
  head: () => number
  /** From here on nothing is stored together with the newest record. */
  endLast: () => void
  /** The log has something to do; when that rejects, the document is lost. */
  track: (work: Promise<void>) => void
}

/** A record that was handed to the log. */
export interface Recorded {
  sequence: number
  /** It took the place of the one before it. */
  joined: boolean
  /** Bytes that it adds to what is stored. */
  grownBy: number
  redacted: boolean
}

export class Snapshots {
  readonly #ports: SnapshotPorts
  readonly #document: SnapshotDocument
  #tail: number
  /** Of all stored updates, snapshot and tail. */
  #bytes: number
  /** Of the snapshot alone. */
  #snapshotBytes: number
  /** Records before which it is not compacted next. */
  #compactAt: number
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

  /** @param stored what the document was built from; null: nothing */
  constructor(ports: SnapshotPorts, document: SnapshotDocument, stored: StoredDocument | null) {
    this.#ports = ports
    this.#document = document
    this.#retries = new BackOff(ports.after)
    const { updates = [], snapshotParts = 1 } = stored ?? {}
    this.#tail = updates.length === 0 ? 0 : updates.length - snapshotParts + 1
    this.#bytes = bytesIn(updates)
    this.#snapshotBytes = bytesIn(updates.slice(0, snapshotParts))
    this.#compactAt = ports.compactAfter
    this.#isUnknown = stored?.facts === null
    if (stored?.owesScrub) this.#redactedAt = stored.head
  }

  /** Takes a snapshot where the record makes it worth one, or owes one. */
  recorded({ sequence, joined, grownBy, redacted }: Recorded): void {
    if (!joined) this.#tail++
    this.#bytes += grownBy
    if (redacted) this.#redactedAt = sequence
    if (redacted || (this.#isWorthSnapshot(this.#compactAt) && !this.#compacting)) this.compact(redacted)
  }

  /** Of all stored updates. */
  get bytes(): number {
    return this.#bytes
  }

  /** Of what was redacted something is still to be taken from the disk, later. */
  get owesLater(): boolean {
    return this.#retries.isWaiting
  }

  /**
   * Whether readers who lack much may be sent what is stored: for the most part a snapshot, and nothing that was taken out. Where it is for
   * the most part records, or these are many, they are folded first.
   */
  async mayBeServedAsStored(): Promise<boolean> {
    const failed = this.#compactAt > this.#ports.compactAfter && this.#tail < this.#compactAt
    const isLight = this.#isMostlySnapshot && this.#tailBytes <= SERVED_TAIL_BYTES
    if (!isLight && this.#redactedAt < 0 && !failed) {
      if (!this.#compacting) this.compact()
      await this.#compacted
    }
    return this.#isMostlySnapshot && this.#redactedAt < 0
  }

  get #tailBytes(): number {
    return this.#bytes - this.#snapshotBytes
  }

  get #isMostlySnapshot(): boolean {
    return this.#bytes < 2 * this.#snapshotBytes
  }

  /**
   * Whether the document takes more bytes than it may. What was replaced or deleted since the last snapshot does not count, or only for as
   * long as it takes to fold the records.
   */
  isFull(limit: number): boolean {
    if (this.#bytes <= limit) return false
    const isLarge = this.#snapshotBytes > limit
    const mayBeSmaller = isLarge ? this.#tail > 1 : this.#tailBytes > limit / 8
    if (mayBeSmaller && !this.#compacting) this.compact()
    return isLarge || this.#bytes > 2 * limit
  }

  /** Whether it is worth a snapshot to spare the next load more than so many records, or nobody knows what the snapshot holds. */
  isLong(longTail: number): boolean {
    return this.#isWorthSnapshot(longTail + 1) || (this.#document.head() >= 0 && this.#isUnknown)
  }

  /** Of at least so many records, snapshot included. */
  #isWorthSnapshot(records: number): boolean {
    const isHeavy = this.#tailBytes >= this.#snapshotBytes * TAIL_SHARE
    return this.#tail >= records && (isHeavy || this.#tail >= records * TAIL_RECORDS)
  }

  /**
   * Folds the log of this document into one snapshot, behind everything that was recorded so far.
   * @param scrub what is no longer in the document shall be gone from the disk too
   */
  compact(scrub = false): void {
    if (this.#document.head() < 0) return
    this.#askedFor = { scrub: scrub || this.#askedFor?.scrub === true }
    if (this.#compacting) return
    this.#compacted = this.#compactAll()
    this.#document.track(this.#compacted)
  }

  /** The document is lost. */
  stop(error: unknown): void {
    this.#stopped.abort(error)
    this.#retries.end()
  }

  /** What is owed the log remembers, and whoever loads the document next goes on with it. */
  finish(): void {
    this.#retries.end()
  }

  async #compactAll(): Promise<void> {
    this.#compacting = true
    try {
      for (let asked = this.#askedFor; asked && !this.#stopped.signal.aborted; asked = this.#askedFor) {
        this.#askedFor = null
        const upTo = this.#document.head()
        this.#document.endLast()
        const before = this.#bytes
        const folded = await this.#folded(upTo)
        if (this.#stopped.signal.aborted) return
        if (folded === null) return this.#failed(asked.scrub)
        this.#snapshotBytes = bytesIn([folded.update, ...folded.rest ?? []])
        this.#bytes += this.#snapshotBytes - before
        this.#tail = this.#document.head() - upTo + 1
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
}

const bytesIn = (updates: readonly Uint8Array[]): number => updates.reduce((sum, { length }) => sum + length, 0)
