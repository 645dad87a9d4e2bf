/**
 * One document on this device: read from the local store, kept there with every change, and in sync with the server while there is a
 * connection. When the server's document turns out to be of another lineage (epoch), the local copy is never merged with it: a new
 * document begins.
 */
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { readCloseReason } from './close-reason.ts'
import { Connection } from './connection.ts'
import { realSurroundings } from './port.ts'
import type { DocumentStore, StoredDocument, Surroundings } from './port.ts'
import { createSignal } from './signal.ts'
import type { Signal } from './signal.ts'
import type { SharedState, SharedStatus } from './tabs/message.ts'
import type { TabSession } from './tabs/session.ts'
import { FROM_TAB, noOutbox } from './tabs/shared-document.ts'
import type { SharedDocument, SharedOutbox } from './tabs/shared-document.ts'
import type { ConnectionState, OutboxEntry } from './view.ts'
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import type { Control, Hello, RequestOutcome, Role } from '../../shared/wire/frame.ts'

export interface DocumentOptions extends Partial<Surroundings> {
  name: DocumentName
  /** `ws://host/sync` or `wss://host/sync` */
  url: string
  store: DocumentStore
  /** Whose store it is; a server that takes this device for somebody else gets nothing of it. */
  userId?: string
  /** Shares the document with the person's other tabs; {@link store} is the session's then. Without it this page is by itself. */
  tabs?: TabSession
  WebSocket?: typeof WebSocket
  /** Connect as soon as the local store is read; true by default. */
  connect?: boolean
}

/** What is built on a document hears of it; called at once, not coalesced. */
export interface DocumentHooks {
  /** At once after every change of anything shown; listeners hear of it later, once per tick. */
  changed: () => void
  /** The local store is read. */
  loaded: (outbox: readonly OutboxEntry[], writers: readonly number[]) => void
  /** Another `Y.Doc` took the place of the old one. */
  replaced: () => void
  /** A server that holds this document's lineage was met; it gets what the document holds right after this. */
  met: (epoch: string) => void
  /** The document was deleted: nothing of it can be sent any more, and this device is about to forget what it held of it. */
  gone: () => void
  synced: () => void
  result: (id: RequestId, outcome: RequestOutcome) => void
  /** How the outbox is kept the same in all tabs. */
  outbox: SharedOutbox
}

const noHooks: DocumentHooks = {
  changed: () => {}, loaded: () => {}, replaced: () => {}, met: () => {}, gone: () => {}, synced: () => {}, result: () => {},
  outbox: noOutbox
}

/** Origin of updates that come from the store, so that they are not stored again. */
const FROM_STORE = Symbol('from the store')

/** The generation of a store that does not tell its generations. */
const ONLY = 'only'

const OTHER_PERSON = 'This browser is signed in as somebody else now. What you wrote is kept on this device; reload the page to continue.'

/** More new beginnings than this without a completed sync between them are a fault of the server's. */
const REBUILDS = 3

export class SyncedDocument {
  readonly name: DocumentName
  /** The local store is read; the document can be shown and edited, connected or not. Never rejects. */
  readonly ready: Promise<void>
  readonly surroundings: Surroundings
  readonly #options: DocumentOptions
  readonly #hooks: DocumentHooks
  readonly #store: DocumentStore
  readonly #signal: Signal
  readonly #unwatch: () => void
  readonly #tabs: TabSession | null
  readonly #ready = Promise.withResolvers<void>()
  #doc: Y.Doc
  #awareness: Awareness
  #presence: Record<string, unknown> = {}
  #connection: Connection | null = null
  /** What the tab that has the connection says of it, while this one follows it. */
  #followed: Pick<SharedStatus, 'connection' | 'hasUnsaved'> | null = null
  /** Which of the store's generations the document is; null before the store was read, and while a new one begins. */
  #generation: string | null = null
  /** How often this tab began or ceased to own the connection and the store: what began before does not go on. */
  #turn = 0
  #wantsConnection: boolean
  #loaded = false
  #synced = false
  #ended = false
  #epoch: string | null = null
  #role: Role | null = null
  #hello: Hello | null = null
  #closedBy: { code: number, reason: string } | null = null
  #storageProblem: string | null = null
  #rebuilds = 0
  #refusals = 0

  constructor(options: DocumentOptions, hooks: DocumentHooks = noHooks) {
    this.name = options.name
    this.surroundings = { ...realSurroundings, ...withoutUndefined(options) }
    this.#options = options
    this.#hooks = hooks
    this.#store = options.store
    this.#tabs = options.tabs ?? null
    this.#wantsConnection = options.connect ?? true
    this.#signal = createSignal(this.surroundings.schedule)
    this.#unwatch = this.#store.watch(problem => {
      this.#storageProblem = problem
      this.touch()
    })
    this.#doc = new Y.Doc()
    this.#awareness = new Awareness(this.#doc)
    this.#attach()
    this.ready = this.#ready.promise
    if (this.#tabs) this.#tabs.start(this.#shared())
    else void this.#own()
  }

  /** Replaced by another one when the server's lineage changes; do not keep it. */
  get doc(): Y.Doc {
    return this.#doc
  }

  /** Belongs to {@link doc} and is replaced with it; set the own state by {@link setPresence}. */
  get awareness(): Awareness {
    return this.#awareness
  }

  get connection(): ConnectionState {
    return this.#connection?.state ?? this.#followed?.connection ?? 'offline'
  }

  get loaded(): boolean {
    return this.#loaded
  }

  /** The document holds what the server had when this connection began, or an earlier one of this page. */
  get synced(): boolean {
    return this.#synced
  }

  /** Some edits of this device are not on the server's disk, or may not be. */
  get hasUnsaved(): boolean {
    return this.#connection?.hasUnsaved ?? (this.#tabs?.store.hasUnconfirmed || (this.#followed?.hasUnsaved ?? !isEmpty(this.#doc)))
  }

  get role(): Role | null {
    return this.#role
  }

  /** What the server said when the latest connection began. */
  get hello(): Hello | null {
    return this.#hello
  }

  get closedBy(): { code: number, reason: string } | null {
    return this.#closedBy
  }

  get storageProblem(): string | null {
    return this.#storageProblem
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
    this.#presence = { ...this.#presence, ...fields }
    this.#awareness.setLocalState(this.#presence)
  }

  connect(): void {
    this.#wantsConnection = true
    if (!this.#tabs?.askToConnect()) this.#closedBy = null
    this.#connection?.connect()
    this.touch()
  }

  disconnect(): void {
    this.#wantsConnection = false
    this.#connection?.disconnect()
  }

  /** Disconnects, writes what is still queued for the local store, and lets go of everything. */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    this.#connection?.destroy()
    this.#connection = null
    this.#signal.clear()
    this.#doc.destroy()
    await this.#tabs?.leave()
    await this.#store.close()
    this.#ready.resolve()
    this.#unwatch()
  }

  #attach(): void {
    this.#awareness.setLocalState(this.#presence)
    this.#doc.on('update', this.#keep)
    this.#awareness.on('change', this.#touched)
    const awareness = this.#awareness
    awareness.on('update', (changed: Record<'added' | 'updated' | 'removed', number[]>, origin: unknown) =>
      this.#tabs?.presenceChanged(awareness, Object.values(changed).flat(), origin === 'local'))
  }

  #touched = (): void => this.touch()

  #keep = (update: Uint8Array, origin: unknown): void => {
    if (origin !== FROM_STORE && origin !== FROM_TAB) void this.#store.append(update)
    this.#tabs?.updated(update)
    this.touch()
  }

  // --- Roles among the person's tabs; by itself, a page owns from the beginning ------------------------------------------------------

  async #own(): Promise<void> {
    const turn = ++this.#turn
    this.#followed = null
    const { doc, stored } = await this.#read(this.#doc)
    if (this.#ended || turn !== this.#turn) return
    this.#show(doc, stored)
    this.#hooks.loaded(stored.outbox, stored.writers ?? [])
    this.#begin(stored)
    this.touch()
  }

  #letGo(): void {
    this.#turn++
    this.#connection?.destroy()
    this.#connection = null
    // A new generation was to begin: nothing of the old one counts any more, and the next owner has the new one.
    if (this.#loaded && this.#generation === null) this.#take(new Y.Doc())
    this.touch()
  }

  async #glance(): Promise<void> {
    if (this.#generation !== null) return
    const turn = this.#turn
    const stored = await this.#store.load()
    if (this.#ended || turn !== this.#turn || this.#generation !== null || !applyAll(this.#doc, stored.updates)) return
    this.#role ??= stored.role
    this.#show(this.#doc, stored)
    this.#hooks.outbox.know(stored.writers ?? [])
    this.#hooks.outbox.mirrorAll(stored.outbox.map(entry => ({ ...entry, accepted: false })))
    this.touch()
  }

  #follow({ generation, update, status, outbox }: SharedState): void {
    if (this.#ended) return
    if (this.#generation !== null && this.#generation !== generation) this.#take(new Y.Doc())
    Y.applyUpdate(this.#doc, update, FROM_TAB)
    this.#show(this.#doc, { generation })
    this.#hooks.outbox.mirrorAll(outbox)
    this.#followStatus(status)
  }

  #followStatus({ connection, hasUnsaved, ...status }: SharedStatus): void {
    const cameOnline = connection === 'online' && this.#followed?.connection !== 'online'
    this.#followed = { connection, hasUnsaved }
    this.#synced = status.synced
    this.#role = status.role
    this.#hello = status.hello
    this.#closedBy = status.closedBy
    this.#storageProblem = status.storageProblem
    // The server told others of our leaving when the last connection ended; a higher clock than that makes us seen again.
    if (cameOnline) for (let time = 0; time < 2; time++) this.#awareness.setLocalState(this.#presence)
    this.touch()
  }

  #status(): SharedStatus {
    return {
      connection: this.connection,
      hasUnsaved: this.hasUnsaved,
      synced: this.#synced,
      role: this.#role,
      hello: this.#hello,
      closedBy: this.#closedBy,
      storageProblem: this.#storageProblem
    }
  }

  #shared(): SharedDocument {
    const get = {
      doc: () => this.#doc,
      awareness: () => this.#awareness,
      generation: () => this.#generation,
      status: () => this.#status()
    }
    return {
      get doc() { return get.doc() },
      get awareness() { return get.awareness() },
      get generation() { return get.generation() },
      get status() { return get.status() },
      outbox: this.#hooks.outbox,
      own: () => this.#own(),
      letGo: () => this.#letGo(),
      missingIn: stored => this.#missingIn(stored),
      glance: () => this.#glance(),
      follow: state => this.#follow(state),
      followStatus: status => this.#followStatus(status),
      connect: () => this.connect()
    }
  }

  // --- The document as the store has it ------------------------------------------------------------------------------------------------

  /**
   * Reads the store into the document; when it holds another generation the document is a new one. When it holds something else than
   * updates it is set aside. What an earlier owner showed and did not live to store is stored.
   */
  async #read(doc: Y.Doc): Promise<{ doc: Y.Doc, stored: StoredDocument }> {
    const stored = await this.#store.load()
    const unstored = this.#missingIn(stored)
    const target = this.#generation === null || this.#generation === (stored.generation ?? ONLY) ? doc : new Y.Doc()
    if (applyAll(target, stored.updates)) {
      if (unstored) void this.#store.append(unstored)
      return { doc: target, stored }
    }
    await this.#store.rebuild(null, true)
    return { doc: new Y.Doc(), stored: { ...await this.#store.load(), updates: [] } }
  }

  #missingIn({ generation = ONLY, updates }: StoredDocument): Uint8Array | null {
    return this.#generation === generation ? missingIn(updates, this.#doc) : null
  }

  #show(doc: Y.Doc, { generation }: Pick<StoredDocument, 'generation'>): void {
    this.#loaded = true
    if (doc !== this.#doc) this.#take(doc)
    this.#generation = generation ?? ONLY
    this.#ready.resolve()
  }

  #take(doc: Y.Doc): void {
    const old = this.#doc
    this.#doc = doc
    this.#awareness = new Awareness(doc)
    this.#synced = false
    this.#attach()
    this.#hooks.replaced()
    old.destroy()
  }

  #begin(stored: StoredDocument): void {
    this.#epoch = stored.epoch
    this.#role ??= stored.role
    this.#connection = new Connection({
      name: this.name,
      url: this.#options.url,
      doc: this.#doc,
      awareness: this.#awareness,
      unsent: !isEmpty(this.#doc),
      WebSocket: this.#options.WebSocket ?? WebSocket,
      after: this.surroundings.after
    }, {
      hello: hello => this.#meet(hello),
      synced: () => {
        this.#synced = true
        this.#rebuilds = 0
        this.#hooks.synced()
        this.touch()
      },
      saved: () => {
        this.#refusals = 0
      },
      answered: control => this.#answered(control),
      closed: (code, reason) => this.#closed(code, reason),
      changed: this.#touched
    })
    if (this.#wantsConnection) this.#connection.connect()
  }

  #meet(hello: Hello): boolean {
    this.#hello = hello
    this.#role = hello.role
    this.touch()
    // The cookie is another person's now (they signed in in another tab): nothing of this one's may go out under that name.
    if (this.#options.userId !== undefined && hello.userId !== this.#options.userId) {
      this.#stop('unauthenticated', OTHER_PERSON)
      return false
    }
    if (this.#isConversation && hello.schema > SCHEMA_VERSION) {
      this.#stop('newer-schema')
      return false
    }
    if (this.#epoch !== null && this.#epoch !== hello.epoch) {
      this.#rebuild(hello.epoch)
      return false
    }
    this.#epoch = hello.epoch
    this.#closedBy = null
    this.#hooks.met(hello.epoch)
    void this.#store.setEpoch(hello.epoch, hello.role)
    return true
  }

  #answered(control: Extract<Control, { kind: 'result' | 'refused' }>): void {
    if (control.kind === 'result') return this.#hooks.result(control.requestId, control.outcome)
    // Nothing more on this socket is judged. All that is a person's own in a conversation are its requests, and those are kept, so it
    // begins anew; once only, until something is accepted again. A free document stays as it is.
    if (this.#isConversation && this.#refusals++ === 0) this.#rebuild(this.#epoch)
    else this.#stop(control.code, control.reason)
  }

  #closed(code: number, reason: string): void {
    if (code === errorTable['epoch-changed'].close) return this.#rebuild(this.#hello?.epoch ?? null)
    this.#closedBy = { code, reason: readCloseReason(reason) }
    if (code === errorTable.gone.close) this.#forget()
    this.touch()
  }

  #stop(code: ErrorCode, reason: string = errorTable[code].message): void {
    this.disconnect()
    this.#closedBy = { code: errorTable[code].close, reason }
    this.touch()
  }

  /** What was said in a deleted conversation stays on no device; own work that was never sent does. */
  #forget(): void {
    this.#wantsConnection = false
    this.#epoch = null
    this.#hooks.gone()
    this.#rebuild(null)
  }

  #rebuild(epoch: string | null): void {
    if (++this.#rebuilds > REBUILDS) return this.#stop('epoch-changed')
    const keepOld = !this.#isConversation && this.hasUnsaved
    this.#connection?.destroy()
    this.#connection = null
    this.#generation = null
    // What is still written into the old document must not reach the new generation; requests are in the outbox.
    this.#doc.off('update', this.#keep)
    this.touch()
    void this.#replace(epoch, keepOld)
  }

  async #replace(epoch: string | null, keepOld: boolean): Promise<void> {
    const turn = this.#turn
    await this.#store.rebuild(epoch, keepOld)
    const { doc, stored } = await this.#read(new Y.Doc())
    if (this.#ended || turn !== this.#turn) return
    this.#show(doc, stored)
    this.#begin(stored)
    this.#tabs?.renewed()
    this.touch()
  }

  get #isConversation(): boolean {
    return documentKind(this.name) === 'conversation'
  }
}

/** Opens a document without a schema of ours: an artifact, a home. */
export const openDocument = (options: DocumentOptions): SyncedDocument => new SyncedDocument(options)

const applyAll = (doc: Y.Doc, updates: readonly Uint8Array[]): boolean => {
  try {
    for (const update of updates) Y.applyUpdate(doc, update, FROM_STORE)
    return true
  } catch {
    return false
  }
}

/** @returns what the document has and these updates do not bring; null when nothing */
const missingIn = (updates: readonly Uint8Array[], doc: Y.Doc): Uint8Array | null => {
  const stored = new Y.Doc()
  const known = applyAll(stored, updates) ? Y.decodeStateVector(Y.encodeStateVector(stored)) : null
  const lacks = known && [...doc.store.clients.keys()].some(client => Y.getState(doc.store, client) > (known.get(client) ?? 0))
  const missing = lacks ? Y.encodeStateAsUpdate(doc, Y.encodeStateVector(stored)) : null
  stored.destroy()
  return missing
}

const isEmpty = (doc: Y.Doc): boolean => doc.store.clients.size === 0 && doc.store.pendingStructs === null

const withoutUndefined = ({ now, random, after, schedule }: Partial<Surroundings>): Partial<Surroundings> =>
  Object.fromEntries(Object.entries({ now, random, after, schedule }).filter(([, value]) => value !== undefined))
