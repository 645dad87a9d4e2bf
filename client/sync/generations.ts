/**
 * A document on this device from one generation to the next: read from the store when this tab begins to own it, and left for an empty
 * one when the server's document is of another lineage. Two generations are never merged. What the left one holds that no server has is
 * kept apart.
 */
import type * as Y from 'yjs'
import type { DocumentHooks } from './document-options.ts'
import type { DocumentStatus } from './document-status.ts'
import type { LeftCopy, LocalCopy } from './local-copy.ts'
import type { DocumentStore, StoredDocument } from './port.ts'
import { applyAll } from './stored-updates.ts'

export interface GenerationsOptions {
  store: DocumentStore
  copy: LocalCopy
  status: DocumentStatus
  hooks: DocumentHooks
  /** This one is shown, and this tab owns it: it may be connected. @param unsent it holds something that the server may lack */
  begun: (epoch: string | null, unsent: boolean) => void
  /** Nothing of this one leaves the tab any more: it is left, or another tab is to own it. */
  ended: () => void
  /** This one took the place of the one that was left: the other tabs follow. */
  renewed: () => void
  /** Something is shown for the first time, or another one is. */
  shown: () => void
  touch: () => void
}

export class Generations {
  readonly #options: GenerationsOptions
  /** Something that was written on this device may not have been confirmed. */
  #isUnsaved = false
  #isLoaded = false
  /** How often this tab began or ceased to own the connection and the store: what began before does not go on. */
  #turn = 0
  #isClosed = false

  constructor(options: GenerationsOptions) {
    this.#options = options
  }

  /** The document can be shown. */
  get isLoaded(): boolean {
    return this.#isLoaded
  }

  /** What is shown is that of the store: no other one is about to take its place. */
  get isStored(): boolean {
    return this.#isLoaded && this.#options.copy.generation !== null
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** This tab begins to own the store. Resolves when it is read, or when the tab let go meanwhile. */
  async own(): Promise<void> {
    const { copy, status, hooks, begun, touch } = this.#options
    const turn = ++this.#turn
    status.followNobody()
    const { doc, stored } = await copy.read()
    if (!this.#isCurrent(turn)) return
    this.#showOwned(doc, stored)
    hooks.loaded(stored.outbox, stored.writers ?? [], stored.gone ?? [])
    begun(stored.epoch, this.#isUnsaved)
    touch()
  }

  /** Another tab is to own the store. */
  letGo(): void {
    const { copy, ended, touch } = this.#options
    this.#turn++
    ended()
    // A new generation was to begin: nothing of the old one counts any more, and the next owner has the new one.
    if (this.#isLoaded && copy.generation === null) copy.beginEmpty()
    touch()
  }

  /** Shows what the store holds, unless something is shown. */
  async glance(): Promise<void> {
    const { copy, store, hooks, touch } = this.#options
    if (copy.generation !== null) return
    const turn = this.#turn
    const stored = await store.load()
    if (!this.#isCurrent(turn) || copy.generation !== null || !applyAll(copy.doc, stored.updates)) return
    this.show(copy.doc, stored)
    hooks.outbox.know(stored.writers ?? [])
    hooks.outbox.mirrorAll(stored.outbox.map(entry => ({ ...entry, accepted: false })))
    touch()
  }

  show(doc: Y.Doc, { generation, role }: Pick<StoredDocument, 'generation' | 'role'>): void {
    const { copy, status, shown } = this.#options
    this.#isLoaded = true
    copy.show(doc, generation)
    status.note({ role: status.known.role ?? role })
    shown()
  }

  /** This device wrote something. */
  wrote(): void {
    this.#isUnsaved = true
  }

  /** The server has all that this device wrote. */
  confirmed(): void {
    if (!this.#isUnsaved) return
    const { store, hooks } = this.#options
    this.#isUnsaved = false
    void store.markSaved?.()
    hooks.saved()
  }

  /** Leaves the document for the server's. @param epoch the server's; null while it is not known */
  beginAnew(epoch: string | null): void {
    const { copy, status, hooks, ended, touch } = this.#options
    const keepOld = hooks.holdsOwn(!status.hasUnsaved)
    ended()
    // What is still written into the old document must not reach the new generation; requests are in the outbox.
    const left = copy.leave()
    touch()
    void this.#replace(epoch, keepOld, left)
  }

  /** Keeps what was written into a generation that was left. */
  async keepLeft(generation: string, update: Uint8Array, writer: number): Promise<void> {
    const { store, hooks } = this.#options
    await store.kept?.add(generation, update, writer)
    hooks.keptMore()
  }

  close(): void {
    this.#isClosed = true
  }

  async #replace(epoch: string | null, keepOld: boolean, left: LeftCopy): Promise<void> {
    const { store, copy, begun, renewed, touch } = this.#options
    const turn = this.#turn
    await store.rebuild(epoch, keepOld)
    const { doc, stored } = await copy.read(true)
    if (!this.#isCurrent(turn)) return
    this.#keepLate(left)
    this.#isUnsaved = false
    this.#showOwned(doc, stored)
    begun(stored.epoch, this.#isUnsaved)
    renewed()
    touch()
  }

  #keepLate(left: LeftCopy): void {
    const { status, hooks } = this.#options
    const late = left.writtenSince()
    if (!late) return
    // Nothing that is said in it stays, so its person's words are taken out of it once more.
    if (status.forgotten) hooks.gone(status.forgotten)
    else if (left.generation !== null && hooks.holdsOwn(false)) void this.keepLeft(left.generation, late, left.writer)
  }

  #showOwned(doc: Y.Doc, stored: StoredDocument): void {
    this.show(doc, stored)
    this.#isUnsaved ||= stored.unsaved ?? !this.#options.copy.isEmpty
  }

  #isCurrent(turn: number): boolean {
    return !this.#isClosed && turn === this.#turn
  }
}
