/** One page of a device that runs the real SDK: by itself, or one of several tabs that share the device's store. */
import * as Y from 'yjs'
import { openConversation } from '../../client/sync/conversation.ts'
import type { Conversation } from '../../client/sync/conversation.ts'
import { openDocument } from '../../client/sync/synced-document.ts'
import type { SyncedDocument } from '../../client/sync/synced-document.ts'
import { TabSession } from '../../client/sync/tabs/session.ts'
import type { OutboxEntry } from '../../client/sync/view.ts'
import { proposalsIn } from '../../server/room/proposals.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { errorTable } from '../../shared/errors.ts'
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { openDeviceStore } from './device-disk.ts'
import type { DeviceDisk, DeviceStore } from './device-disk.ts'
import type { DevicePorts } from './device.ts'
import { Line } from './line.ts'
import { BOARD, TALK, URL } from './names.ts'
import type { Tab, Tabs } from './tabs.ts'
import type { Telling } from './witness.ts'

export interface PagePorts extends DevicePorts {
  tabs: Tabs
  /** It shares the store with other tabs. */
  hasTabs: boolean
  disks: { talk: DeviceDisk, board: DeviceDisk }
  /** Of the device's clock (milliseconds). */
  skew: number
  online: boolean
  /** The request was made on another device, and here too. */
  isRepeated: (id: string) => boolean
  /** Told of every request that the page is about to store. */
  keeps: (id: RequestId) => void
}

export class SdkPage {
  readonly tab: Tab
  readonly line: Line
  readonly talk: Conversation
  readonly board: SyncedDocument
  readonly #ports: PagePorts
  readonly #stores: DeviceStore[] = []
  /** Of the rooms that each document was filled from. */
  readonly #epochs = new WeakMap<Y.Doc, string>()

  constructor(ports: PagePorts) {
    const { clock, chance, network, witness, person, disks, outcomeOf } = ports
    const { id: userId, name: userName } = person.principal
    this.#ports = ports
    const tab = ports.tabs.open()
    this.tab = tab
    this.line = new Line(network, witness, person, tab.run)
    if (!ports.online) this.line.goOffline()
    const surroundings = {
      url: URL,
      now: this.#now,
      random: chance.fill,
      after: (ms: number, run: () => void) => clock.after(ms, () => tab.run(run)),
      schedule: (task: () => void) => queueMicrotask(() => tab.run(task))
    }
    this.talk = openConversation({
      ...surroundings, name: TALK, userId, userName, ...this.#kept(TALK, disks.talk, entry => this.#note(entry)),
      outcomeOf: async id => {
        const outcome = await outcomeOf(id)
        await new Promise<void>(tab.run)
        return outcome
      },
      WebSocket: this.line.webSocket(TALK, epoch => this.#look(this.talk.doc, epoch), this.#watchProposals())
    })
    this.board = openDocument({
      ...surroundings, name: BOARD, ...this.#kept(BOARD, disks.board, () => {}),
      WebSocket: this.line.webSocket(BOARD, epoch => this.#lookInside(this.board.doc, epoch))
    })
    // A listener, as a screen is one.
    this.talk.subscribe(() => {
      witness.look(this.talk.doc, ports.label)
      for (const id of this.#unknownOutcomes) witness.leftToPerson.add(`${userId} ${id}`)
    })
  }

  copyOf(name: DocumentName): Y.Doc | null {
    const { loaded, doc } = name === TALK ? { loaded: this.talk.view().loaded, doc: this.talk.doc } : this.board
    return loaded ? doc : null
  }

  /** As far as it was told. */
  roleIn(name: DocumentName): Role | null {
    return name === TALK ? this.talk.view().role : this.board.role
  }

  /** The page is gone without a word. */
  end(): void {
    this.tab.kill()
    this.line.goOffline()
    for (const store of this.#stores) store.kill()
    void this.talk.close()
    void this.board.close()
  }

  /** In good order: what was written in it is handed over. */
  close(): void {
    void Promise.all([this.talk.close(), this.board.close()]).then(() => this.tab.kill())
  }

  get unrest(): string | null {
    const { talk, board, line } = this
    const { data, label } = this.#ports
    const view = talk.view()
    const isGone = view.closedBy?.code === errorTable.gone.close && data.isDeleted(TALK)
    if (view.closedBy && !isGone) return `${label} was shut out: ${view.closedBy.code} ${view.closedBy.reason}`
    if (board.closedBy) return `${label} was shut out of the board: ${board.closedBy.code} ${board.closedBy.reason}`
    const isThere = (view.synced && view.connection === 'online') || isGone
    if (!isThere || !board.synced || board.connection !== 'online') return `${label} is not synced`
    if (view.pending > 0) return `${label} has ${view.pending} requests without an outcome`
    if (board.hasUnsaved) return `${label} has unsaved edits of the board`
    const unsaved = line.sockets.find(socket => !socket.isSaved)
    return unsaved ? `${label}: not saved: ${unsaved.state}` : null
  }

  get refused(): ReadonlyMap<RequestId, string> {
    const { messages, refused } = this.talk.view()
    return new Map([
      ...messages.flatMap(({ message, delivery }): [RequestId, string][] =>
        delivery.state === 'refused' ? [[message.id as string as RequestId, textOf(message.parts)]] : []),
      ...refused.map(({ id, request }): [RequestId, string] => [id, JSON.stringify(request)])
    ])
  }

  /** What this page shows as requests of which nobody can say what became of them. */
  get #unknownOutcomes(): RequestId[] {
    const { messages, refused } = this.talk.view()
    const sends = messages.filter(({ delivery }) => delivery.state === 'refused' && delivery.code === 'outcome-unknown')
    return [
      ...sends.map(({ message }) => message.id as string as RequestId),
      ...refused.filter(({ refusal }) => refusal?.code === 'outcome-unknown').map(({ id }) => id)
    ]
  }

  readonly #now = (): number => this.#ports.clock.now() + this.#ports.skew

  #kept(name: DocumentName, disk: DeviceDisk, noted: (entry: OutboxEntry) => void) {
    const { clock, chance, hasTabs } = this.#ports
    const openStore = (): DeviceStore => {
      const store = openDeviceStore(disk, clock, chance.stream(), noted, this.tab.run)
      this.#stores.push(store)
      if (this.tab.isGone) store.kill()
      return store
    }
    if (!hasTabs) return { store: openStore() }
    const tabs = new TabSession({ surroundings: this.tab.surroundings(this.#now), key: name, openStore })
    return { store: tabs.store, tabs }
  }

  #note({ id, request, refusal }: OutboxEntry): void {
    const { witness, person, keeps } = this.#ports
    if (refusal && !witness.asked.has(`${person.principal.id} ${id}`)) return // Too long: it never left the device.
    witness.ask(id, request, person.principal.id)
    keeps(id)
  }

  /**
   * What was sent before a loss may have had its effect in what was lost: a page does not send it again by itself to who lost it. What it
   * says on a connection from before the loss, whose end it has not heard of yet, reaches nobody.
   */
  #watchProposals(): Telling {
    const { witness, label, isRepeated } = this.#ports
    const lossesAt = new Map<string, number>()
    return (update, losses) => {
      for (const { id } of proposalsIn(Y.decodeUpdate(update))) {
        if ((lossesAt.get(id) ?? losses) !== losses && !isRepeated(id)) witness.violation(`${label} sent ${id} again after a loss.`)
        lossesAt.set(id, losses)
      }
    }
  }

  #look(doc: Y.Doc, epoch: string | null): void {
    this.#ports.witness.look(doc, this.#ports.label)
    this.#lookInside(doc, epoch)
  }

  /** What the server sends builds on nothing that it has not sent, and one document is of one lineage. */
  #lookInside(doc: Y.Doc, epoch: string | null): void {
    const { witness, label } = this.#ports
    if (witness.forgives) return
    const before = this.#epochs.get(doc) ?? epoch
    if (epoch !== null) this.#epochs.set(doc, epoch)
    if (before !== epoch && epoch !== null) witness.violation(`${label} merged what is of ${epoch} into what is of ${before}.`)
    const { pendingStructs, pendingDs } = doc.store
    if (pendingStructs || pendingDs) witness.violation(`${label} was sent what it cannot apply yet.`)
  }
}
