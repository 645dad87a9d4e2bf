/**
 * One document on this device: read from the local store, kept there with every change, and in sync with the server while there is a
 * connection. When the server's document turns out to be of another lineage (epoch), the local copy is never merged with it: a new
 * document begins.
 */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import { readCloseReason } from './close-reason.ts'
import { Connection } from './connection.ts'
import { noHooks } from './document-options.ts'
import type { DocumentHooks, DocumentOptions } from './document-options.ts'
import { followLineage, startLineage } from './lineage.ts'
import type { LineageEffect, LineageEvent } from './lineage.ts'
import { readKept } from './kept-version.ts'
import type { KeptVersion } from './kept-version.ts'
import { LocalCopy } from './local-copy.ts'
import { realSurroundings } from './port.ts'
import type { DocumentStore, StoredDocument, Surroundings } from './port.ts'
import { createSignal } from './signal.ts'
import type { Signal } from './signal.ts'
import { applyAll, FROM_STORE } from './stored-updates.ts'
import type { SharedState, SharedStatus } from './tabs/message.ts'
import type { TabSession } from './tabs/session.ts'
import { applyFromTab, FROM_TAB } from './tabs/shared-document.ts'
import type { SharedDocument } from './tabs/shared-document.ts'
import type { ConnectionState } from './view.ts'
import { isDrawnName, whyNotFound } from '../../shared/drawn-name.ts'
import { errorTable } from '../../shared/errors.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Control, Hello, Role, RoleChange } from '../../shared/wire/frame.ts'

/** What is known beside the content. */
type Known = Omit<SharedStatus, 'connection' | 'hasUnsaved'>

export class SyncedDocument {
  readonly name: DocumentName
  /** The local store is read; the document can be shown and edited, connected or not. Never rejects. */
  readonly ready: Promise<void>
  /** It was closed, and everything is let go of. */
  readonly closed: Promise<void>
  readonly surroundings: Surroundings
  readonly #options: DocumentOptions
  readonly #hooks: DocumentHooks
  readonly #store: DocumentStore
  readonly #signal: Signal
  readonly #unwatch: () => void
  readonly #tabs: TabSession | null
  readonly #ready = Promise.withResolvers<void>()
  readonly #whenClosed = Promise.withResolvers<void>()
  readonly #copy: LocalCopy
  #connection: Connection | null = null
  /** What the tab that has the connection says of it, while this one follows it. */
  #followed: Pick<SharedStatus, 'connection' | 'hasUnsaved'> | null = null
  #known: Known = { synced: false, role: null, hello: null, closedBy: null, interruption: null, storageProblem: null }
  #lineage = startLineage
  /** Something that was written on this device may not have been confirmed. */
  #unsaved = false
  /** The latest write into the store. */
  #stored: Promise<void> = Promise.resolve()
  /** How often this tab began or ceased to own the connection and the store: what began before does not go on. */
  #turn = 0
  #wantsConnection: boolean
  #loaded = false
  /** Why this device has forgotten what it held. */
  #forgotten: 'gone' | 'no-longer-member' | null = null
  #ended = false

  constructor(options: DocumentOptions, hooks: DocumentHooks = noHooks) {
    this.name = options.name
    this.surroundings = { ...realSurroundings, ...withoutUndefined(options) }
    this.#options = options
    this.#hooks = hooks
    this.#store = options.store
    this.#tabs = options.tabs ?? null
    this.#wantsConnection = options.connect ?? true
    this.#signal = createSignal(this.surroundings.schedule)
    this.#unwatch = this.#store.watch(storageProblem => {
      if (storageProblem !== null) this.#connection?.release()
      this.#know({ storageProblem })
    })
    this.#copy = new LocalCopy(this.#store, {
      updated: (update, origin) => this.#keep(update, origin),
      presence: (awareness, clients, own) => this.#tabs?.presenceChanged(awareness, clients, own),
      changed: () => this.touch(),
      replaced: () => {
        this.#known = { ...this.#known, synced: false }
        this.#hooks.replaced()
      }
    })
    this.ready = this.#ready.promise
    this.closed = this.#whenClosed.promise
    if (this.#tabs) this.#tabs.start(this.#shared())
    else void this.#own()
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
    return this.#connection?.state ?? this.#followed?.connection ?? 'offline'
  }

  get loaded(): boolean {
    return this.#loaded
  }

  /** The document is that of the store: it was read, and no other one is about to take its place. */
  get isStored(): boolean {
    return this.#loaded && this.#copy.generation !== null
  }

  /** The document holds what the server had when this connection began, or an earlier one of this page. */
  get synced(): boolean {
    return this.#known.synced
  }

  /** Some edits of this device are not on the server's disk, or may not be. */
  get hasUnsaved(): boolean {
    return this.#connection?.hasUnsaved ?? (this.#tabs?.store.hasUnconfirmed || (this.#followed?.hasUnsaved ?? !this.#copy.isEmpty))
  }

  get role(): Role | null {
    return this.#known.role
  }

  /** What the server said when the latest connection began. */
  get hello(): Hello | null {
    return this.#known.hello
  }

  get closedBy(): { code: number, reason: string } | null {
    return this.#known.closedBy
  }

  /** What the server said when the connection ended that is being tried again; null: nothing, or there is one. */
  get interruption(): string | null {
    return this.#known.interruption
  }

  /** The document was deleted, or is no longer this person's: nothing of it can be sent. Null: it is there. */
  get forgotten(): 'gone' | 'no-longer-member' | null {
    return this.#forgotten
  }

  get storageProblem(): string | null {
    return this.#known.storageProblem
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
    this.#wantsConnection = true
    if (!this.#tabs?.askToConnect()) this.#known = { ...this.#known, closedBy: null }
    this.#connection?.connect()
    this.touch()
  }

  disconnect(): void {
    this.#wantsConnection = false
    this.#connection?.disconnect()
  }

  /** Disconnects, writes what is still queued for the local store, and lets go of everything. */
  async close(): Promise<void> {
    if (this.#ended) return this.closed
    this.#ended = true
    this.#endConnection()
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
    if (this.storageProblem === null) this.#connection?.hold(noted)
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

  #know(news: Partial<Known>): void {
    this.#known = { ...this.#known, ...news }
    this.touch()
  }

  #keep(update: Uint8Array, origin: unknown): void {
    const own = origin !== FROM_STORE && !this.#connection?.isOrigin(origin)
    if (own) this.#unsaved = true
    if (origin === FROM_TAB && this.#connection) this.#hooks.outbox.takeIn()
    if (origin !== FROM_STORE && origin !== FROM_TAB) this.#stored = this.#store.append(update, own)
    this.#tabs?.updated(update)
    this.touch()
  }

  // --- Roles among the person's tabs; by itself, a page owns from the beginning ------------------------------------------------------

  async #own(): Promise<void> {
    const turn = ++this.#turn
    this.#followed = null
    const { doc, stored } = await this.#copy.read()
    if (this.#ended || turn !== this.#turn) return
    this.#show(doc, stored)
    this.#unsaved ||= stored.unsaved ?? !this.#copy.isEmpty
    this.#hooks.loaded(stored.outbox, stored.writers ?? [], stored.gone ?? [])
    this.#begin(stored)
    this.touch()
  }

  #letGo(): void {
    this.#turn++
    this.#endConnection()
    // A new generation was to begin: nothing of the old one counts any more, and the next owner has the new one.
    if (this.#loaded && this.#copy.generation === null) this.#copy.beginEmpty()
    this.touch()
  }

  async #glance(): Promise<void> {
    if (this.#copy.generation !== null) return
    const turn = this.#turn
    const stored = await this.#store.load()
    if (this.#ended || turn !== this.#turn || this.#copy.generation !== null || !applyAll(this.doc, stored.updates)) return
    this.#show(this.doc, stored)
    this.#hooks.outbox.know(stored.writers ?? [])
    this.#hooks.outbox.mirrorAll(stored.outbox.map(entry => ({ ...entry, accepted: false })))
    this.touch()
  }

  #follow({ generation, update, status, outbox }: SharedState): void {
    if (this.#ended) return
    if (this.#copy.generation !== null && this.#copy.generation !== generation) this.#copy.beginEmpty()
    applyFromTab(this.doc, update)
    this.#show(this.doc, { generation, role: status.role })
    this.#hooks.outbox.mirrorAll(outbox)
    this.#followStatus(status)
  }

  #followStatus({ connection, hasUnsaved, ...known }: SharedStatus): void {
    const cameOnline = connection === 'online' && this.#followed?.connection !== 'online'
    this.#followed = { connection, hasUnsaved }
    if (cameOnline) this.#copy.showPresenceAgain()
    this.#know(known)
  }

  #shared(): SharedDocument {
    const get = {
      doc: () => this.doc,
      awareness: () => this.awareness,
      generation: () => this.#copy.generation,
      status: () => ({ ...this.#known, connection: this.connection, hasUnsaved: this.hasUnsaved })
    }
    return {
      get doc() { return get.doc() },
      get awareness() { return get.awareness() },
      get generation() { return get.generation() },
      get status() { return get.status() },
      outbox: this.#hooks.outbox,
      own: () => this.#own(),
      letGo: () => this.#letGo(),
      missingIn: stored => this.#copy.missingIn(stored),
      glance: () => this.#glance(),
      follow: state => this.#follow(state),
      followStatus: status => this.#followStatus(status),
      connect: () => this.connect(),
      keep: (generation, update, writer) => this.#keepLeft(generation, update, writer)
    }
  }

  // --- With the server ---------------------------------------------------------------------------------------------------------------

  #show(doc: Y.Doc, { generation, role }: Pick<StoredDocument, 'generation' | 'role'>): void {
    this.#loaded = true
    this.#copy.show(doc, generation)
    this.#known = { ...this.#known, role: this.#known.role ?? role }
    this.#ready.resolve()
  }

  #begin({ epoch }: StoredDocument): void {
    this.#tell({ type: 'read', epoch })
    this.#connection = new Connection({
      name: this.name,
      url: this.#options.url,
      doc: this.doc,
      awareness: this.awareness,
      unsent: this.#unsaved,
      WebSocket: this.#options.WebSocket ?? WebSocket,
      surroundings: this.surroundings
    }, {
      hello: hello => this.#meet(hello),
      synced: () => {
        this.#tell({ type: 'synced' })
        this.#known = { ...this.#known, synced: true }
        this.#hooks.synced()
        this.touch()
      },
      saved: () => this.#tell({ type: 'saved' }),
      answered: control => this.#answered(control),
      role: change => this.#change(change),
      closed: (code, reason) => this.#closed(code, reason),
      interrupted: reason => this.#know({ interruption: readCloseReason(reason) || null }),
      changed: () => {
        this.#noteSaved()
        this.touch()
      }
    })
    if (this.#wantsConnection) this.#connection.connect()
  }

  #noteSaved(): void {
    if (!this.#unsaved || this.#connection?.hasUnsaved !== false) return
    this.#unsaved = false
    void this.#store.markSaved?.()
    this.#hooks.saved()
  }

  #meet(hello: Hello): boolean {
    this.#know({ hello, role: hello.role })
    const effect = this.#tell({ type: 'met', hello })
    if (effect?.type !== 'merge') return false
    this.#known = { ...this.#known, closedBy: null, interruption: null }
    this.#forgotten = null
    this.#hooks.met(hello.epoch, hello.continues ?? [])
    void this.#store.setEpoch(hello.epoch, hello.role)
    return true
  }

  #change({ role, userId }: RoleChange): void {
    this.#tell({ type: 'role', role, userId })
    const { hello } = this.#known
    if (role === null || !hello) return
    this.#know({ role, hello: { ...hello, role } })
    void this.#store.setEpoch(hello.epoch, role)
  }

  #answered(control: Extract<Control, { kind: 'result' | 'refused' }>): void {
    if (control.kind === 'result') this.#hooks.result(control.requestId, control.outcome)
    else this.#tell({ type: 'refused', code: control.code, reason: control.reason })
  }

  #closed(code: number, reason: string): void {
    if (code !== errorTable['epoch-changed'].close) this.#know({ closedBy: { code, reason: readCloseReason(reason) } })
    this.#tell({ type: 'closed', code, epoch: this.#known.hello?.epoch ?? null })
  }

  #tell(event: LineageEvent): LineageEffect | null {
    const subject = { isConversation: this.#isConversation, userId: this.#options.userId }
    const [lineage, effect] = followLineage(this.#lineage, event, subject)
    this.#lineage = lineage
    switch (effect?.type) {
      case 'rebuild':
        this.#rebuild(effect.epoch)
        break
      case 'forget':
        this.#forget(effect.code)
        break
      case 'stop':
        this.disconnect()
        this.#know({ closedBy: { code: errorTable[effect.code].close, reason: effect.reason } })
        break
      case 'merge':
      case undefined:
        break
    }
    return effect
  }

  /** What was said where this person does not belong any more stays on no device of theirs; own work that was never sent does. */
  #forget(code: 'gone' | 'no-longer-member'): void {
    this.#wantsConnection = false
    this.#forgotten = code
    if (code === 'no-longer-member') {
      const reason = isDrawnName(this.name) ? errorTable[code].message : `${whyNotFound(this.name)} What you had not sent is kept on this device.`
      this.#know({ closedBy: { code: errorTable[code].close, reason } })
    }
    this.#hooks.gone(code)
    this.#rebuild(null)
  }

  #rebuild(epoch: string | null): void {
    const keepOld = this.#hooks.holdsOwn(!this.hasUnsaved)
    this.#endConnection()
    // What is still written into the old document must not reach the new generation; requests are in the outbox.
    const left = this.#copy.leave()
    this.touch()
    void this.#replace(epoch, keepOld, left)
  }

  async #replace(epoch: string | null, keepOld: boolean, left: ReturnType<LocalCopy['leave']>): Promise<void> {
    const turn = this.#turn
    await this.#store.rebuild(epoch, keepOld)
    const { doc, stored } = await this.#copy.read(true)
    if (this.#ended || turn !== this.#turn) return
    const late = left.writtenSince()
    // Nothing that is said in it stays, so its person's words are taken out of it once more.
    if (late && this.#forgotten) this.#hooks.gone(this.#forgotten)
    else if (late && left.generation !== null && this.#hooks.holdsOwn(false)) void this.#keepLeft(left.generation, late, left.writer)
    this.#unsaved = false
    this.#show(doc, stored)
    this.#unsaved ||= stored.unsaved ?? !this.#copy.isEmpty
    this.#begin(stored)
    this.#tabs?.renewed()
    this.touch()
  }

  async #keepLeft(generation: string, update: Uint8Array, writer: number): Promise<void> {
    await this.#store.kept?.add(generation, update, writer)
    this.#hooks.keptMore()
  }

  #endConnection(): void {
    this.#connection?.destroy()
    this.#connection = null
  }

  get #isConversation(): boolean {
    return documentKind(this.name) === 'conversation'
  }
}

/** Opens a document without a schema of ours: an artifact, a home. */
export const openDocument = (options: DocumentOptions): SyncedDocument => new SyncedDocument(options)

const withoutUndefined = ({ now, random, after, schedule }: Partial<Surroundings>): Partial<Surroundings> =>
  Object.fromEntries(Object.entries({ now, random, after, schedule }).filter(([, value]) => value !== undefined))
