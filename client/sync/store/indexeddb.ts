/**
 * What one user keeps on this device, in IndexedDB: a database per document and generation, and a small one beside them. Several tabs
 * may have the same ones open: each write is one transaction, and none takes back what another tab wrote.
 */
import { databaseName } from './document-database.ts'
import { Generation } from './generation.ts'
import { readGlance } from './glance.ts'
import { keptGenerationsOf, scrubKept } from './kept-generations.ts'
import type { ListStorage } from './list-cache.ts'
import { checkFence, FencedError } from './fence.ts'
import { currentGeneration, drawFence, keepGeneration, noteEpoch, readGeneration, readGenerations } from './side-database.ts'
import type { GenerationRecord, SideWrite } from './side-database.ts'
import { SideStore } from './side-store.ts'
import { storageProblem } from './storage-problem.ts'
import { readUnsentDrafts } from './unconfirmed.ts'
import type { Glance, Latest } from '../latest.ts'
import { realSurroundings } from '../port.ts'
import type { After, DocumentStore, KeptGenerations, OpenStore, StoredDocument } from '../port.ts'
import type { UnsentDraft } from '../unsent-drafts.ts'
import type { OutboxEntry } from '../view.ts'
import { uuidFromDigest } from '../../../shared/ids.ts'
import type { DocumentName, RandomBytes } from '../../../shared/ids.ts'
import type { Role } from '../../../shared/wire/frame.ts'

export interface DeviceStoreOptions {
  /** Whose: nothing of one user is ever read as another. */
  userId: string
  random?: RandomBytes
  after?: After
  /** Stored updates at which a document's database is compacted; y-indexeddb's number by default. */
  compactAt?: number
}

export interface DeviceStore {
  /** The store of one document; its database is opened when it is first used. */
  document: OpenStore
  /** What is shown of a document before it is read; a store of it reads after that. Null: nothing. Never rejects. */
  glance: (name: DocumentName) => Promise<Glance | null>
  lists: ListStorage
  /** Whether this device has the document. Rejects when the storage cannot be read. */
  has: (name: DocumentName) => Promise<boolean>
  /** Name of each document that this device has → which of its lives is the current one; a rebuilt document has another. */
  generations: () => Promise<Map<string, string>>
  /** Requests that no server has accepted, by document name; none where the storage cannot be read. */
  unsent: () => Promise<Map<string, OutboxEntry[]>>
  /** What was typed into shared drafts and no server has confirmed, by document name; none where the storage cannot be read. */
  unsentDrafts: () => Promise<Map<string, UnsentDraft[]>>
  /** Close the documents' stores first. */
  close: () => Promise<void>
}

const COMPACT_AT = 500

export const openDeviceStore = (options: DeviceStoreOptions): DeviceStore => {
  const filled = { random: realSurroundings.random, after: realSurroundings.after, compactAt: COMPACT_AT, ...options }
  const side = new SideStore(options.userId, filled.after)
  const before = new Map<DocumentName, Promise<unknown>>()
  void side.removeOld()
  return {
    document: name => new IndexedDbStore(name, side, filled, before),
    glance: name => {
      const earlier = before.get(name) ?? Promise.resolve()
      const glance = earlier.then(() => readGlance(side, options.userId, name))
      before.set(name, glance)
      return glance
    },
    lists: side.lists,
    has: async name => await readGeneration(await side.open(), name) !== null,
    generations: async () => readGenerations(await side.open()),
    unsent: () => side.readAll(),
    unsentDrafts: () => readUnsentDrafts(options.userId, side),
    close: () => side.close()
  }
}

class IndexedDbStore implements DocumentStore {
  readonly kept: KeptGenerations
  readonly #name: DocumentName
  readonly #side: SideStore
  readonly #options: Required<DeviceStoreOptions>
  readonly #watchers = new Set<(problem: string | null) => void>()
  readonly #problems: { document: string | null, outbox: string | null } = { document: null, outbox: null }
  readonly #unwatchSide: () => void
  /** What a store that is opened waits for: another of this page that still writes its last, or what is shown first. */
  readonly #before: Map<DocumentName, Promise<unknown>>
  #generation: Generation
  #record: GenerationRecord | null = null
  /** Name of a generation that could not be begun yet: it is tried again, and meanwhile there is nothing to read. */
  #toCome: string | null = null
  /** Generations that were left and into which something may still have to be written. */
  readonly #left = new Set<Generation>()
  /** That was tried. */
  #leaving: Promise<void> = Promise.resolve()
  #sideProblem: unknown = null
  /** The number drawn, once it is; null: none. */
  #fence: number | null = null
  #lost: (() => void) | null = null

  constructor(name: DocumentName, side: SideStore, options: Required<DeviceStoreOptions>, before: Map<DocumentName, Promise<unknown>>) {
    this.#name = name
    this.#side = side
    this.#options = options
    this.#before = before
    this.kept = keptGenerationsOf(name, options.userId, side)
    this.#unwatchSide = side.watch(error => {
      this.#sideProblem = error
      this.#report('outbox', error)
    })
    this.#generation = this.#begin(() => this.#currentRecord())
  }

  claim(lost: () => void): void {
    this.#lost = lost
  }

  async load(): Promise<StoredDocument> {
    await Promise.all([this.#before.get(this.#name), this.#leaving])
    if (this.#toCome !== null) return this.#unread(this.#toCome)
    try {
      const content = await this.#generation.read()
      // After the number was drawn: nobody else writes it any more.
      const noted = await this.#side.readOutbox(this.#name)
      return { ...content, ...noted, generation: this.#record?.generation ?? this.#freshName() }
    } catch (error) {
      this.#generation.bar(error)
      return this.#unread(this.#freshName())
    }
  }

  append(update: Uint8Array, own = false): Promise<void> {
    return this.#generation.write({ type: 'update', update, own })
  }

  markSaved(): Promise<void> {
    return this.#generation.write({ type: 'saved' })
  }

  async setEpoch(epoch: string, role: Role): Promise<void> {
    await this.#generation.write({ type: 'epoch', epoch, role })
    const record = this.#record
    if (!record || record.epoch === epoch) return
    try {
      await noteEpoch(await this.#side.open(), this.#name, record.generation, epoch)
      record.epoch = epoch
    } catch {
      return // Only other tabs need it, when they rebuild; noted at the next connection.
    }
  }

  noteWriter(clientId: number): Promise<void> {
    return this.#generation.write({ type: 'writer', clientId })
  }

  putOutbox(entry: OutboxEntry): Promise<void> {
    return this.#write({ type: 'put', name: this.#name, fence: this.#fence, entry })
  }

  deleteOutbox(id: string): Promise<void> {
    return this.#write({ type: 'delete', name: this.#name, fence: this.#fence, id })
  }

  keepLatest(latest: Latest): Promise<void> {
    return this.#generation.write({ type: 'latest', latest })
  }

  async scrub(redacted: readonly string[]): Promise<void> {
    const scrubbed = this.#generation.write({ type: 'scrub' })
    await Promise.all([scrubbed, scrubKept(this.#name, this.#options.userId, this.#side, redacted)])
  }

  async rebuild(epoch: string | null, keepOld: boolean): Promise<void> {
    const left = this.#generation
    const step = { from: this.#record?.generation ?? null, fresh: this.#freshName(), epoch, keepOld: keepOld || left.isUnread }
    let begun: GenerationRecord | null = null
    const generation = this.#begin(() => begun ? Promise.resolve(begun) : Promise.reject(this.#sideProblem))
    this.#generation = generation
    this.#record = null
    this.#toCome = step.fresh
    const moved = this.#write({
      type: 'rebuild',
      name: this.#name,
      fence: this.#fence,
      rebuild: step,
      moved: record => {
        begun = record
        if (generation === this.#generation) this.#toCome = null
      }
    })
    const closed = keepOld ? left.finish() : left.close()
    this.#leaving = keepOld ? Promise.race([closed, left.tryAgain()]) : closed
    this.#left.add(left)
    void moved.then(() => generation.tryAgain())
    void Promise.all([moved, closed]).then(() => {
      this.#left.delete(left)
      return this.#side.removeOld()
    })
    await Promise.race([moved, this.#side.flush()])
  }

  watch(listener: (problem: string | null) => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  close(): Promise<void> {
    const closed = this.#close()
    this.#before.set(this.#name, closed)
    return closed
  }

  async #close(): Promise<void> {
    await Promise.all([this.#generation, ...this.#left].map(generation => generation.close()))
    await this.#side.flush()
    this.#unwatchSide()
  }

  #begin(record: () => Promise<GenerationRecord>): Generation {
    const { after, compactAt, userId } = this.#options
    let another: GenerationRecord | null = null
    /** It was left, and what was still to be written into it is kept by itself. */
    let apart: string | null = null
    const generation: Generation = new Generation({
      database: async () => {
        if (apart !== null) return databaseName(userId, this.#name, apart)
        const found = another ?? await record()
        if (generation === this.#generation) this.#record = found
        return databaseName(userId, this.#name, found.generation)
      },
      fence: () => this.#fence,
      another: async (epoch, keepOld) => {
        if (generation !== this.#generation) {
          apart = await keepGeneration(await this.#side.open(), this.#name, this.#freshName())
          return
        }
        const stored = await this.#side.write({
          type: 'rebuild',
          name: this.#name,
          fence: this.#fence,
          rebuild: { from: this.#record?.generation ?? null, fresh: this.#freshName(), epoch, keepOld },
          moved: moved => { another = moved }
        })
        // Not for ever: whoever closes the generation waits for the write that asked for this.
        if (!stored) throw new FencedError()
      },
      compactAt,
      after,
      onProblem: error => {
        if (error instanceof FencedError) this.#lost?.()
        else if (generation === this.#generation) this.#report('document', error)
      }
    })
    return generation
  }

  /** Draws a number with the first look, and no other: what was read belongs to it. */
  async #currentRecord(): Promise<GenerationRecord> {
    const db = await this.#side.open()
    if (!this.#lost || this.#fence !== null) {
      const found = await currentGeneration(db, this.#name, this.#freshName())
      // It may have moved on to a generation that it has not claimed yet.
      checkFence(found.fence, this.#fence)
      return found
    }
    const record = await drawFence(db, this.#name, this.#freshName())
    this.#fence = record.fence
    return record
  }

  async #write(write: SideWrite): Promise<void> {
    if (await this.#side.write(write)) return
    this.#lost?.()
    await new Promise(() => {})
  }

  async #unread(generation: string): Promise<StoredDocument> {
    const noted = await this.#side.readOutbox(this.#name).catch(() => ({ outbox: [] }))
    return { generation, updates: [], epoch: null, role: null, ...noted }
  }

  #report(part: 'document' | 'outbox', error: unknown): void {
    this.#problems[part] = storageProblem(error)
    for (const watcher of this.#watchers) watcher(this.#problems.outbox ?? this.#problems.document)
  }

  #freshName(): string {
    return uuidFromDigest(this.#options.random(new Uint8Array(16)))
  }
}
