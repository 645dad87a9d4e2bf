/** What tabs share of a document: the part of it that an owner serves and a follower is told. */
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { SharedState, SharedStatus } from './message.ts'
import type { OwnRequest } from '../own-request.ts'
import type { StoredDocument } from '../port.ts'
import type { OutboxEntry } from '../view.ts'

/** Origin of what came from another tab: it is stored elsewhere, or stored by whoever applies it. */
export const FROM_TAB = Symbol('from another tab')

export const applyFromTab = (doc: Y.Doc, update: Uint8Array): void => Y.applyUpdate(doc, update, FROM_TAB)

export interface SharedDocument {
  /** Replaced with the generation. */
  readonly doc: Y.Doc
  readonly awareness: Awareness
  /** Of the store's; null when none is known yet, or a new one begins. */
  readonly generation: string | null
  readonly status: SharedStatus
  readonly outbox: SharedOutbox
  /** Reads the store, writes what it lacks and connects. Resolves when it is read, or when the tab let go meanwhile. */
  own(): Promise<void>
  letGo(): void
  /** @returns what the document has and the store lacks; null when nothing, or when the store holds another generation */
  missingIn(stored: StoredDocument): Uint8Array | null
  /** Shows what the device's store holds, unless something is shown. */
  glance(): Promise<void>
  follow(state: SharedState): void
  followStatus(status: SharedStatus): void
  connect(): void
  /** Another tab had unconfirmed edits in a generation that was left. Resolves when they are stored, or nothing is to be kept. */
  keep(generation: string, update: Uint8Array, writer: number): Promise<void>
}

/** Own requests, the same in all tabs; the owner's are the ones that count. */
export interface SharedOutbox {
  /** The same array until something changes. */
  all(): readonly OwnRequest[]
  /** At a follower: the owner's entries are these; own ones that it has not got yet stay. */
  mirrorAll(entries: readonly OwnRequest[]): void
  mirror(put: readonly OwnRequest[], gone: readonly string[]): void
  /** At the owner, which is about to send it: another tab wrote into the document, and has yet to hand in what it asks for by that. */
  takeIn(): void
  /** At the owner: another tab asks for this. Resolves when it is stored. */
  adopt(entry: OutboxEntry): Promise<void>
  /** At the owner: another tab takes it back. Resolves when the store has forgotten it. */
  forget(id: string): Promise<void>
  /** Client ids under which this person wrote in shared drafts. */
  know(writers: readonly number[]): void
}

/** Of documents without requests. */
export const noOutbox: SharedOutbox = {
  all: () => [],
  mirrorAll: () => {},
  mirror: () => {},
  takeIn: () => {},
  adopt: () => Promise.resolve(),
  forget: () => Promise.resolve(),
  know: () => {}
}
