/**
 * What is known of a document beside its content. The tab that has the connection and the store knows it at first hand; another tab is
 * told by that one.
 */
import type { Connection } from './connection.ts'
import type { SharedStatus } from './tabs/message.ts'
import type { ConnectionState } from './view.ts'

/** Of the connection that the document has, in this tab or another one. */
type Connected = Pick<SharedStatus, 'connection' | 'hasUnsaved'>

/** What the server and the store said last. */
type Known = Omit<SharedStatus, keyof Connected>

export interface StatusSources {
  /** Of this tab; null while it has none. */
  connection: () => Connection | null
  /** Another tab was handed something of this one that it has not confirmed. */
  hasUnconfirmed: () => boolean
  /** Nothing was ever written into the document. */
  isEmpty: () => boolean
  changed: () => void
}

export class DocumentStatus {
  /** The document was deleted, or is no longer this person's, so this device has forgotten what it held. Null: it is there. */
  forgotten: 'gone' | 'no-longer-member' | null = null
  readonly #sources: StatusSources
  #known: Known = { synced: false, role: null, hello: null, closedBy: null, interruption: null, storageProblem: null }
  /** What the tab that has the connection says of it, while this one follows it. */
  #followed: Connected | null = null

  constructor(sources: StatusSources) {
    this.#sources = sources
  }

  get known(): Readonly<Known> {
    return this.#known
  }

  get connection(): ConnectionState {
    return this.#sources.connection()?.state ?? this.#followed?.connection ?? 'offline'
  }

  get hasUnsaved(): boolean {
    const { connection, hasUnconfirmed, isEmpty } = this.#sources
    return connection()?.hasUnsaved ?? (hasUnconfirmed() || (this.#followed?.hasUnsaved ?? !isEmpty()))
  }

  /** For the other tabs. */
  get shared(): SharedStatus {
    return { ...this.#known, connection: this.connection, hasUnsaved: this.hasUnsaved }
  }

  know(news: Partial<Known>): void {
    this.note(news)
    this.#sources.changed()
  }

  /** As {@link know}, where whoever calls it tells of the change with all that belongs to it. */
  note(news: Partial<Known>): void {
    this.#known = { ...this.#known, ...news }
  }

  /** @returns whether it is connected now and was not before */
  follow(owner: Connected): boolean {
    const cameOnline = owner.connection === 'online' && this.#followed?.connection !== 'online'
    this.#followed = owner
    return cameOnline
  }

  /** This tab is to have the connection itself. */
  followNobody(): void {
    this.#followed = null
  }
}
