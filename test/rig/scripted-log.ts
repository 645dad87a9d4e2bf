/** An update log in memory whose disk does what the test says: for tests of what stands above the log. What it holds is what is durable. */
import type { ConversationSummary, StoredEvent } from '../../shared/conversation/event.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName, RequestId, RunId } from '../../shared/ids.ts'
import type { Binding, LedgerEntry, Lineage, LogRecord, Snapshot, SnapshotFacts, StoredDocument, UpdateLog } from '../../server/log/port.ts'

interface Document {
  lineage: Lineage | null
  updates: { sequence: number, update: Uint8Array }[]
  /** How many of the updates the snapshot lies in. */
  snapshotParts: number
  head: number
  facts: SnapshotFacts | null
  bindings: Map<number, Binding>
  openRuns: Set<RunId>
  ledger: Map<RequestId, LedgerEntry>
  events: { sequence: number, events: StoredEvent[] }[]
  summary: ConversationSummary | null
}

interface Waiting {
  name: DocumentName
  record: LogRecord
  resolve: (sequence: number) => void
}

export class ScriptedLog implements UpdateLog {
  generation = 1
  /** `auto`: appends are durable at once; `hold`: when `release` is called; `fail`: never; `lie`: stored, but reported as failed. */
  disk: 'auto' | 'hold' | 'fail' | 'lie' = 'auto'
  /** What `read` rejects with. */
  damage: Error | null = null
  /** Called with each record as it becomes durable, before the append resolves. */
  onDurable: (name: DocumentName, record: LogRecord) => void = () => {}
  /** Appends that became durable. */
  writes = 0
  readonly #documents: Map<DocumentName, Document>
  /** Documents that must be read again after a failed append before they may be appended to. */
  readonly #stale = new Set<DocumentName>()
  readonly #waiting: Waiting[] = []

  private constructor(documents: Map<DocumentName, Document>) {
    this.#documents = documents
  }

  static empty(): ScriptedLog {
    return new ScriptedLog(new Map())
  }

  /** What the next process finds after this one was killed now: what is durable, under a new generation. */
  afterCrash(): ScriptedLog {
    const log = new ScriptedLog(structuredClone(this.#documents))
    log.generation = this.generation + 1
    return log
  }

  /** Appends that wait for the disk. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Makes the oldest waiting append durable. */
  release(): void {
    const next = this.#waiting.shift()
    if (next) next.resolve(this.#store(next.name, next.record))
  }

  recordCount(name: DocumentName): number {
    return (this.#documents.get(name)?.head ?? -1) + 1
  }

  async read(name: DocumentName): Promise<StoredDocument | null> {
    if (this.damage) throw this.damage
    this.#stale.delete(name)
    const stored = this.#documents.get(name)
    if (!stored) return null
    const { lineage, head, facts, snapshotParts } = stored
    const [updates, bindings, openRuns] = [stored.updates.map(({ update }) => update), [...stored.bindings.values()], [...stored.openRuns]]
    return { lineage, updates, head, facts, bindings, openRuns, ...snapshotParts > 1 && { snapshotParts } }
  }

  append(name: DocumentName, record: LogRecord): Promise<number> {
    const how = this.#stale.has(name) ? 'fail' : this.disk
    if (how === 'hold') return new Promise(resolve => this.#waiting.push({ name, record, resolve }))
    if (how === 'auto') return Promise.resolve().then(() => this.#store(name, record))
    if (how === 'lie') this.#store(name, record)
    this.#stale.add(name)
    this.generation++
    return Promise.reject(new SkeinError('not-saved'))
  }

  async compact(name: DocumentName, { update, rest = [], upTo, lineage, facts }: Snapshot): Promise<void> {
    const stored = this.#documents.get(name)
    if (!stored) return
    const parts = [update, ...rest].map(part => ({ sequence: upTo, update: part }))
    stored.updates = [...parts, ...stored.updates.filter(({ sequence }) => sequence > upTo)]
    stored.snapshotParts = parts.length
    stored.lineage = lineage ?? stored.lineage
    stored.facts = facts ?? null
  }

  async records(name: DocumentName, upTo: number): Promise<Uint8Array[]> {
    return (this.#documents.get(name)?.updates ?? []).filter(({ sequence }) => sequence <= upTo).map(({ update }) => update.slice())
  }

  /** This one has no files. */
  async owedScrubs(): Promise<DocumentName[]> {
    return []
  }

  async erase(name: DocumentName): Promise<void> {
    this.#documents.delete(name)
  }

  async list(prefix: string): Promise<DocumentName[]> {
    return [...this.#documents.keys()].filter(name => name.startsWith(prefix)).sort()
  }

  async ledger(name: DocumentName, ids: readonly RequestId[]): Promise<Map<RequestId, LedgerEntry>> {
    const stored = this.#documents.get(name)
    return new Map(ids.flatMap(id => {
      const entry = stored?.ledger.get(id)
      return entry ? [[id, entry] as const] : []
    }))
  }

  async newestTaken(name: DocumentName, most: number): Promise<RequestId[]> {
    return [...this.#documents.get(name)?.ledger.keys() ?? []].sort().reverse().slice(0, most)
  }

  async events(name: DocumentName, after: number, limit: number): Promise<{ sequence: number, events: StoredEvent[] }[]> {
    return (this.#documents.get(name)?.events ?? []).filter(({ sequence }) => sequence > after).slice(0, limit)
  }

  async summaries(names: readonly DocumentName[]): Promise<Map<DocumentName, ConversationSummary>> {
    return new Map(names.flatMap(name => {
      const summary = this.#documents.get(name)?.summary
      return summary ? [[name, summary] as const] : []
    }))
  }

  async openRuns(): Promise<{ name: DocumentName, runId: RunId }[]> {
    return [...this.#documents].flatMap(([name, { openRuns }]) => [...openRuns].map(runId => ({ name, runId })))
  }

  async close(): Promise<void> {}

  #store(name: DocumentName, record: LogRecord): number {
    const stored = this.#documents.get(name) ?? emptyDocument()
    this.#documents.set(name, stored)
    if (record.joined) stored.updates.pop()
    else stored.head++
    const sequence = stored.head
    stored.updates.push({ sequence, update: record.update })
    stored.lineage = record.lineage ?? stored.lineage
    stored.summary = record.summary ?? stored.summary
    for (const binding of record.bindings) stored.bindings.set(binding.clientId, binding)
    for (const entry of record.ledger) stored.ledger.set(entry.requestId, entry)
    for (const id of record.openedRuns) stored.openRuns.add(id)
    for (const id of record.closedRuns) stored.openRuns.delete(id)
    if (record.events.length > 0) stored.events.push({ sequence, events: record.events })
    this.writes++
    this.onDurable(name, record)
    return sequence
  }
}

const emptyDocument = (): Document => ({
  lineage: null,
  updates: [],
  snapshotParts: 1,
  head: -1,
  facts: null,
  bindings: new Map(),
  openRuns: new Set(),
  ledger: new Map(),
  events: [],
  summary: null
})
