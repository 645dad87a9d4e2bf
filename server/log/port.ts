/**
 * The update log: what Skein keeps of its documents. One contract suite (`test/contract/log.ts`) holds for every adapter.
 *
 * Whatever a promise of this port reports as done is on disk (with durability `fsync`). When `append` or `compact` rejects, its outcome
 * is unknown: the caller discards what it holds of the document and reads it again. So does everybody else: until a document that was in
 * use has been read again, the log refuses its appends with `not-saved`.
 */
import type { ConversationSummary, StoredEvent } from '../../shared/conversation/event.ts'
import type { DocumentName, MessageId, RequestId, RunId, UserId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

/** The server's own Yjs client ids in one document, valid for one generation of the log. */
export interface ServerIds {
  generation: number
  /** Writes `messages`. */
  message: number
  /** Writes everything else: drafts, runs, meta, … */
  transient: number
}

/** A document's line of descent. */
export interface Lineage {
  epoch: string
  ids: ServerIds
  /** Server ids of earlier generations of this epoch. */
  earlier: number[]
  /** Server ids of earlier epochs; a client that still names one holds another lineage. */
  retired: number[]
  /** Epochs before this one that took nothing with them when they ended: the ledger tells of every request that they took. */
  continues?: string[]
}

export interface LedgerEntry {
  requestId: RequestId
  outcome: RequestOutcome
  /** Who asked. */
  principal: UserId
  /** When it was taken (milliseconds since 1970). */
  at: number
  /** Of a refused `send`: the message it would have followed. What was written after it, offline, follows that one instead. */
  follows?: MessageId | null
  /**
   * Of an accepted one: a digest of what was asked for, so that other content under the same id is told apart. A redaction takes it out.
   */
  content?: string
}

/** A Yjs client id and the principal who alone may write under it. */
export interface Binding {
  clientId: number
  owner: UserId
}

/**
 * What a snapshot holds, said beside it, so that readers can be served its bytes and nobody has to decode them. Written by whoever takes
 * the snapshot; a snapshot without it (of another program, of an earlier version) is decoded when its document is opened.
 */
export interface SnapshotFacts {
  /** Of a conversation: the version of its schema; null of a free document. */
  schema: number | null
  /** Structs without content. */
  tombstones: number
  stateVector: Uint8Array
  /** The update that holds every deletion and no struct: what a client sends that has nothing new. */
  deletions: Uint8Array
}

export interface StoredDocument {
  /** Null for a store that another program (stock y-leveldb) wrote. */
  lineage: Lineage | null
  /** Snapshot first, then the updates after it, oldest first, in y-leveldb's format. */
  updates: Uint8Array[]
  /** Sequence of the last record; -1 when there is none. */
  head: number
  /** How many of the updates the snapshot lies in; absent: one. */
  snapshotParts?: number
  /** Of the snapshot; null: the first of the updates is none, or nobody knows. */
  facts: SnapshotFacts | null
  bindings: Binding[]
  /** Ids of the runs that are not finished. */
  openRuns: RunId[]
  /** A record of it took something out (see {@link LogRecord.scrub}) that the updates, or the files, may still hold. */
  owesScrub?: true
}

/** All that one accepted change leaves behind; written in one batch, or not at all. */
export interface LogRecord {
  update: Uint8Array
  /** State vector of the document after the update; stored with the document's first record, as y-leveldb does. */
  stateVector: () => Uint8Array
  events: StoredEvent[]
  ledger: LedgerEntry[]
  bindings: Binding[]
  /** Given when it changed. */
  lineage?: Lineage
  summary?: ConversationSummary
  openedRuns: RunId[]
  closedRuns: RunId[]
  /**
   * It takes something out of the document that nobody may read any more (a redaction). The log then owes a scrub, durably: until a
   * snapshot with `scrub` has been made and the files are rewritten, by this process or by a later one.
   */
  scrub?: boolean
  /**
   * `update` holds what the last record holds, too, and is stored in its place: the sequence stays the same, and so does what lies beside
   * it. Without events, never in the place of a document's first record or of a snapshot, and only for one who appended the last record.
   */
  joined?: true
}

export interface Snapshot {
  /** `Y.encodeStateAsUpdate` of the document at sequence `upTo`. */
  update: Uint8Array
  /**
   * Of a large document: what is applied after `update`, in order; all of them together are that state. They are written one by one between
   * what others write, and take the records' place at once. Not with a new lineage: until they do, records and parts lie side by side.
   */
  rest?: readonly Uint8Array[]
  stateVector: Uint8Array
  /** Sequence of the newest record that the snapshot holds; the snapshot takes its place, everything before it goes. */
  upTo: number
  /** Pays what is owed: also rewrites the files, so that nothing of what the snapshot leaves out stays on the disk. Takes longer. */
  scrub?: boolean
  /** Given when the snapshot begins another epoch: it is the lineage from then on, in the same batch. */
  lineage?: Lineage
  facts?: SnapshotFacts
}

export interface UpdateLog {
  /** Grows at every start after an unclean stop and after every failed append; server client ids of an older generation are not reused. */
  readonly generation: number
  /**
   * What was stored under server ids of a generation before this one may be less than what devices hold of it (a restored backup, an
   * unclean stop without fsync): such a document begins a new epoch when it is loaded. Absent or 0: that never happened. A number that
   * was never used before, not even after an earlier restore of the same backup.
   */
  readonly newEpochsSince?: number
  read(name: DocumentName): Promise<StoredDocument | null>
  /** Resolves with the record's sequence once it is durable. Records of one document become durable in the order of the calls. */
  append(name: DocumentName, record: LogRecord): Promise<number>
  /**
   * Runs the action when the next write may begin, at once where that is now; what it appends is in that write. Where many write, writes
   * are spaced, and work that is done for many at once costs a part of what it costs whenever something comes: each that waits calls, also
   * where the first one's action does the work of all. Absent: at once.
   */
  beforeWrite?(action: () => void): void
  compact(name: DocumentName, snapshot: Snapshot): Promise<void>
  /**
   * What a snapshot up to this sequence has to hold: all updates until then, in order, as they are on the disk. In contrast to `read` this
   * is no beginning: it does not make the document writable after a failed append. The bytes are the caller's own. Where a later snapshot
   * has taken the place of all of them meanwhile, they are that snapshot.
   * @throws SkeinError `log-damaged`
   */
  records(name: DocumentName, upTo: number): Promise<Uint8Array[]>
  /** Documents that an earlier process left with a scrub owed; to load one is to pay. */
  owedScrubs(): Promise<DocumentName[]>
  /** Removes the document and everything beside it, the ledger too. */
  erase(name: DocumentName): Promise<void>
  /** Names of the stored documents that start with the prefix, in key order. */
  list(prefix: string): Promise<DocumentName[]>
  /** The entries among these ids that were taken before. */
  ledger(name: DocumentName, ids: readonly RequestId[]): Promise<Map<RequestId, LedgerEntry>>
  /** The greatest ids in the ledger, greatest first, at most so many: fewer are all of them. Their entries are not looked at. */
  newestTaken(name: DocumentName, most: number): Promise<RequestId[]>
  /** Events after this sequence, oldest first, at most `limit` records. */
  events(name: DocumentName, after: number, limit: number): Promise<{ sequence: number, events: StoredEvent[] }[]>
  summaries(names: readonly DocumentName[]): Promise<Map<DocumentName, ConversationSummary>>
  /** Every run that is not finished, over all documents: what recovery starts from. */
  openRuns(): Promise<{ name: DocumentName, runId: RunId }[]>
  close(): Promise<void>
}
