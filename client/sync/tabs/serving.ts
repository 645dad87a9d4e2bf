/** The owner's side: gives the other tabs the document's state and every change of it, and writes what they hand in. */
import { applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { SharedChange, SharedStatus, TabMessage, TabWrite } from './message.ts'
import type { Reign } from './reign.ts'
import { applyFromTab, FROM_TAB } from './shared-document.ts'
import type { SharedDocument } from './shared-document.ts'
import type { SharedStore } from './shared-store.ts'
import type { OwnRequest } from '../own-request.ts'

export interface ServingOptions {
  reign: Reign
  document: SharedDocument
  store: SharedStore
  post: (message: TabMessage) => void
}

type Attach = Extract<TabMessage, { type: 'attach' }>

export class Serving {
  readonly reign: Reign
  readonly #document: SharedDocument
  readonly #store: SharedStore
  readonly #post: (message: TabMessage) => void
  /** Tabs that asked before the store was read. */
  #waiting: Attach[] | null = []
  #toldStatus: SharedStatus | null = null
  #toldOutbox: readonly OwnRequest[] = []

  constructor({ reign, document, store, post }: ServingOptions) {
    this.reign = reign
    this.#document = document
    this.#store = store
    this.#post = post
  }

  /** The document is as the store has it. */
  ready(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    this.#toldStatus = this.#document.status
    this.#toldOutbox = this.#document.outbox.all()
    for (const attach of waiting) this.#answer(attach)
  }

  /** Another document took the place of the old one: all tabs begin anew with it. */
  renewed(): void {
    if (!this.#waiting) this.#tellState(null, null)
  }

  receive(message: Extract<TabMessage, { type: 'attach' | 'write' | 'presence' | 'connect' }>): void {
    switch (message.type) {
      case 'attach':
        return this.#waiting ? void this.#waiting.push(message) : this.#answer(message)
      case 'write':
        // An edit of another generation stays unconfirmed: its tab keeps it, with what it builds on, when it hears of this one.
        if (message.write.type === 'update' && message.write.generation !== this.#document.generation) return
        return void this.#write(message.write).then(() => this.#post({ type: 'written', to: message.from, number: message.number }))
      case 'presence':
        return applyAwarenessUpdate(this.#document.awareness, message.update, FROM_TAB)
      case 'connect':
        return this.#document.connect()
    }
  }

  updated(update: Uint8Array): void {
    const { generation } = this.#document
    if (generation !== null) this.#tell({ type: 'update', generation, update })
  }

  presenceChanged(update: Uint8Array): void {
    this.#tell({ type: 'presence', update })
  }

  /** Something that is shown changed. */
  touched(): void {
    if (this.#waiting) return
    const { status, outbox } = this.#document
    const all = outbox.all()
    if (!this.#toldStatus || !isSame(status, this.#toldStatus)) {
      this.#toldStatus = status
      this.#tell({ type: 'status', status })
    }
    if (all === this.#toldOutbox) return
    const [before, now] = [new Set(this.#toldOutbox), new Set(all.map(({ id }) => id))]
    const gone = this.#toldOutbox.filter(({ id }) => !now.has(id)).map(({ id }) => id)
    this.#toldOutbox = all
    this.#tell({ type: 'outbox', put: all.filter(entry => !before.has(entry)), gone })
  }

  #tell(change: SharedChange): void {
    if (!this.#waiting) this.#post({ type: 'change', reign: this.reign, change })
  }

  #answer({ from, generation, stateVector }: Attach): void {
    this.#tellState(from, generation === null || generation === this.#document.generation ? stateVector : null)
  }

  /** @param known what the tab has; null: nothing that counts */
  #tellState(to: string | null, known: Uint8Array | null): void {
    const { doc, awareness, generation, status, outbox } = this.#document
    // A new one is on its way; then all are told.
    if (generation === null) return
    this.#post({ type: 'state', reign: this.reign, to, state: {
      generation,
      update: Y.encodeStateAsUpdate(doc, known ?? undefined),
      stateVector: Y.encodeStateVector(doc),
      presence: encodeAwarenessUpdate(awareness, [...awareness.getStates().keys()]),
      status,
      outbox: outbox.all()
    } })
  }

  async #write(write: TabWrite): Promise<void> {
    switch (write.type) {
      case 'update':
        applyFromTab(this.#document.doc, write.update)
        return this.#store.append(write.update, write.own)
      case 'kept':
        return this.#document.keep(write.generation, write.update, write.writer)
      case 'writer':
        this.#document.outbox.know([write.clientId])
        return this.#store.noteWriter(write.clientId)
      case 'put': {
        const { outbox } = this.#document
        await outbox.adopt(write.entry)
        // It was taken back or sealed while its tab was stopped: that one is to let go of it too, else it would bring it back one day.
        if (!outbox.all().some(({ id }) => id === write.entry.id)) this.#tell({ type: 'outbox', put: [], gone: [write.entry.id] })
        return
      }
      case 'delete':
        return this.#document.outbox.forget(write.id)
    }
  }
}

const isSame = (a: SharedStatus, b: SharedStatus): boolean =>
  Object.entries(a).every(([key, value]) => value === b[key as keyof SharedStatus])
