/**
 * The update log over a virtual disk: appends complete later and in groups, fail before or after they were written, and at a
 * crash what was under way is kept or lost. What is on the platter is the rig's log in memory.
 */
import type { ConversationSummary, StoredEvent } from '../../shared/conversation/event.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName, RequestId, RunId } from '../../shared/ids.ts'
import type { LedgerEntry, LogRecord, Snapshot, StoredDocument, UpdateLog } from '../../server/log/port.ts'
import { openMemoryLog } from '../rig/memory-log.ts'
import type { Kept, MemoryDisk, MemoryLog } from '../rig/memory-log.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { DataFolder } from './data-folder.ts'
import { isWhole, tear, writeOf } from './tail.ts'
import type { Write } from './tail.ts'

export interface DiskWeather {
  /** Usual time of a write (milliseconds). */
  pace: number
  /** Of a group to fail. */
  failures: number
  /** The disk says that something is on it which a crash then takes away, as one does that ignores fsync. */
  lies: boolean
}

/** Groups that a disk which lies may lose. */
const LOSES = 4

/** Told of what reaches the platter. */
export interface PlatterWatch {
  written(name: DocumentName, record: LogRecord): void
  /** By a snapshot that begins another epoch. @param before what the document was until then */
  squashed(name: DocumentName, epoch: string | undefined, before: readonly Uint8Array[], after: Uint8Array): void
  erased(name: DocumentName, before: Kept | undefined): void
}

interface Waiting {
  perform: () => Promise<unknown>
  resolve: (value: unknown) => void
  reject: (error: Error) => void
}

export class VirtualLog implements UpdateLog {
  readonly #data: DataFolder
  readonly #platter: MemoryLog
  readonly #clock: Clock
  readonly #chance: Chance
  readonly #pauses: Chance
  readonly #weather: DiskWeather
  readonly #watch: PlatterWatch
  #queue: Waiting[] = []
  #inFlight: Waiting[] | null = null
  #term = 0
  #dead = false
  /** The platter before each of the latest groups, and what was appended then. */
  readonly #past: { documents: MemoryDisk['documents'], appended: Write[] }[] = []
  readonly #used = new Set<DocumentName>()
  readonly #stale = new Set<DocumentName>()

  constructor(data: DataFolder, clock: Clock, chance: Chance, weather: DiskWeather, watch: PlatterWatch) {
    this.#data = data
    this.#platter = openMemoryLog(data.log)
    const tail = data.tail.splice(0)
    if (isWhole(tail)) for (const { name, record } of tail) void this.#platter.append(name, record)
    this.#clock = clock
    this.#chance = chance
    this.#pauses = chance.stream()
    this.#weather = weather
    this.#watch = watch
  }

  get generation(): number {
    return this.#platter.generation
  }

  get newEpochsSince(): number | undefined {
    return this.#platter.newEpochsSince
  }

  /** Nothing is written and nobody waits for a write. */
  get isIdle(): boolean {
    return this.#inFlight === null
  }

  async read(name: DocumentName): Promise<StoredDocument | null> {
    for (;;) {
      const term = this.#term
      // What was given to the log before is over when this is.
      await this.#submit(() => Promise.resolve(null)).catch(() => null)
      await this.#seek()
      if (term !== this.#term) continue
      this.#stale.delete(name)
      this.#used.add(name)
      return this.#platter.read(name)
    }
  }

  append(name: DocumentName, record: LogRecord): Promise<number> {
    if (this.#stale.has(name)) return Promise.reject(new SkeinError('not-saved'))
    this.#used.add(name)
    const stateVector = record.stateVector()
    const taken = { ...structuredClone({ ...record, stateVector: null }), stateVector: () => stateVector }
    return this.#submit(async () => {
      const sequence = await this.#platter.append(name, taken)
      this.#past.at(-1)?.appended.push(writeOf(name, taken))
      this.#watch.written(name, taken)
      return sequence
    })
  }

  /** As where many write: mostly some time later. */
  beforeWrite(action: () => void): void {
    if (this.#dead) return
    if (this.#pauses.of(0.3)) return action()
    this.#clock.after(this.#pauses.delay(this.#weather.pace, this.#weather.pace * 4), () => { if (!this.#dead) action() })
  }

  compact(name: DocumentName, snapshot: Snapshot): Promise<void> {
    if (this.#stale.has(name)) return Promise.reject(new SkeinError('not-saved'))
    return this.#submit(async () => {
      const { lineage, updates = [] } = this.#platter.disk.documents.get(name) ?? {}
      const before = [...updates]
      await this.#platter.compact(name, snapshot)
      if (snapshot.lineage) this.#watch.squashed(name, lineage?.epoch, before, snapshot.update)
    })
  }

  async records(name: DocumentName, upTo: number): Promise<Uint8Array[]> {
    await this.#submit(() => Promise.resolve(null))
    return this.#platter.records(name, upTo)
  }

  async owedScrubs(): Promise<DocumentName[]> {
    await this.#seek()
    return this.#platter.owedScrubs()
  }

  erase(name: DocumentName): Promise<void> {
    return this.#submit(async () => {
      const before = this.#platter.disk.documents.get(name)
      await this.#platter.erase(name)
      this.#watch.erased(name, before)
    })
  }

  async list(prefix: string): Promise<DocumentName[]> {
    await this.#seek()
    return this.#platter.list(prefix)
  }

  async ledger(name: DocumentName, ids: readonly RequestId[]): Promise<Map<RequestId, LedgerEntry>> {
    await this.#seek()
    return this.#platter.ledger(name, ids)
  }

  async newestTaken(name: DocumentName, most: number): Promise<RequestId[]> {
    await this.#seek()
    return this.#platter.newestTaken(name, most)
  }

  async events(name: DocumentName, after: number, limit: number): Promise<{ sequence: number, events: StoredEvent[] }[]> {
    await this.#seek()
    return this.#platter.events(name, after, limit)
  }

  async summaries(names: readonly DocumentName[]): Promise<Map<DocumentName, ConversationSummary>> {
    await this.#seek()
    return this.#platter.summaries(names)
  }

  async openRuns(): Promise<{ name: DocumentName, runId: RunId }[]> {
    await this.#seek()
    return this.#platter.openRuns()
  }

  async close(): Promise<void> {
    await this.#submit(() => Promise.resolve(null)).catch(() => null)
    if (this.#dead) return
    await this.#platter.close()
  }

  /** The process is gone. The group under way is one batch: all of it is on the platter, or nothing. */
  crash(): void {
    this.#dead = true
    const kept = this.#inFlight !== null && !this.#weather.lies && this.#chance.of(0.5) ? this.#inFlight : []
    for (const { perform } of kept) perform().catch(() => null)
    this.#queue = []
    this.#inFlight = null
    const { documents } = this.#platter.disk
    const past = this.#chance.maybe(this.#past)
    if (!past) return
    documents.clear()
    for (const [name, document] of past.documents) documents.set(name, document)
    this.#data.tail.push(...tear(past.appended, this.#chance))
  }

  async #seek(): Promise<void> {
    await this.#clock.wait(this.#chance.delay(this.#weather.pace >> 1, this.#weather.pace * 4))
    if (this.#dead) await new Promise(() => {})
  }

  #submit<T>(perform: () => Promise<T>): Promise<T> {
    if (this.#dead) return new Promise(() => {})
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ perform, resolve: value => resolve(value as T), reject })
      if (this.#inFlight === null) this.#begin()
    })
  }

  #begin(): void {
    const group = this.#queue
    this.#queue = []
    this.#inFlight = group.length === 0 ? null : group
    if (group.length === 0) return
    const fails = this.#chance.of(this.#weather.failures) ? this.#chance.pick(['before', 'after'] as const) : null
    this.#clock.after(this.#chance.delay(this.#weather.pace, this.#weather.pace * 8), () => void this.#end(group, fails))
  }

  async #end(group: readonly Waiting[], fails: 'before' | 'after' | null): Promise<void> {
    if (this.#dead) return
    // From here on a crash can no longer undo it.
    this.#inFlight = []
    if (fails === 'before') return this.#fail(group)
    if (this.#weather.lies) this.#past.push({ documents: structuredClone(this.#platter.disk.documents), appended: [] })
    if (this.#past.length > LOSES) this.#past.shift()
    // A write that makes no sense (a snapshot of what is not there) fails for itself, as it would have when it was asked for.
    const ends = await Promise.allSettled(group.map(({ perform }) => perform()))
    if (fails === 'after') return this.#fail(group)
    for (const [i, end] of ends.entries()) {
      if (end.status === 'fulfilled') group[i]!.resolve(end.value)
      else group[i]!.reject(end.reason as Error)
    }
    this.#begin()
  }

  /** The outcome is unknown to everybody; what stands behind may build on it, so it fails too. */
  #fail(group: readonly Waiting[]): void {
    const behind = this.#queue
    this.#queue = []
    this.#inFlight = null
    this.#term++
    this.#platter.disk.generation++
    for (const name of this.#used) this.#stale.add(name)
    const error = new SkeinError('not-saved', undefined, { cause: new Error('made to fail') })
    for (const { reject } of [...group, ...behind]) reject(error)
  }
}
