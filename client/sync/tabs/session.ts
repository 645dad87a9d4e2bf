/**
 * One tab's part in a document that several tabs of a person have open: one of them owns the connection and the store, the others
 * follow it and show the same. When the owner goes, another takes over; nothing that was written is lost on the way.
 */
import { applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import type { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import type { SharedChange, SharedState, TabMessage } from './message.ts'
import type { TabChannel, TabSurroundings } from './port.ts'
import { isSameReign } from './reign.ts'
import type { Reign } from './reign.ts'
import { RoleKeeper } from './role-keeper.ts'
import { Serving } from './serving.ts'
import { applyFromTab, FROM_TAB } from './shared-document.ts'
import type { SharedDocument } from './shared-document.ts'
import { SharedStore } from './shared-store.ts'
import type { Held } from './shared-store.ts'
import type { DocumentStore } from '../port.ts'
import { uuidFromDigest } from '../../../shared/ids.ts'

export interface TabSessionOptions {
  surroundings: TabSurroundings
  /** Whose document: tabs with the same key share it. */
  key: string
  /** Makes the device's store of the document. */
  openStore: () => DocumentStore
}

export class TabSession {
  /** What the document and its outbox write into. */
  readonly store: SharedStore
  readonly #tab: string
  readonly #channel: TabChannel
  readonly #keeper: RoleKeeper
  readonly #left = Promise.withResolvers<void>()
  #document: SharedDocument | null = null
  #serving: Serving | null = null
  /** Whose state was taken over: its changes are taken too. */
  #attachedTo: Reign | null = null

  constructor({ surroundings, key, openStore }: TabSessionOptions) {
    this.#tab = uuidFromDigest(surroundings.random(new Uint8Array(16)))
    this.store = new SharedStore(openStore)
    this.store.onConfirmed = () => this.#keeper.tell({ type: 'confirmed' })
    // As good as word from the lock, and where the lock is this tab's after all, it is given back: who gets it next reads anew.
    this.store.onLost = () => this.#keeper.tell({ type: 'robbed' })
    this.store.held = generation => this.#held(generation)
    this.#channel = surroundings.channel(key, message => this.#receive(message))
    this.#keeper = new RoleKeeper(this.#tab, key, surroundings, {
      own: () => void this.#own(),
      follow: () => this.#follow(),
      attach: () => this.#attach(),
      letGo: () => this.#letGo(),
      writeOut: () => this.#writeOut(),
      ping: () => this.#channel.post({ type: 'ping' }),
      closed: () => this.#closed()
    })
  }

  start(document: SharedDocument): void {
    this.#document = document
    this.#keeper.start()
  }

  /** Gives up the tab's part. Resolves when all that was written is stored, here or by the owner, as far as that can be had. */
  leave(): Promise<void> {
    this.#keeper.tell({ type: 'close', unconfirmed: this.store.hasUnconfirmed })
    return this.#left.promise
  }

  #held(generation: string): ReturnType<Held> {
    if (this.#document?.generation !== generation) return null
    const { doc } = this.#document
    return { update: Y.encodeStateAsUpdate(doc), writer: doc.clientID }
  }

  // --- What the document tells -----------------------------------------------------------------------------------------------------

  updated(update: Uint8Array): void {
    this.#serving?.updated(update)
  }

  /** @param own it is this tab's presence */
  presenceChanged(awareness: Awareness, clients: number[], own: boolean): void {
    if (!this.#serving && !(own && this.#attachedTo)) return
    const update = encodeAwarenessUpdate(awareness, clients)
    if (this.#serving) this.#serving.presenceChanged(update)
    else if (this.#attachedTo) this.#channel.post({ type: 'presence', reign: this.#attachedTo, update })
  }

  touched(): void {
    this.#serving?.touched()
  }

  renewed(): void {
    this.#serving?.renewed()
  }

  /** Asks the owner to connect again. @returns whether there is another tab that owns */
  askToConnect(): boolean {
    if (this.#attachedTo) this.#channel.post({ type: 'connect', reign: this.#attachedTo })
    return this.#attachedTo !== null
  }

  // --- Roles -----------------------------------------------------------------------------------------------------------------------

  async #own(): Promise<void> {
    const { state } = this.#keeper
    if (state.role !== 'owner' || !this.#document) return
    this.#attachedTo = null
    const post = (message: TabMessage) => this.#channel.post(message)
    const serving = new Serving({ reign: state.reign, document: this.#document, store: this.store, post })
    this.#serving = serving
    this.store.own()
    this.#channel.post({ type: 'alive', reign: state.reign })
    await this.#document.own()
    if (this.#serving === serving) serving.ready()
  }

  #follow(): void {
    void this.#document?.glance()
  }

  #attach(): void {
    const { state } = this.#keeper
    if ((state.role !== 'follower' && state.role !== 'leaving') || !state.heard || !this.#document) return
    const { doc, generation } = this.#document
    this.#channel.post({ type: 'attach', from: this.#tab, reign: state.heard, generation, stateVector: Y.encodeStateVector(doc) })
  }

  #letGo(): void {
    this.#serving = null
    this.#document?.letGo()
    this.store.letGo()
    if (!this.store.hasUnconfirmed) this.#keeper.tell({ type: 'confirmed' })
  }

  #writeOut(): void {
    this.#serving = null
    void this.store.writeOut(stored => this.#document?.missingIn(stored) ?? null).then(tried => {
      if (tried) this.#keeper.tell({ type: 'written' })
    })
  }

  #closed(): void {
    this.#serving = null
    this.#attachedTo = null
    this.#channel.close()
    this.#left.resolve()
  }

  // --- Messages --------------------------------------------------------------------------------------------------------------------

  #receive(message: TabMessage): void {
    switch (message.type) {
      case 'alive':
        return this.#keeper.tell({ type: 'heard', reign: message.reign })
      case 'state':
        if (message.to !== null && message.to !== this.#tab) return
        this.#keeper.tell({ type: 'heard', reign: message.reign })
        return this.#takeState(message.reign, message.state)
      case 'change':
        if (isSameReign(message.reign, this.#attachedTo)) this.#takeChange(message.change)
        return
      case 'written':
        if (message.to === this.#tab) this.store.confirm(message.number)
        return
      case 'ping':
        if (this.#serving) this.#channel.post({ type: 'alive', reign: this.#serving.reign })
        return
      case 'attach':
      case 'write':
      case 'presence':
      case 'connect':
        if (this.#serving && isSameReign(message.reign, this.#serving.reign)) this.#serving.receive(message)
        return
    }
  }

  #takeState(reign: Reign, state: SharedState): void {
    const { state: own } = this.#keeper
    if ((own.role !== 'follower' && own.role !== 'leaving') || !isSameReign(own.heard, reign) || !this.#document) return
    const document = this.#document
    if (own.role === 'leaving') return this.#handIn(reign, state)
    this.#attachedTo = reign
    // Before the document is replaced by one of the owner's generation.
    this.store.settleOn(state.generation)
    document.follow(state)
    this.#handIn(reign, state)
    applyAwarenessUpdate(document.awareness, state.presence, FROM_TAB)
    this.presenceChanged(document.awareness, [document.doc.clientID], true)
  }

  /** What is not confirmed, and what an earlier owner showed and did not live to store. */
  #handIn(reign: Reign, { generation, stateVector }: SharedState): void {
    this.store.follow(generation, (number, write) => this.#channel.post({ type: 'write', from: this.#tab, reign, number, write }))
    const { doc } = this.#document!
    if (this.#document!.generation === generation && hasMoreThan(doc, stateVector)) {
      void this.store.append(Y.encodeStateAsUpdate(doc, stateVector), true)
    }
  }

  #takeChange(change: SharedChange): void {
    const document = this.#document
    if (!document) return
    switch (change.type) {
      case 'update':
        if (change.generation === document.generation) applyFromTab(document.doc, change.update)
        return
      case 'presence':
        return applyAwarenessUpdate(document.awareness, change.update, FROM_TAB)
      case 'status':
        return document.followStatus(change.status)
      case 'outbox':
        return document.outbox.mirror(change.put, change.gone)
    }
  }
}

const hasMoreThan = (doc: Y.Doc, stateVector: Uint8Array): boolean => {
  const known = Y.decodeStateVector(stateVector)
  return [...Y.decodeStateVector(Y.encodeStateVector(doc))].some(([client, clock]) => clock > (known.get(client) ?? 0))
}
