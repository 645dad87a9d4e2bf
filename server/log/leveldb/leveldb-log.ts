/**
 * The update log on LevelDB, in y-leveldb's layout: what stock y-leveldb wrote can be read here, and the other way round.
 *
 * 1. The clocks of a document are gapless from its first stored record on; the last one is kept in memory and read once.
 * 2. All that one change leaves behind is one submission to the group commit, so it is in one batch.
 * 3. Calls for one document take effect in their order; `read` sees all that was appended before it.
 * 4. After a failed write every document that was in use has to be read again before it is appended to: what its caller holds may
 *    build on what was lost, and its server client ids belong to an older generation.
 * 5. A damaged document is refused by name, for reading and for appending, until it is erased; all others are served.
 * 6. A document without records has nothing beside it; what y-leveldb's `clearDocument` leaves of ours goes at the next use.
 */
import type { ConversationSummary, StoredEvent } from '../../../shared/conversation/event.ts'
import type { DocumentName, RequestId, RunId } from '../../../shared/ids.ts'
import type { LedgerPlace, TrimmedLedger } from '../ledger-keeper.ts'
import type { LedgerEntry, LogRecord, Snapshot, StoredDocument, UpdateLog } from '../port.ts'
import { MAX_CLOCK, del, fromJson, toJson } from '../store-port.ts'
import type { Key } from '../store-port.ts'
import {
  allLedgersRange, allRunsRange, allScrubsRange, damageRange, documentRanges, eventKey, ledgerKey, ledgerRange,
  scrubKey, single, stateVectorKey, stateVectorRange, summaryKey,
} from './keys.ts'
import { DocumentsInUse } from './documents-in-use.ts'
import type { DocumentInUse } from './documents-in-use.ts'
import { allSets, nextSet, partDeletions, putPart, putParts } from './parts.ts'
import type { PartSet } from './parts.ts'
import { put } from './database.ts'
import { recordOperations, snapshotOperations } from './record.ts'
import { Store } from './store.ts'
import type { StoreOptions } from './store-options.ts'
import { alsoTrimmed, deletions, nothing, owing, readRecords, readStored, scrubErased, scrubbing } from './stored-document.ts'
import type { Owed, Position } from './stored-document.ts'
import { encodeStateVector } from './values.ts'

/** What others take for the document as of this clock (a snapshot, the first state vector) must not come to stand for more. */
const mustBeJoinable = (name: DocumentName, clock: number, { first }: Position, { events }: LogRecord): void => {
  if (clock <= first || events.length > 0) throw new RangeError(`record ${clock} of ${name} cannot be joined`)
}

const textAt = (key: Key, index: number): string => String(key[index])

export interface LevelDbLog extends UpdateLog, TrimmedLedger {
  /** The database under the log, for what else is kept in it (the directory). Closed with the log. */
  readonly store: Store
}

/** @throws DataFolderError with one line for the operator */
export const openLevelDbLog = async (options: StoreOptions): Promise<LevelDbLog> => {
  const store = await Store.open(options)
  const marks = new Map<DocumentName, string>()
  for (const [key, what] of await store.intactEntries(damageRange)) marks.set(textAt(key, 2) as DocumentName, fromJson<string>(what))
  return new LevelDbUpdateLog(store, marks)
}

export class LevelDbUpdateLog implements LevelDbLog {
  readonly store: Store
  readonly #documents: DocumentsInUse
  readonly #inProgress = new Set<Promise<unknown>>()

  constructor(store: Store, marked: Map<DocumentName, string>) {
    this.store = store
    this.#documents = new DocumentsInUse(store, marked)
  }

  get generation(): number {
    return this.store.generation
  }

  get newEpochsSince(): number {
    return this.store.newEpochsSince
  }

  async read(name: DocumentName): Promise<StoredDocument | null> {
    for (;;) {
      const term = this.#documents.currentTerm()
      const position = await this.#documents.get(name).position
      // Whether the appends before this read were written is told to their callers; here it only matters that they are over.
      await this.store.commit([], term).catch(() => undefined)
      const stored = position.head < 0 ? null : await this.#documents.naming(name, () => readStored(this.store, name))
      if (term !== this.#documents.currentTerm()) continue
      this.#documents.wasRead(name)
      return stored
    }
  }

  beforeWrite(action: () => void): void {
    this.store.beforeWrite(action)
  }

  append(name: DocumentName, record: LogRecord): Promise<number> {
    return this.#tracked(this.#append(name, record))
  }

  compact(name: DocumentName, snapshot: Snapshot): Promise<void> {
    return this.#tracked(this.#compact(name, snapshot))
  }

  async records(name: DocumentName, upTo: number): Promise<Uint8Array[]> {
    const term = this.#documents.currentTerm()
    await this.#documents.get(name).position
    await this.store.commit([], term)
    return this.#documents.naming(name, () => readRecords(this.store, name, upTo))
  }

  async owedScrubs(): Promise<DocumentName[]> {
    return (await this.store.intactEntries(allScrubsRange)).map(([key]) => textAt(key, 2) as DocumentName)
  }

  erase(name: DocumentName): Promise<void> {
    const term = this.#documents.currentTerm()
    const erased = this.#erase(name, term, this.#documents.peek(name))
    this.#documents.put(name, erased.then(nothing))
    return this.#tracked(erased)
  }

  async list(prefix: string): Promise<DocumentName[]> {
    const entries = await this.store.intactEntries(stateVectorRange)
    return entries.map(([key]) => textAt(key, 1)).filter(name => name.startsWith(prefix)) as DocumentName[]
  }

  async ledger(name: DocumentName, ids: readonly RequestId[]): Promise<Map<RequestId, LedgerEntry>> {
    const values = await this.store.getMany(ids.map(id => ledgerKey(name, id)))
    return new Map(ids.flatMap((id, i) => values[i] === undefined ? [] : [[id, fromJson<LedgerEntry>(values[i])]]))
  }

  async newestTaken(name: DocumentName, most: number): Promise<RequestId[]> {
    const found = await this.store.keys(ledgerRange(name), { reverse: true, limit: most })
    return found.map(key => textAt(key, 3) as RequestId)
  }

  async events(name: DocumentName, after: number, limit: number): Promise<{ sequence: number, events: StoredEvent[] }[]> {
    if (after >= MAX_CLOCK || limit <= 0) return []
    const range = { gte: eventKey(name, Math.max(0, after + 1)), lte: eventKey(name, MAX_CLOCK) }
    const [entries = []] = await this.store.entries([range], { limit })
    return entries.map(([key, value]) => ({ sequence: Number(key[3]), events: fromJson<StoredEvent[]>(value) }))
  }

  async summaries(names: readonly DocumentName[]): Promise<Map<DocumentName, ConversationSummary>> {
    const values = await Promise.all(names.map(name => this.store.intactEntries(single(summaryKey(name)))))
    return new Map(names.flatMap((name, i) => values[i]!.map(([, value]) => [name, fromJson<ConversationSummary>(value)])))
  }

  async openRuns(): Promise<{ name: DocumentName, runId: RunId }[]> {
    const entries = await this.store.intactEntries(allRunsRange)
    return entries.map(([key]) => ({ name: textAt(key, 2) as DocumentName, runId: textAt(key, 3) as RunId }))
  }

  async trimLedger(before: number, most: number, after: LedgerPlace | null): Promise<LedgerPlace | null> {
    const term = this.#documents.currentTerm()
    const rest = after === null ? allLedgersRange : { gt: [...after], lte: allLedgersRange.lte }
    const { entries, end } = await this.store.piece(rest, most)
    const old = entries.filter(([, value]) => fromJson<LedgerEntry>(value).at < before)
    if (old.length > 0) await this.#tracked(this.store.commit(old.map(([key]) => del(key)), term))
    return end
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#inProgress)
    await this.store.close()
  }

  async #append(name: DocumentName, record: LogRecord): Promise<number> {
    const { term, document } = this.#documents.inLine(name)
    // Taken now, not when it turns out to be needed: the caller's document moves on.
    const stateVector = document.known === null || document.known.head < 0 ? record.stateVector() : null
    const position = await document.position
    const clock = record.joined ? position.head : position.head + 1
    if (record.joined) mustBeJoinable(name, clock, position, record)
    const operations = recordOperations(name, clock, record)
    if (record.scrub) {
      position.owed = owing(position.owed, clock)
      operations.push(put(scrubKey(name), toJson(position.owed)))
    }
    if (clock === 0 && stateVector !== null) operations.push(put(stateVectorKey(name), encodeStateVector(0, stateVector)))
    position.head = clock
    await this.store.commit(operations, term)
    return clock
  }

  async #compact(name: DocumentName, snapshot: Snapshot): Promise<void> {
    const { term, document } = this.#documents.inLine(name)
    const { rest, upTo, scrub, lineage } = snapshot
    const position = await document.position
    if (upTo > position.head) throw new RangeError(`snapshot of ${name} up to ${upTo}, but its last record is ${position.head}`)
    if (rest && lineage) throw new RangeError(`a snapshot of ${name} in parts with another lineage`)
    while (document.staging) {
      await document.staging
      this.#documents.mustBe(document, name)
    }
    if (upTo < position.first) return
    const trimmed = allSets(position.parts)
    const set = rest ? await this.#stage(name, document, position, upTo, rest, term) : null
    const { bottom } = position
    const owed = scrub || position.owed ? alsoTrimmed(position.owed ?? owing(null, upTo), bottom, upTo, trimmed) : null
    Object.assign(position, { first: upTo, bottom: upTo, parts: { snapshot: set, others: [] }, owed })
    const written = this.store.commit([
      ...snapshotOperations(name, snapshot, position.head),
      ...deletions(name, bottom, upTo),
      ...partDeletions(name, trimmed),
      ...set || trimmed.length > 0 ? [putParts(name, position.parts)] : [],
      ...owed ? [put(scrubKey(name), toJson(owed))] : [],
    ], term)
    if (!scrub || !owed) return written
    const scrubbed = written.then(() => this.#scrub(name, position, owed, term))
    document.scrubbing = scrubbed.catch(() => undefined)
    return scrubbed
  }

  /** Writes the parts of a snapshot, which is not in place then. */
  async #stage(
    name: DocumentName, document: DocumentInUse, position: Position, upTo: number, rest: readonly Uint8Array[], term: number,
  ): Promise<PartSet> {
    const set = nextSet(position.parts, upTo, rest.length)
    position.parts = { ...position.parts, others: [...position.parts.others, set] }
    const over = Promise.withResolvers<void>()
    document.staging = over.promise
    try {
      for (const [i, part] of rest.entries()) {
        const announced = i === 0 ? [putParts(name, position.parts)] : []
        await this.store.commit([...putPart(name, upTo, set.from + i, part), ...announced], term)
        this.#documents.mustBe(document, name)
      }
      return set
    } finally {
      document.staging = null
      over.resolve()
    }
  }

  async #scrub(name: DocumentName, position: Position, owed: Owed, term: number): Promise<void> {
    const { ranges, deleted } = scrubbing(name, owed)
    await this.store.scrub(ranges, deleted, term)
    // What was taken out meanwhile is still owed, and what was trimmed meanwhile with it.
    if (position.owed !== owed) return
    position.owed = null
    await this.store.commit([del(scrubKey(name))], term)
  }

  async #erase(name: DocumentName, term: number, document: DocumentInUse | undefined): Promise<void> {
    const position = await this.#documents.get(name).position.catch(() => null)
    await document?.staging
    await document?.scrubbing
    await this.store.commit([], term)
    const entries = (await Promise.all(documentRanges(name).map(range => this.store.keys(range)))).flat()
    if (entries.length === 0) return
    // Of a damaged document it is not known where its records lay; what is here still goes, if nothing stops this.
    const { owed: before, bottom, head, parts } = position ?? nothing()
    const owed = alsoTrimmed(before ?? owing(null, bottom), bottom, head + 1, allSets(parts))
    const deleted = entries.map(del)
    await this.store.commit([...deleted, put(scrubKey(name), toJson(owed))], term)
    this.#documents.wasErased(name)
    await scrubErased(this.store, name, owed, deleted, term)
  }

  #tracked<T>(call: Promise<T>): Promise<T> {
    this.#inProgress.add(call)
    const over = (): void => { this.#inProgress.delete(call) }
    call.then(over, over)
    return call
  }
}
