/**
 * A document as this page shows it: a `Y.Doc` with its presence, which of the store's generations it is, and how it is read from
 * there. Another generation is another `Y.Doc`: their contents are never merged.
 */
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { DocumentStore, StoredDocument } from './port.ts'
import { applyAll, isEmpty, missingIn } from './stored-updates.ts'

export interface CopyHandlers {
  updated: (update: Uint8Array, origin: unknown) => void
  /** @param own it is this page's presence */
  presence: (awareness: Awareness, clients: number[], own: boolean) => void
  /** Who is here changed. */
  changed: () => void
  /** Another document took the place of the old one. */
  replaced: () => void
}

/** A document that another generation is to take the place of. */
export interface LeftCopy {
  generation: string | null
  /** This page's client id in it. */
  writer: number
  /** @returns what was written into it since it was left, with all of it; null: nothing */
  writtenSince: () => Uint8Array | null
}

/** The generation of a store that does not tell its generations. */
const ONLY = 'only'

export class LocalCopy {
  readonly #store: DocumentStore
  readonly #handlers: CopyHandlers
  #doc = new Y.Doc()
  #awareness = new Awareness(this.#doc)
  #presence: Record<string, unknown> = {}
  #generation: string | null = null

  constructor(store: DocumentStore, handlers: CopyHandlers) {
    this.#store = store
    this.#handlers = handlers
    this.#attach()
  }

  get doc(): Y.Doc {
    return this.#doc
  }

  get awareness(): Awareness {
    return this.#awareness
  }

  /** Of the store's; null before the store was read, and while a new one begins. */
  get generation(): string | null {
    return this.#generation
  }

  get isEmpty(): boolean {
    return isEmpty(this.#doc)
  }

  setPresence(fields: Record<string, unknown>): void {
    this.#presence = { ...this.#presence, ...fields }
    this.#awareness.setLocalState(this.#presence)
  }

  /** The server told others of our leaving when the last connection ended; a higher clock than that makes us seen again. */
  showPresenceAgain(): void {
    for (let time = 0; time < 2; time++) this.#awareness.setLocalState(this.#presence)
  }

  /**
   * Reads the store into the document; when it holds another generation, or `fresh` is set, into a new one. When it holds something else
   * than updates it is set aside. What an earlier owner showed and did not live to store is stored.
   * @returns what is to be shown
   */
  async read(fresh = false): Promise<{ doc: Y.Doc, stored: StoredDocument }> {
    const stored = await this.#store.load()
    const unstored = this.missingIn(stored)
    const target = !fresh && (this.#generation === null || this.#generation === (stored.generation ?? ONLY)) ? this.#doc : new Y.Doc()
    if (applyAll(target, stored.updates)) {
      if (!unstored) return { doc: target, stored }
      void this.#store.append(unstored, true)
      void this.#store.scrub?.([]) // It may say what was taken out.
      return { doc: target, stored: { ...stored, unsaved: true } }
    }
    await this.#store.rebuild(null, true)
    return { doc: new Y.Doc(), stored: { ...await this.#store.load(), updates: [] } }
  }

  /** @returns what the document has and the store lacks; null when nothing, or when the store holds another generation */
  missingIn({ generation = ONLY, updates }: StoredDocument): Uint8Array | null {
    return this.#generation === generation ? missingIn(updates, this.#doc) : null
  }

  show(doc: Y.Doc, generation = ONLY): void {
    if (doc !== this.#doc) this.#take(doc)
    this.#generation = generation
  }

  /** Nothing of the document counts any more. */
  beginEmpty(): void {
    this.#take(new Y.Doc())
  }

  /** Another generation is to begin: what is still written into this document is not reported any more. */
  leave(): LeftCopy {
    const generation = this.#generation
    const doc = this.#doc
    let written = false
    this.#generation = null
    doc.off('update', this.#handlers.updated)
    doc.on('update', () => {
      written = true
    })
    return { generation, writer: doc.clientID, writtenSince: () => written ? Y.encodeStateAsUpdate(doc) : null }
  }

  destroy(): void {
    this.#doc.destroy()
  }

  #take(doc: Y.Doc): void {
    const old = this.#doc
    this.#doc = doc
    this.#awareness = new Awareness(doc)
    this.#attach()
    this.#handlers.replaced()
    old.destroy()
  }

  #attach(): void {
    const awareness = this.#awareness
    awareness.setLocalState(this.#presence)
    this.#doc.on('update', this.#handlers.updated)
    awareness.on('change', this.#handlers.changed)
    awareness.on('update', (changed: Record<'added' | 'updated' | 'removed', number[]>, origin: unknown) =>
      this.#handlers.presence(awareness, Object.values(changed).flat(), origin === 'local'))
  }
}
