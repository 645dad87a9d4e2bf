/** A device that runs the real SDK: a conversation and an artifact, kept on a disk of its own. */
import * as Y from 'yjs'
import { openConversation } from '../../client/sync/conversation.ts'
import type { Conversation } from '../../client/sync/conversation.ts'
import { openDocument } from '../../client/sync/synced-document.ts'
import type { SyncedDocument } from '../../client/sync/synced-document.ts'
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
import { BOARD, TALK, URL } from './names.ts'
import type { Person } from './people.ts'
import type { Telling } from './witness.ts'

interface Page {
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
  #page: Page

  constructor(ports: DevicePorts) {
    this.label = ports.label
    this.person = ports.person
    this.#ports = ports
    this.#skew = ports.chance.between(-60_000, 60_000)
    this.#page = this.#open()
  }

  get own(): ReadonlySet<RequestId> {
    return this.#own
  }

  get line(): Line {
    return this.#page.line
  }

  get talk(): Y.Doc | null {
    return this.#page.talk.view().loaded ? this.#page.talk.doc : null
  }

  get board(): Y.Doc | null {
    return this.#page.board.loaded ? this.#page.board.doc : null
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
    this.#end()
    this.#ports.witness.typed.delete(this.label)
    for (const id of this.#own) if (!this.#disks.talk.requests.has(id)) this.#uncertain(id)
    this.#page = this.#open()
  }

  vanish(): void {
    this.#end()
    this.#ports.witness.typed.delete(this.label)
    for (const id of this.#own) this.#uncertain(id)
    this.#own = new Set()
    this.#disks = { talk: new DeviceDisk(), board: new DeviceDisk() }
    this.#page = this.#open()
  }

  connect(): void {
    this.line.goOnline()
    this.#page.talk.connect()
    this.#page.board.connect()
  }

  close(): void {
    void this.#page.talk.close()
    void this.#page.board.close()
  }

  get unrest(): string | null {
    const { talk, board, line } = this.#page
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

  /** The page is gone without a word. */
  #end(): void {
    this.line.goOffline()
    for (const store of this.#page.stores) store.kill()
    this.close()
  }

  #uncertain(id: RequestId): void {
    const asked = this.#ports.witness.asked.get(`${this.person.principal.id} ${id}`)
    if (asked) asked.certain = false
  }

  #open(): Page {
    const { clock, chance, network, witness, person, label } = this.#ports
    const { id: userId, name: userName } = person.principal
    const line = new Line(network, witness, person)
    const surroundings = {
      url: URL,
      now: () => clock.now() + this.#skew,
      random: chance.fill,
      after: clock.after,
      schedule: (task: () => void) => queueMicrotask(task)
    }
    const talkStore = openDeviceStore(this.#disks.talk, clock, chance.stream(), ({ id, request, refusal }) => {
      if (refusal && !witness.asked.has(`${userId} ${id}`)) return // Too long: it never left the device.
      witness.ask(id, request, userId)
      this.#own.add(id)
    })
    const boardStore = openDeviceStore(this.#disks.board, clock, chance.stream(), () => {})
    const talk: Conversation = openConversation({
      ...surroundings, name: TALK, store: talkStore, userId, userName, outcomeOf: this.#ports.outcomeOf,
      WebSocket: line.webSocket(TALK, epoch => this.#look(talk.doc, epoch), this.#watchProposals())
    })
    const board: SyncedDocument = openDocument({
      ...surroundings, name: BOARD, store: boardStore, WebSocket: line.webSocket(BOARD, epoch => this.#lookInside(board.doc, epoch))
    })
    // A listener, as a screen is one.
    talk.subscribe(() => {
      witness.look(talk.doc, label)
      for (const id of unknownOutcomes(talk)) witness.leftToPerson.add(`${userId} ${id}`)
    })
    return { line, stores: [talkStore, boardStore], talk, board }
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

/** What this page shows as requests of which nobody can say what became of them. */
const unknownOutcomes = (talk: Conversation): RequestId[] => {
  const { messages, refused } = talk.view()
  const sends = messages.filter(({ delivery }) => delivery.state === 'refused' && delivery.code === 'outcome-unknown')
  return [
    ...sends.map(({ message }) => message.id as string as RequestId),
    ...refused.filter(({ refusal }) => refusal?.code === 'outcome-unknown').map(({ id }) => id)
  ]
}
