/**
 * One document on this device: read from the local store, kept there with every change, and in sync with the server while there is a
 * connection. When the server's document turns out to be of another lineage (epoch), the local copy is never merged with it: a new
 * document begins. Put together here of its parts: what is shown (local-copy.ts), from one beginning to the next (generations.ts), the
 * server (server-link.ts), the other tabs (document-among-tabs.ts), and what is known besides (document-status.ts).
 */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { DocumentAmongTabs } from './document-among-tabs.ts'
import { noHooks } from './document-options.ts'
import type { DocumentHooks, DocumentOptions } from './document-options.ts'
import { DocumentStatus } from './document-status.ts'
import { Generations } from './generations.ts'
import { readKept } from './kept-version.ts'
import type { KeptVersion } from './kept-version.ts'
import { LocalCopy } from './local-copy.ts'
import { realSurroundings } from './port.ts'
import type { DocumentStore, Surroundings } from './port.ts'
import { ServerLink } from './server-link.ts'
import { createSignal } from './signal.ts'
import type { Signal } from './signal.ts'
import { FROM_STORE } from './stored-updates.ts'
import type { TabSession } from './tabs/session.ts'
import { FROM_TAB } from './tabs/shared-document.ts'
import type { ConnectionState } from './view.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Hello, Role } from '../../shared/wire/frame.ts'

export class SyncedDocument {
  readonly name: DocumentName
  /** The local store is read; the document can be shown and edited, connected or not. Never rejects. */
  readonly ready: Promise<void>
  /** It was closed, and everything is let go of. */
  readonly closed: Promise<void>
  readonly surroundings: Surroundings
  readonly #hooks: DocumentHooks
  readonly #store: DocumentStore
  readonly #tabs: TabSession | null
  readonly #signal: Signal
  readonly #copy: LocalCopy
  readonly #status: DocumentStatus
  readonly #server: ServerLink
  readonly #generations: Generations
  readonly #unwatch: () => void
  readonly #ready = Promise.withResolvers<void>()
  readonly #whenClosed = Promise.withResolvers<void>()
  /** The latest write into the store. */
  #stored: Promise<void> = Promise.resolve()

  constructor(options: DocumentOptions, hooks: DocumentHooks = noHooks) {
    const { name, store, tabs = null } = options
    this.name = name
    this.surroundings = { ...realSurroundings, ...withoutUndefined(options) }
    this.#hooks = hooks
    this.#store = store
    this.#tabs = tabs
    this.ready = this.#ready.promise
    this.closed = this.#whenClosed.promise
    this.#signal = createSignal(this.surroundings.schedule)
    const touch = (): void => this.touch()
    const copy = new LocalCopy(store, {
      updated: (update, origin) => this.#keep(update, origin),
      presence: (awareness, clients, own) => tabs?.presenceChanged(awareness, clients, own),
      changed: touch,
      replaced: () => {
        status.note({ synced: false })
        hooks.replaced()
      }
    })
    const status: DocumentStatus = new DocumentStatus({
      connection: () => server.connection,
      hasUnconfirmed: () => tabs?.store.hasUnconfirmed ?? false,
      isEmpty: () => copy.isEmpty,
      changed: touch
    })
    const generations = new Generations({
      store, copy, status, hooks,
      begun: (epoch, unsent) => server.begin({ doc: copy.doc, awareness: copy.awareness, epoch, unsent }),
      ended: () => server.end(),
      renewed: () => tabs?.renewed(),
      shown: () => this.#ready.resolve(),
      touch
    })
    const server: ServerLink = new ServerLink({
      ...options,
      surroundings: this.surroundings,
      status, hooks,
      confirmed: () => generations.confirmed(),
      beginAnew: epoch => generations.beginAnew(epoch),
      touch
    })
    this.#copy = copy
    this.#status = status
    this.#generations = generations
    this.#server = server
    this.#unwatch = store.watch(storageProblem => {
      if (storageProblem !== null) server.connection?.release()
      status.know({ storageProblem })
    })
    if (tabs) tabs.start(new DocumentAmongTabs({ copy, generations, status, outbox: hooks.outbox, connect: () => this.connect() }))
    else void generations.own()
  }

  /** Replaced by another one when the server's lineage changes; do not keep it. */
  get doc(): Y.Doc {
    return this.#copy.doc
  }

  /** Belongs to {@link doc} and is replaced with it; set the own state by {@link setPresence}. */
  get awareness(): Awareness {
    return this.#copy.awareness
  }

  get connection(): ConnectionState {
    return this.#status.connection
  }

  get loaded(): boolean {
    return this.#generations.isLoaded
  }

  /** The document is that of the store: it was read, and no other one is about to take its place. */
  get isStored(): boolean {
    return this.#generations.isStored
  }

  /** The document holds what the server had when this connection began, or an earlier one of this page. */
  get synced(): boolean {
    return this.#status.known.synced
  }

  /** Some edits of this device are not on the server's disk, or may not be. */
  get hasUnsaved(): boolean {
    return this.#status.hasUnsaved
  }

  get role(): Role | null {
    return this.#status.known.role
  }

  /** What the server said when the latest connection began. */
  get hello(): Hello | null {
    return this.#status.known.hello
  }

  get closedBy(): { code: number, reason: string } | null {
    return this.#status.known.closedBy
  }

  /** What the server said when the connection ended that is being tried again; null: nothing, or there is one. */
  get interruption(): string | null {
    return this.#status.known.interruption
  }

  /** The document was deleted, or is no longer this person's: nothing of it can be sent. Null: it is there. */
  get forgotten(): 'gone' | 'no-longer-member' | null {
    return this.#status.forgotten
  }

  get storageProblem(): string | null {
    return this.#status.known.storageProblem
  }

  /** Called once per tick (or frame, by the given scheduler) after anything changed: content, presence, connection, storage. */
  subscribe(listener: () => void): () => void {
    return this.#signal.subscribe(listener)
  }

  /** Something that is built on this document changed. */
  touch(): void {
    this.#hooks.changed()
    this.#signal.changed()
    this.#tabs?.touched()
  }

  /** Sets fields of what others see of this connection while it lasts. */
  setPresence(fields: Record<string, unknown>): void {
    this.#copy.setPresence(fields)
  }

  connect(): void {
    if (!this.#tabs?.askToConnect()) this.#status.note({ closedBy: null })
    this.#server.connect()
    this.touch()
  }

  disconnect(): void {
    this.#server.disconnect()
  }

  /** Disconnects, writes what is still queued for the local store, and lets go of everything. */
  async close(): Promise<void> {
    if (this.#generations.isClosed) return this.closed
    this.#generations.close()
    this.#server.end()
    this.#signal.clear()
    this.#copy.destroy()
    await this.#tabs?.leave()
    await this.#store.close()
    this.#ready.resolve()
    this.#unwatch()
    this.#whenClosed.resolve()
  }

  /** What is put into the document from now on leaves this device when this is noted there, or cannot be. */
  holdUntil(noted: Promise<unknown>): void {
    if (this.storageProblem === null) this.#server.connection?.hold(noted)
  }

  /** What was written into the document until now is in the device's store. */
  stored(): Promise<void> {
    return this.#stored
  }

  /**
   * Earlier lives of this document that the device left, because the server began anew, with edits that no server had confirmed. They
   * stay on the device, apart from the document, until {@link letGo}. Empty where the store cannot be read.
   */
  async keptVersions(): Promise<KeptVersion[]> {
    return readKept(await this.#store.kept?.list().catch(() => []) ?? [])
  }

  /** Removes an earlier version from the device for good. */
  async letGo(id: string): Promise<void> {
    await this.#store.kept?.remove(id)
  }

  #keep(update: Uint8Array, origin: unknown): void {
    const { connection } = this.#server
    const own = origin !== FROM_STORE && !connection?.isOrigin(origin)
    if (own) this.#generations.wrote()
    if (origin === FROM_TAB && connection) this.#hooks.outbox.takeIn()
    if (origin !== FROM_STORE && origin !== FROM_TAB) this.#stored = this.#store.append(update, own)
    this.#tabs?.updated(update)
    this.touch()
  }
}

/** Opens a document without a schema of ours: an artifact, a home. */
export const openDocument = (options: DocumentOptions): SyncedDocument => new SyncedDocument(options)

const withoutUndefined = ({ now, random, after, schedule }: Partial<Surroundings>): Partial<Surroundings> =>
  Object.fromEntries(Object.entries({ now, random, after, schedule }).filter(([, value]) => value !== undefined))
