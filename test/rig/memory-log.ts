/** The update log in memory: the whole contract of the port without a disk, on something that outlives it as a data folder does. */
import type { ConversationSummary, StoredEvent } from '../../shared/conversation/event.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName, RequestId, RunId, UserId } from '../../shared/ids.ts'
import type { LedgerEntry, Lineage, LogRecord, Snapshot, SnapshotFacts, StoredDocument, UpdateLog } from '../../server/log/port.ts'

export interface Kept {
  lineage: Lineage | null
  first: number
  updates: Uint8Array[]
  /** What is applied after the first of the updates, as a part of it. */
  rest: readonly Uint8Array[]
  facts: SnapshotFacts | null
  bindings: Map<number, UserId>
  ledger: Map<RequestId, LedgerEntry>
  events: Map<number, StoredEvent[]>
  summary: ConversationSummary | null
  runs: Set<RunId>
  /** Sequence of the newest record whose scrub is owed. */
  owed: number | null
}

/** What outlives a log: hand it to the next one. */
export class MemoryDisk {
  readonly documents = new Map<DocumentName, Kept>()
  generation = 0
  newEpochsSince = 0
  clean = false

  /** As when a backup was restored: takes effect for the log that is opened next. The leap makes its generation one of its own. */
  beginNewEpochs(leap: number): void {
    this.clean = false
    this.generation += leap
    this.newEpochsSince = this.generation + 1
  }
}

export interface MemoryLog extends UpdateLog {
  readonly disk: MemoryDisk
  /** Makes the next write fail, before it is done or after; its outcome is unknown to the caller either way. */
  failNext(when: 'before' | 'after'): void
}

const nothingKept = (): Kept => ({
  lineage: null, first: 0, updates: [], rest: [], facts: null,
  bindings: new Map(), ledger: new Map(), events: new Map(), summary: null, runs: new Set(), owed: null,
})

const withRest = ({ rest }: Kept, [first, ...others]: readonly Uint8Array[]): Uint8Array[] => first ? [first, ...rest, ...others] : []

/** To leave a log without `close` is a crash: open another one on the same disk. */
export const openMemoryLog = (disk = new MemoryDisk()): MemoryLog => {
  if (!disk.clean) disk.generation++
  disk.clean = false
  return new Memory(disk)
}

class Memory implements MemoryLog {
  readonly disk: MemoryDisk
  #term = 0
  #failure: 'before' | 'after' | null = null
  #closed = false
  #inLine: Promise<unknown> = Promise.resolve()
  readonly #used = new Set<DocumentName>()
  readonly #stale = new Set<DocumentName>()

  constructor(disk: MemoryDisk) {
    this.disk = disk
  }

  get generation(): number {
    return this.disk.generation
  }

  get newEpochsSince(): number {
    return this.disk.newEpochsSince
  }

  failNext(when: 'before' | 'after'): void {
    this.#failure = when
  }

  async read(name: DocumentName): Promise<StoredDocument | null> {
    this.#mustBeOpen()
    await this.#inLine
    this.#used.add(name)
    this.#stale.delete(name)
    const document = this.disk.documents.get(name)
    if (document === undefined) return null
    return {
      lineage: structuredClone(document.lineage),
      updates: withRest(document, document.updates),
      head: document.first + document.updates.length - 1,
      facts: structuredClone(document.facts),
      bindings: [...document.bindings].map(([clientId, owner]) => ({ clientId, owner })),
      openRuns: [...document.runs],
      ...document.rest.length > 0 && { snapshotParts: 1 + document.rest.length },
      ...document.owed !== null && { owesScrub: true },
    }
  }

  append(name: DocumentName, record: LogRecord): Promise<number> {
    const taken = structuredClone({ ...record, stateVector: null })
    return this.#write(name, () => {
      const document = this.disk.documents.get(name) ?? nothingKept()
      this.disk.documents.set(name, document)
      if (taken.joined) {
        if (document.updates.length < 2 || taken.events.length > 0) throw new RangeError(`a record of ${name} cannot be joined`)
        document.updates.pop()
      }
      const sequence = document.first + document.updates.push(taken.update) - 1
      if (taken.events.length > 0) document.events.set(sequence, taken.events)
      for (const entry of taken.ledger) document.ledger.set(entry.requestId, entry)
      for (const { clientId, owner } of taken.bindings) document.bindings.set(clientId, owner)
      document.lineage = taken.lineage ?? document.lineage
      document.summary = taken.summary ?? document.summary
      for (const id of taken.openedRuns) document.runs.add(id)
      for (const id of taken.closedRuns) document.runs.delete(id)
      if (taken.scrub) document.owed = sequence
      return sequence
    })
  }

  compact(name: DocumentName, { update, rest = [], upTo, lineage, facts, scrub }: Snapshot): Promise<void> {
    return this.#write(name, () => {
      const document = this.disk.documents.get(name) ?? nothingKept()
      if (upTo >= document.first + document.updates.length) throw new RangeError(`${name} has no record ${upTo}`)
      if (upTo < document.first) return
      document.updates.splice(0, upTo - document.first + 1, update)
      document.first = upTo
      document.rest = rest.map(part => part.slice())
      document.facts = structuredClone(facts) ?? null
      if (scrub && document.owed !== null && document.owed <= upTo) document.owed = null
      if (lineage !== undefined) document.lineage = structuredClone(lineage)
    })
  }

  async records(name: DocumentName, upTo: number): Promise<Uint8Array[]> {
    this.#mustBeOpen()
    await this.#inLine
    const document = this.disk.documents.get(name) ?? nothingKept()
    return withRest(document, document.updates.slice(0, Math.max(1, upTo - document.first + 1))).map(update => update.slice())
  }

  async owedScrubs(): Promise<DocumentName[]> {
    this.#mustBeOpen()
    return [...this.disk.documents].filter(([, { owed }]) => owed !== null).map(([name]) => name)
  }

  erase(name: DocumentName): Promise<void> {
    return this.#write(name, () => { this.disk.documents.delete(name) }, true)
  }

  async list(prefix: string): Promise<DocumentName[]> {
    this.#mustBeOpen()
    const names = [...this.disk.documents.keys()].filter(name => name.startsWith(prefix))
    return names.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))
  }

  async ledger(name: DocumentName, ids: readonly RequestId[]): Promise<Map<RequestId, LedgerEntry>> {
    this.#mustBeOpen()
    const entries = this.disk.documents.get(name)?.ledger
    return new Map(ids.flatMap((id) => {
      const entry = entries?.get(id)
      return entry === undefined ? [] : [[id, entry]]
    }))
  }

  async newestTaken(name: DocumentName, most: number): Promise<RequestId[]> {
    this.#mustBeOpen()
    return [...this.disk.documents.get(name)?.ledger.keys() ?? []].sort().reverse().slice(0, most)
  }

  async events(name: DocumentName, after: number, limit: number): Promise<{ sequence: number, events: StoredEvent[] }[]> {
    this.#mustBeOpen()
    return [...this.disk.documents.get(name)?.events ?? []]
      .filter(([sequence]) => sequence > after)
      .slice(0, limit)
      .map(([sequence, events]) => ({ sequence, events: structuredClone(events) }))
  }

  async summaries(names: readonly DocumentName[]): Promise<Map<DocumentName, ConversationSummary>> {
    this.#mustBeOpen()
    return new Map(names.flatMap((name) => {
      const summary = this.disk.documents.get(name)?.summary ?? null
      return summary === null ? [] : [[name, { ...summary }]]
    }))
  }

  async openRuns(): Promise<{ name: DocumentName, runId: RunId }[]> {
    this.#mustBeOpen()
    return [...this.disk.documents].flatMap(([name, { runs }]) => [...runs].map(runId => ({ name, runId })))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#inLine
    this.disk.clean = true
  }

  #write<T>(name: DocumentName, change: () => T, evenStale = false): Promise<T> {
    if (this.#closed) return Promise.reject(new SkeinError('unavailable'))
    if (this.#stale.has(name) && !evenStale) return Promise.reject(new SkeinError('not-saved'))
    this.#used.add(name)
    const term = this.#term
    const written = this.#inLine.then(() => {
      if (term !== this.#term) throw new SkeinError('not-saved')
      const failure = this.#failure
      this.#failure = null
      if (failure === null) return change()
      if (failure === 'after') change()
      this.#fail()
      throw new SkeinError('not-saved', undefined, { cause: new Error(`made to fail ${failure} the write`) })
    })
    this.#inLine = written.catch(() => undefined)
    return written
  }

  #fail(): void {
    this.#term++
    this.disk.generation++
    for (const name of this.#used) this.#stale.add(name)
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new SkeinError('unavailable')
  }
}
