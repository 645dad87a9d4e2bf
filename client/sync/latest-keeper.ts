/**
 * Keeps the end of a conversation in the device's store as the document changes: once per tick or frame, but at once and in one write
 * with the document's own when messages were taken out, and then nothing of those stays in what the store holds.
 */
import type * as Y from 'yjs'
import type { ConversationViews } from './conversation-view.ts'
import type { Latest } from './latest.ts'
import type { DocumentStore } from './port.ts'
import { openRoots } from '../../shared/conversation/document.ts'

export interface LatestKeeperOptions {
  store: DocumentStore
  views: ConversationViews
  /** What the views show is what the store holds: nothing of one life of the document is kept with another one. */
  isStored: () => boolean
}

export class LatestKeeper {
  readonly #options: LatestKeeperOptions
  #doc: Y.Doc | null = null
  #key: readonly unknown[] = []
  /** As the store has it, as JSON; null: that is not known. */
  #kept: string | null = null

  constructor(options: LatestKeeperOptions) {
    this.#options = options
  }

  /** The store holds this. */
  found(latest: Latest): void {
    if (this.#key.length === 0) this.#kept = JSON.stringify(latest)
  }

  /** This tab begins to own the store: another one may have written something else since the first look at it. */
  owned(): void {
    if (this.#key.length > 0) this.#forget()
  }

  /** To be called for each document that takes the place of another, after everything that reads it. */
  attach(doc: Y.Doc): void {
    this.#doc = doc
    this.#forget()
    const { redactions } = openRoots(doc)
    // When all readers have heard of the change.
    doc.on('afterTransaction', ({ changed }: Y.Transaction) => {
      if (![...changed.keys()].some(type => Object.is(type, redactions)) || !this.#options.isStored()) return
      this.keep()
      this.scrub()
    })
  }

  /** Nothing of the messages that were taken out stays on the device. */
  scrub(): void {
    if (!this.#doc || !this.#options.isStored()) return
    void this.#options.store.scrub?.([...openRoots(this.#doc).redactions.keys()])
  }

  keep(): void {
    const { store, views, isStored } = this.#options
    if (!store.keepLatest || !isStored()) return
    const key = views.latestKey
    if (key.every((part, i) => part === this.#key[i])) return
    this.#key = key
    const { latest } = views
    const json = JSON.stringify(latest)
    if (json === this.#kept) return
    this.#kept = json
    void store.keepLatest(latest)
  }

  #forget(): void {
    this.#key = []
    this.#kept = null
  }
}
