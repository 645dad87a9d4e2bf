/**
 * The store of a document that several tabs share, as one of them sees it: the owner's writes go to the device's store, a follower's to
 * the owner. Every write is kept until it is known to be stored, and handed to the next owner, or written here, when the owner that had
 * it is gone: doing it twice is harmless, for updates merge and outbox entries go by their ids.
 */
import type { TabWrite } from './message.ts'
import type { Latest } from '../latest.ts'
import type { DocumentStore, KeptGenerations, StoredDocument } from '../port.ts'
import type { OutboxEntry } from '../view.ts'
import type { Role } from '../../../shared/wire/frame.ts'

interface Unconfirmed {
  write: TabWrite
  done: () => void
}

/** Hands a write to the owner, who confirms it by its number. */
export type HandIn = (number: number, write: TabWrite) => void

/** All that the tab's document holds of this generation, and under which client id it writes; null when it is of another. */
export type Held = (generation: string) => { update: Uint8Array, writer: number } | null

type Place =
  /** There is no owner; what is written waits. */
  | { at: 'nowhere' }
  | { at: 'owner', handIn: HandIn }
  /** This tab owns. */
  | { at: 'here', store: DocumentStore, loaded: boolean, unwatch: () => void }

export class SharedStore implements DocumentStore {
  readonly #open: () => DocumentStore
  readonly #watchers = new Set<(problem: string | null) => void>()
  readonly #unconfirmed = new Map<number, Unconfirmed>()
  #place: Place = { at: 'nowhere' }
  #generation: string | null = null
  #numbers = 0
  #onConfirmed: () => void = () => {}
  #onLost: () => void = () => {}
  #held: Held = () => null

  /** @param open makes the device's store of this document; called each time this tab begins to own, and to read as a follower */
  constructor(open: () => DocumentStore) {
    this.#open = open
  }

  get hasUnconfirmed(): boolean {
    return this.#unconfirmed.size > 0
  }

  /** Calls back each time the last write that was not confirmed is. */
  set onConfirmed(listener: () => void) {
    this.#onConfirmed = listener
  }

  /** Calls back when another tab has come to own the store, although this one took itself for the owner. */
  set onLost(listener: () => void) {
    this.#onLost = listener
  }

  set held(held: Held) {
    this.#held = held
  }

  // --- The tab's role --------------------------------------------------------------------------------------------------------------

  /** This tab owns from now on; what is not confirmed is written once {@link load} has read what the last owner left. */
  own(): void {
    this.#leavePlace()
    const store = this.#open()
    store.claim?.(() => {
      if (this.#place.at === 'here' && this.#place.store === store) this.#onLost()
    })
    const unwatch = store.watch(problem => {
      for (const watcher of this.#watchers) watcher(problem)
    })
    this.#place = { at: 'here', store, loaded: false, unwatch }
  }

  /** An owner answered: it gets what is not confirmed, and all that follows. */
  follow(generation: string, handIn: HandIn): void {
    this.#leavePlace()
    this.#place = { at: 'owner', handIn }
    this.settleOn(generation)
    this.#redeliver()
  }

  /** No longer writes here; the rest waits for the next owner. */
  letGo(): void {
    this.#leavePlace()
  }

  /** The owner has stored it. */
  confirm(number: number): void {
    const unconfirmed = this.#unconfirmed.get(number)
    if (!unconfirmed) return
    this.#unconfirmed.delete(number)
    unconfirmed.done()
    if (this.#unconfirmed.size === 0) this.#onConfirmed()
  }

  /**
   * As the last thing: writes what is not written, and lets go of the store.
   * @param missingIn what the document has and the store lacks: edits of others, on which the tab's own build
   * @returns whether that was tried; false when the tab ceased to own meanwhile
   */
  async writeOut(missingIn: (stored: StoredDocument) => Uint8Array | null): Promise<boolean> {
    if (this.#place.at !== 'here') this.own()
    const place = this.#place
    if (place.at !== 'here') return false
    if (!place.loaded) {
      const missing = missingIn(await this.load())
      if (missing && this.#place === place) void place.store.append(missing, true)
    }
    await place.store.close()
    if (this.#place !== place) return false
    this.#leavePlace()
    return true
  }

  // --- The store -------------------------------------------------------------------------------------------------------------------

  /** As a follower: what the device holds, without any claim to write it. */
  async load(): Promise<StoredDocument> {
    const place = this.#place
    if (place.at !== 'here') return this.#glance()
    const stored = await place.store.load()
    if (this.#place !== place) return stored
    place.loaded = true
    if (stored.generation !== undefined) this.settleOn(stored.generation)
    this.#redeliver()
    return stored
  }

  append(update: Uint8Array, own = false): Promise<void> {
    return this.#write({ type: 'update', generation: this.#generation, update, own })
  }

  /** Only an owner hears what the server confirms. */
  async markSaved(): Promise<void> {
    if (this.#place.at === 'here') await this.#place.store.markSaved?.()
  }

  noteWriter(clientId: number): Promise<void> {
    return this.#write({ type: 'writer', clientId })
  }

  putOutbox(entry: OutboxEntry): Promise<void> {
    return this.#write({ type: 'put', entry })
  }

  deleteOutbox(id: string): Promise<void> {
    return this.#write({ type: 'delete', id })
  }

  /** Only an owner meets the server; that of the past has nothing to say any more. */
  async setEpoch(epoch: string, role: Role): Promise<void> {
    if (this.#place.at === 'here') await this.#place.store.setEpoch(epoch, role)
  }

  /** Only an owner keeps the end of the conversation; who takes over writes it anew. */
  async keepLatest(latest: Latest): Promise<void> {
    if (this.#place.at === 'here') await this.#place.store.keepLatest?.(latest)
  }

  async scrub(redacted: readonly string[]): Promise<void> {
    if (this.#place.at === 'here') await this.#place.store.scrub?.(redacted)
  }

  async rebuild(epoch: string | null, keepOld: boolean): Promise<void> {
    if (this.#place.at === 'here') await this.#place.store.rebuild(epoch, keepOld)
  }

  /** Kept generations are nobody's: every tab may read them and let them go. */
  readonly kept: KeptGenerations = {
    list: () => this.#withKept(kept => kept.list(), []),
    add: (generation, update, writer) => this.#write({ type: 'kept', generation, update, writer }),
    remove: generation => this.#withKept(kept => kept.remove(generation), undefined)
  }

  watch(listener: (problem: string | null) => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  /** The store is let go of with the tab's role. */
  close(): Promise<void> {
    return Promise.resolve()
  }

  async #glance(): Promise<StoredDocument> {
    const store = this.#open()
    const stored = await store.load()
    await store.close()
    this.#generation ??= stored.generation ?? null
    return stored
  }

  async #withKept<T>(use: (kept: KeptGenerations) => Promise<T>, otherwise: T): Promise<T> {
    const store = this.#open()
    try {
      return store.kept ? await use(store.kept) : otherwise
    } finally {
      await store.close()
    }
  }

  #write(write: TabWrite): Promise<void> {
    return new Promise(done => {
      const number = ++this.#numbers
      this.#unconfirmed.set(number, { write, done })
      this.#deliver(number, write)
    })
  }

  #redeliver(): void {
    for (const [number, { write }] of [...this.#unconfirmed]) this.#deliver(number, write)
  }

  #deliver(number: number, write: TabWrite): void {
    const place = this.#place
    if (place.at === 'owner') place.handIn(number, write)
    if (place.at !== 'here' || !place.loaded) return
    // What completes when this tab no longer owns may have come after the next owner read the store: that one has to hear of it.
    void writeInto(place.store, write).then(() => {
      if (this.#place === place) this.confirm(number)
    })
  }

  /**
   * The document is of this generation now. What was written into an earlier one is never merged into it: it is kept, with all that it
   * builds on, while the tab's document still is of that one.
   */
  settleOn(generation: string): void {
    this.#generation = generation
    const left = new Set<string>()
    for (const [number, { write, done }] of [...this.#unconfirmed]) {
      if (write.type !== 'update') continue
      if (write.generation === null) this.#unconfirmed.set(number, { write: { ...write, generation }, done })
      else if (write.generation !== generation) {
        const held = left.has(write.generation) ? null : this.#held(write.generation)
        if (!held) {
          // It is in what the first one became, or its document is gone: an earlier settling kept that.
          this.confirm(number)
          continue
        }
        left.add(write.generation)
        this.#unconfirmed.set(number, { write: { type: 'kept', generation: write.generation, ...held }, done })
      }
    }
  }

  #leavePlace(): void {
    const place = this.#place
    this.#place = { at: 'nowhere' }
    if (place.at !== 'here') return
    place.unwatch()
    for (const watcher of this.#watchers) watcher(null)
    void place.store.close()
  }
}

const writeInto = (store: DocumentStore, write: TabWrite): Promise<void> => {
  switch (write.type) {
    case 'update':
      return store.append(write.update, write.own)
    case 'kept':
      return store.kept?.add(write.generation, write.update, write.writer) ?? Promise.resolve()
    case 'writer':
      return store.noteWriter?.(write.clientId) ?? Promise.resolve()
    case 'put':
      return store.putOutbox(write.entry)
    case 'delete':
      return store.deleteOutbox(write.id)
  }
}
