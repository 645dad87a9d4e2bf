/** A device that runs the real SDK: a conversation and an artifact, kept on a disk of its own. */
import * as Y from 'yjs'
import { openConversation } from '../../client/sync/conversation.ts'
import type { Conversation } from '../../client/sync/conversation.ts'
import { openDocument } from '../../client/sync/synced-document.ts'
import type { SyncedDocument } from '../../client/sync/synced-document.ts'
import { TabSession } from '../../client/sync/tabs/session.ts'
import type { OutboxEntry } from '../../client/sync/view.ts'
import { proposalsIn } from '../../server/room/proposals.ts'
import { errorTable } from '../../shared/errors.ts'
import { putRequest } from '../../shared/conversation/write.ts'
import { textOf } from '../../shared/conversation/read.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import type { DocumentName, DraftId, RequestId } from '../../shared/ids.ts'
import { DeviceDisk, openDeviceStore } from './device-disk.ts'
import type { DeviceStore } from './device-disk.ts'
import type { Device, DevicePorts, Sending } from './device.ts'
import { Line } from './line.ts'
import type { Connectivity } from './line.ts'
import { BOARD, TALK, URL } from './names.ts'
import type { Person } from './people.ts'
import { Tabs } from './tabs.ts'
import type { Tab } from './tabs.ts'
import type { Telling } from './witness.ts'

interface Page {
  tab: Tab
  line: Line
  stores: DeviceStore[]
  talk: Conversation
  board: SyncedDocument
}

export class SdkDevice implements Device {
  readonly bringsBack = true
  readonly label: string
  readonly person: Person
  readonly #ports: DevicePorts
  readonly #skew: number
  #disks = { talk: new DeviceDisk(), board: new DeviceDisk() }
  #own = new Set<RequestId>()
  /** Requests of other devices that were made here too, now and then again. */
  readonly #repeated = new Set<string>()
  /** Of the rooms that each document was filled from. */
  readonly #epochs = new WeakMap<Y.Doc, string>()
  #tabs: Tabs
  /** Its person sits at the first one, which runs. */
  #pages: Page[]
  #online = true
  readonly #mayHaveTabs: boolean

  constructor(ports: DevicePorts) {
    this.label = ports.label
    this.person = ports.person
    this.#ports = ports
    this.#skew = ports.chance.between(-60_000, 60_000)
    this.#tabs = new Tabs(ports.clock, ports.chance.stream())
    this.#mayHaveTabs = ports.chance.of(0.3)
    this.#pages = [this.#open()]
  }

  get own(): ReadonlySet<RequestId> {
    return this.#own
  }

  readonly line: Connectivity = {
    goOffline: () => this.#each(({ line }) => line.goOffline(), false),
    goOnline: () => this.#each(({ line }) => line.goOnline(), true),
    cut: () => this.#each(({ line }) => line.cut()),
    cutSilently: () => this.#each(({ line }) => line.cutSilently())
  }

  get talk(): Y.Doc | null {
    return copyOf(this.#page, TALK)
  }

  get board(): Y.Doc | null {
    return copyOf(this.#page, BOARD)
  }

  send({ text, to, parentId, replaces }: Sending): void {
    void this.#page.talk.send(text, { to, ...parentId && { parentId }, ...replaces && { replaces: replaces.id } })
  }

  sendDraft(id: DraftId): void {
    // Refused on the page: nothing in it, or somebody else has sent it.
    this.#page.talk.sendDraft(id, { to: [] }).catch(() => null)
  }

  ask(request: Exclude<Request, { type: 'send' }>): void {
    const { talk } = this.#page
    switch (request.type) {
      case 'redact': return void talk.redact(request.messageId)
      case 'stop': return void talk.stop(request.runId)
      case 'regenerate': return void talk.regenerate(request.messageId, request.agentId)
      case 'set-meta': return void talk.setMeta(request.key, request.value)
      case 'react': return void talk.react(request.messageId, request.kind, request.on)
    }
  }

  repeat(id: RequestId, request: Request): void {
    this.#repeated.add(id)
    if (this.talk) putRequest(this.talk, id, request)
  }

  takeBack(): void {
    const id = this.#ports.chance.maybe([...this.#own])
    const asked = id && this.#ports.witness.asked.get(`${this.person.principal.id} ${id}`)
    if (!asked) return
    asked.certain = false
    void this.#page.talk.discard(id)
  }

  reload(): void {
    this.#kill(this.#page)
  }

  vanish(): void {
    for (const page of this.#pages) this.#end(page)
    this.#ports.witness.typed.delete(this.label)
    for (const id of this.#own) this.#uncertain(id)
    this.#own = new Set()
    this.#disks = { talk: new DeviceDisk(), board: new DeviceDisk() }
    this.#tabs = new Tabs(this.#ports.clock, this.#ports.chance.stream())
    this.#online = true
    this.#pages = [this.#open()]
  }

  disturbTabs(): void {
    if (!this.#mayHaveTabs) return
    const { chance, clock } = this.#ports
    const other = chance.maybe(this.#pages.slice(1))
    switch (chance.between(0, 7)) {
      case 0:
      case 1:
        if (this.#pages.length < 3) this.#pages.splice(chance.between(0, 1), 0, this.#open())
        return
      case 2:
        return this.#kill(chance.pick(this.#pages))
      case 3:
        return other?.tab.runs ? this.#closeTab(other) : undefined
      case 4:
      case 5:
        if (!other) return
        other.tab.stop(chance.pick(['stuck', 'frozen']))
        return void clock.after(chance.between(500, 30_000), () => other.tab.goOn())
      default:
        if (other?.tab.runs) this.#pages = [other, ...this.#pages.filter(page => page !== other)]
    }
  }

  connect(): void {
    this.line.goOnline()
    this.#each(({ tab, talk, board }) => {
      tab.goOn()
      talk.connect()
      board.connect()
    })
  }

  close(): void {
    this.#each(page => this.#end(page))
  }

  replicas(name: DocumentName): readonly (Y.Doc | null)[] {
    return this.#pages.map(page => copyOf(page, name))
  }

  get unrest(): string | null {
    for (const page of this.#pages) {
      const unrest = this.#unrestOf(page)
      if (unrest) return unrest
    }
    return null
  }

  #unrestOf({ talk, board, line }: Page): string | null {
    const view = talk.view()
    const isGone = view.closedBy?.code === errorTable.gone.close && this.#ports.data.isDeleted(TALK)
    if (view.closedBy && !isGone) return `${this.label} was shut out: ${view.closedBy.code} ${view.closedBy.reason}`
    if (board.closedBy) return `${this.label} was shut out of the board: ${board.closedBy.code} ${board.closedBy.reason}`
    const isThere = (view.synced && view.connection === 'online') || isGone
    if (!isThere || !board.synced || board.connection !== 'online') return `${this.label} is not synced`
    if (view.pending > 0) return `${this.label} has ${view.pending} requests without an outcome`
    if (board.hasUnsaved) return `${this.label} has unsaved edits of the board`
    const unsaved = line.sockets.find(socket => !socket.isSaved)
    return unsaved ? `${this.label}: not saved: ${unsaved.state}` : null
  }

  mayWrite(name: DocumentName): boolean {
    const { talk, board } = this.#page
    return ((name === TALK ? talk.view().role : board.role) ?? this.person.role) !== 'viewer'
  }

  get refused(): ReadonlyMap<RequestId, string> {
    const { messages, refused } = this.#page.talk.view()
    return new Map([
      ...messages.flatMap(({ message, delivery }): [RequestId, string][] =>
        delivery.state === 'refused' ? [[message.id as string as RequestId, textOf(message.parts)]] : []),
      ...refused.map(({ id, request }): [RequestId, string] => [id, JSON.stringify(request)])
    ])
  }

  get #page(): Page {
    return this.#pages[0]!
  }

  #each(act: (page: Page) => void, online = this.#online): void {
    this.#online = online
    for (const page of this.#pages) act(page)
  }

  /** The page is gone without a word. Where there is no other its person opens a new one. */
  #kill(page: Page): void {
    this.#end(page)
    const { witness, chance } = this.#ports
    witness.typed.delete(this.label)
    const others = this.#pages.filter(other => other !== page)
    const stillShown = new Set<string>(others.flatMap(({ talk }) => talk.view().messages.map(({ message }) => message.id)))
    for (const id of this.#own) if (!this.#disks.talk.requests.has(id) && !stillShown.has(id)) this.#uncertain(id)
    const running = others.find(({ tab }) => tab.runs)
    if (running && chance.of(0.5)) this.#pages = [running, ...others.filter(other => other !== running)]
    else this.#pages = [this.#open(), ...others]
  }

  #end({ tab, line, stores, talk, board }: Page): void {
    tab.kill()
    line.goOffline()
    for (const store of stores) store.kill()
    void talk.close()
    void board.close()
  }

  /** In good order: what was written in it is handed over. */
  #closeTab(page: Page): void {
    this.#pages = this.#pages.filter(other => other !== page)
    const { talk, board, tab } = page
    void Promise.all([talk.close(), board.close()]).then(() => tab.kill())
  }

  #uncertain(id: RequestId): void {
    const asked = this.#ports.witness.asked.get(`${this.person.principal.id} ${id}`)
    if (asked) asked.certain = false
  }

  #open(): Page {
    const { clock, network, witness, person, label, outcomeOf } = this.#ports
    const { id: userId, name: userName } = person.principal
    const tab = this.#tabs.open()
    const line = new Line(network, witness, person, tab.run)
    if (!this.#online) line.goOffline()
    const stores: DeviceStore[] = []
    const now = (): number => clock.now() + this.#skew
    const surroundings = {
      url: URL,
      now,
      random: this.#ports.chance.fill,
      after: (ms: number, run: () => void) => clock.after(ms, () => tab.run(run)),
      schedule: (task: () => void) => queueMicrotask(() => tab.run(task))
    }
    const kept = (name: DocumentName, disk: DeviceDisk, noted: (entry: OutboxEntry) => void) => {
      const openStore = (): DeviceStore => {
        const store = openDeviceStore(disk, clock, this.#ports.chance.stream(), noted, tab.run)
        stores.push(store)
        if (tab.isGone) store.kill()
        return store
      }
      if (!this.#mayHaveTabs) return { store: openStore() }
      const tabs = new TabSession({ surroundings: tab.surroundings(now), key: name, openStore })
      return { store: tabs.store, tabs }
    }
    const talk: Conversation = openConversation({
      ...surroundings, name: TALK, userId, userName,
      ...kept(TALK, this.#disks.talk, ({ id, request, refusal }) => {
        if (refusal && !witness.asked.has(`${userId} ${id}`)) return // Too long: it never left the device.
        witness.ask(id, request, userId)
        this.#own.add(id)
      }),
      outcomeOf: async id => {
        const outcome = await outcomeOf(id)
        await new Promise<void>(tab.run)
        return outcome
      },
      WebSocket: line.webSocket(TALK, epoch => this.#look(talk.doc, epoch), this.#watchProposals())
    })
    const board: SyncedDocument = openDocument({
      ...surroundings, name: BOARD, ...kept(BOARD, this.#disks.board, () => {}),
      WebSocket: line.webSocket(BOARD, epoch => this.#lookInside(board.doc, epoch))
    })
    // A listener, as a screen is one.
    talk.subscribe(() => {
      witness.look(talk.doc, label)
      for (const id of unknownOutcomes(talk)) witness.leftToPerson.add(`${userId} ${id}`)
    })
    return { tab, line, stores, talk, board }
  }

  /**
   * What was sent before a loss may have had its effect in what was lost: a page does not send it again by itself to who lost it. What it
   * says on a connection from before the loss, whose end it has not heard of yet, reaches nobody.
   */
  #watchProposals(): Telling {
    const { witness } = this.#ports
    const lossesAt = new Map<string, number>()
    return (update, losses) => {
      for (const { id } of proposalsIn(Y.decodeUpdate(update))) {
        if ((lossesAt.get(id) ?? losses) !== losses && !this.#repeated.has(id)) witness.violation(`${this.label} sent ${id} again after a loss.`)
        lossesAt.set(id, losses)
      }
    }
  }

  #look(doc: Y.Doc, epoch: string | null): void {
    this.#ports.witness.look(doc, this.label)
    this.#lookInside(doc, epoch)
  }

  /** What the server sends builds on nothing that it has not sent, and one document is of one lineage. */
  #lookInside(doc: Y.Doc, epoch: string | null): void {
    if (this.#ports.witness.forgives) return
    const before = this.#epochs.get(doc) ?? epoch
    if (epoch !== null) this.#epochs.set(doc, epoch)
    if (before !== epoch && epoch !== null) this.#ports.witness.violation(`${this.label} merged what is of ${epoch} into what is of ${before}.`)
    const { pendingStructs, pendingDs } = doc.store
    if (pendingStructs || pendingDs) this.#ports.witness.violation(`${this.label} was sent what it cannot apply yet.`)
  }
}

const copyOf = ({ talk, board }: Page, name: DocumentName): Y.Doc | null => {
  const { loaded, doc } = name === TALK ? { loaded: talk.view().loaded, doc: talk.doc } : board
  return loaded ? doc : null
}

/** What this page shows as requests of which nobody can say what became of them. */
const unknownOutcomes = (talk: Conversation): RequestId[] => {
  const { messages, refused } = talk.view()
  const sends = messages.filter(({ delivery }) => delivery.state === 'refused' && delivery.code === 'outcome-unknown')
  return [
    ...sends.map(({ message }) => message.id as string as RequestId),
    ...refused.filter(({ refusal }) => refusal?.code === 'outcome-unknown').map(({ id }) => id)
  ]
}
