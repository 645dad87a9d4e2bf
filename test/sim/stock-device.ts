/**
 * A device that runs stock y-websocket: it types before it is synced, hears nothing of outcomes, and its tabs hand each other
 * what they have, so that one tab sends what the other wrote.
 */
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { lastVisible } from '../../shared/conversation/branch.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, readMessages, textOf } from '../../shared/conversation/read.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { isServerMade } from '../../server/room/lineage.ts'
import { errorTable } from '../../shared/errors.ts'
import { proposeSend, putRequest } from '../../shared/conversation/write.ts'
import { createUuidV7 } from '../../shared/ids.ts'
import type { DocumentName, DraftId, MessageId, RequestId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Device, DevicePorts, Sending } from './device.ts'
import { Line } from './line.ts'
import { BOARD, TALK, URL } from './names.ts'
import type { Person } from './people.ts'

interface Tab {
  docs: Map<DocumentName, Y.Doc>
  providers: WebsocketProvider[]
}

/** What a page's program had stored of a document, and the epochs that it is of. */
interface Kept {
  update: Uint8Array
  epochs: ReadonlySet<string>
}

export class StockDevice implements Device {
  readonly bringsBack = false
  readonly refused = null
  readonly label: string
  readonly person: Person
  readonly #ports: DevicePorts
  readonly #newId: () => string
  #line: Line
  #tabs: Tab[] = []
  #own = new Set<RequestId>()
  /** As they were when the page was opened. */
  #roles = new Map<DocumentName, Role | undefined>()
  /** Of the rooms that told a document something. */
  readonly #epochs = new WeakMap<Y.Doc, Set<string>>()
  /** Of what it was loaded from. */
  readonly #storedOf = new WeakMap<Y.Doc, ReadonlySet<string>>()

  constructor(ports: DevicePorts) {
    const { clock, chance, network, witness, person } = ports
    this.label = ports.label
    this.person = person
    this.#ports = ports
    this.#newId = createUuidV7(clock.now, chance.fill)
    this.#line = new Line(network, witness, person)
    this.#open(new Map())
  }

  get own(): ReadonlySet<RequestId> {
    return this.#own
  }

  replicas(name: DocumentName): readonly Y.Doc[] {
    return [this.#tab.docs.get(name)!]
  }

  disturbTabs(): void {}

  mayWrite(name: DocumentName): boolean {
    return this.#roles.get(name) !== 'viewer'
  }

  get line(): Line {
    return this.#line
  }

  get talk(): Y.Doc {
    return this.#tab.docs.get(TALK)!
  }

  get board(): Y.Doc {
    return this.#tab.docs.get(BOARD)!
  }

  send({ text, to, parentId, replaces }: Sending): void {
    const sends = [...openRoots(this.talk).requests].filter(([id, { type }]) => type === 'send' && this.#own.has(id as RequestId))
    const open = sends.map(([id]) => id).sort().at(-1)
    const parent = replaces ? replaces.metadata.parentId
      : parentId ?? open as MessageId | undefined ?? lastVisible(readMessages(this.talk))?.id ?? null
    const parts = [{ type: 'text' as const, text }]
    this.#put(proposeSend({ parts, to, parentId: parent, ...replaces && { replaces: replaces.id } }, this.#ports.clock.now()))
  }

  sendDraft(id: DraftId): void {
    const draft = readDrafts(this.talk).find(each => each.id === id)
    if (!draft || textOf(draft.parts).trim() === '') return
    const parent = lastVisible(readMessages(this.talk))?.id ?? null
    this.#put({ ...proposeSend({ parts: draft.parts, to: [], parentId: parent }, this.#ports.clock.now()), drops: id })
  }

  ask(request: Request): void {
    this.#put(request)
  }

  repeat(id: RequestId, request: Request): void {
    putRequest(this.talk, id, request)
  }

  takeBack(): void {
    const id = [...openRoots(this.talk).requests.keys()].find(key => this.#own.has(key as RequestId))
    if (id === undefined) return
    this.#uncertain(id)
    openRoots(this.talk).requests.delete(id)
  }

  reload(): void {
    const keep = (doc: Y.Doc): Kept => ({ update: Y.encodeStateAsUpdate(doc), epochs: this.#epochsIn(doc) })
    const kept = new Map([...this.#tab.docs].map(([name, doc]) => [name, keep(doc)]))
    // What another tab had and did not hand on yet is gone with it.
    for (const id of this.#own) if (!hasSeen(this.talk, id)) this.#uncertain(id)
    this.#end()
    this.#open(kept)
  }

  vanish(): void {
    for (const id of this.#own) this.#uncertain(id)
    this.#own = new Set()
    this.#end()
    this.#open(new Map())
  }

  connect(): void {
    this.#line.goOnline()
    for (const { providers } of this.#tabs) for (const provider of providers) provider.connect()
  }

  close(): void {
    for (const { providers, docs } of this.#tabs) {
      for (const provider of providers) provider.destroy()
      for (const doc of docs.values()) doc.destroy()
    }
  }

  get unrest(): string | null {
    for (const { providers, docs } of this.#tabs) {
      for (const provider of providers.filter(({ roomname }) => !this.#ports.data.isDeleted(roomname as DocumentName))) {
        if (!provider.shouldConnect) return `${this.label} was shut out`
        if (!provider.wsconnected || !provider.synced) return `${this.label} is not synced`
      }
      for (const { store } of docs.values()) {
        if (store.pendingStructs || store.pendingDs) return `${this.label} waits for what never came`
      }
    }
    return null
  }

  /** Its person sits at one tab at a time. */
  get #tab(): Tab {
    return this.#tabs[0]!
  }

  #put(request: Request): void {
    const id = this.#newId() as RequestId
    this.#own.add(id)
    this.#ports.witness.ask(id, request, this.person.principal.id)
    putRequest(this.talk, id, request)
    // The person turns to the other tab now and then.
    if (this.#ports.chance.of(0.3)) this.#tabs.reverse()
  }

  #uncertain(id: string): void {
    const asked = this.#ports.witness.asked.get(`${this.person.principal.id} ${id}`)
    if (asked) asked.certain = false
  }

  #end(): void {
    this.#line.goOffline()
    this.close()
    this.#line = new Line(this.#ports.network, this.#ports.witness, this.person)
  }

  #open(kept: ReadonlyMap<DocumentName, Kept>): void {
    const { chance, data } = this.#ports
    this.#roles = new Map([TALK, BOARD].map(name => [name, data.roleOf(name, this.person)]))
    this.#tabs = Array.from({ length: chance.of(0.4) ? 2 : 1 }, () => ({ docs: new Map<DocumentName, Y.Doc>(), providers: [] }))
    for (const tab of this.#tabs) {
      // Now and then a page opens two providers for one document by mistake.
      const providers = chance.of(0.2) ? 2 : 1
      for (const name of [TALK, BOARD]) this.#openDocument(tab, name, kept.get(name), providers)
    }
    const [first, second] = this.#tabs
    if (first && second) for (const name of [TALK, BOARD]) this.#relay(first.docs.get(name)!, second.docs.get(name)!)
  }

  #openDocument(tab: Tab, name: DocumentName, kept: Kept | undefined, providers: number): void {
    const { witness, label } = this.#ports
    const doc = new Y.Doc()
    tab.docs.set(name, doc)
    if (kept) {
      Y.applyUpdate(doc, kept.update, 'store')
      this.#storedOf.set(doc, kept.epochs)
    }
    const look = (epoch: string | null): void => {
      if (epoch !== null) this.#epochsOf(doc).add(epoch)
      if (name === TALK && !this.#isMixed) witness.look(doc, label)
    }
    for (let i = 0; i < providers; i++) {
      const WebSocketPolyfill = this.#line.webSocket(name, look)
      const provider = new WebsocketProvider(URL, name, doc, { disableBc: true, WebSocketPolyfill })
      provider.on('status', ({ status }) => { if (status === 'connected') this.#typeAtOnce(doc, name) })
      provider.on('closed', ({ code }) => this.#shutOut(code))
      tab.providers.push(provider)
    }
  }

  /** What it holds is of the past: the person loads the page anew, and what its program had stored of the documents is thrown away. */
  #shutOut(code: number): void {
    const { clock, chance } = this.#ports
    const isOfThePast = code === errorTable['epoch-changed'].close || (code === errorTable.forged.close && this.#isOfThePast)
    // It has typed what its person may not write (any more).
    if (!isOfThePast && code !== errorTable.viewer.close) return
    const line = this.#line
    clock.after(chance.between(0, 5000), () => { if (line === this.#line) this.#beginAnew() })
  }

  #epochsOf(doc: Y.Doc): Set<string> {
    const epochs = this.#epochs.get(doc) ?? new Set<string>()
    this.#epochs.set(doc, epochs)
    return epochs
  }

  /**
   * Two connections of this device straddle a new beginning: what the one is told late was of the past, which no server can take back.
   * It is shut out as soon as the other one hands that on.
   */
  get #isMixed(): boolean {
    return [TALK, BOARD].some(name => new Set(this.#tabs.flatMap(({ docs }) => [...this.#epochsOf(docs.get(name)!)])).size > 1)
  }

  /**
   * Where the server never wrote into what it lost, and knows not one of the client ids, it cannot tell what is of the past from what is
   * forged.
   */
  get #isOfThePast(): boolean {
    if (this.#isMixed) return true
    return [TALK, BOARD].some(name => {
      const docs = this.#tabs.map(({ docs }) => docs.get(name)!)
      const isPast = docs.some(doc => [...this.#epochsIn(doc)].some(epoch => epoch !== this.#ports.epochOf(name)))
      return isPast && !docs.some(({ store }) => [...store.clients.keys()].some(isServerMade))
    })
  }

  #epochsIn(doc: Y.Doc): ReadonlySet<string> {
    return new Set([...this.#epochsOf(doc), ...this.#storedOf.get(doc) ?? []])
  }

  #beginAnew(): void {
    for (const id of this.#own) this.#uncertain(id)
    this.#end()
    this.#open(new Map())
  }

  /** The person goes on typing while the connection is new: before the server has said what it holds. */
  #typeAtOnce(doc: Y.Doc, name: DocumentName): void {
    const { clock, chance, text } = this.#ports
    if (!this.mayWrite(name) || chance.of(0.6)) return
    clock.after(chance.between(0, 20), () => {
      if (doc.isDestroyed) return
      if (name === BOARD) doc.getText('body').insert(0, 'x')
      else if (doc === this.talk) this.send({ text: text(), to: [] })
    })
  }

  /** What one tab gets or writes the other gets too, and hands on to the server as its own. */
  #relay(first: Y.Doc, second: Y.Doc): void {
    const { clock, chance } = this.#ports
    for (const [from, to] of [[first, second], [second, first]] as const) {
      let last = 0
      from.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin === 'tab') return
        last = Math.max(last, clock.now() + chance.between(0, 30))
        clock.after(last - clock.now(), () => { if (!to.isDestroyed) Y.applyUpdate(to, update, 'tab') })
      })
    }
  }
}

/** The request was in this document, taken or not. */
const hasSeen = (doc: Y.Doc, id: string): boolean => openRoots(doc).requests._map.has(id)
