/** A device that runs the real SDK: a conversation and an artifact, kept on a disk of its own. */
import type * as Y from 'yjs'
import type { Request } from '../../shared/conversation/schema.ts'
import { putRequest } from '../../shared/conversation/write.ts'
import type { DocumentName, DraftId, RequestId } from '../../shared/ids.ts'
import { DeviceDisk } from './device-disk.ts'
import type { Device, DevicePorts, Sending } from './device.ts'
import type { Connectivity } from './line.ts'
import { BOARD, TALK } from './names.ts'
import type { Person } from './people.ts'
import { SdkPage } from './sdk-page.ts'
import { Tabs } from './tabs.ts'

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
  #tabs: Tabs
  /** Its person sits at the first one, which runs. */
  #pages: SdkPage[]
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
    return this.#page.copyOf(TALK)
  }

  get board(): Y.Doc | null {
    return this.#page.copyOf(BOARD)
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
      case 'retry': return void talk.retry(request.messageId)
      case 'continue': return void talk.continue(request.messageId)
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
    for (const page of this.#pages) page.end()
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
        if (!other?.tab.runs) return
        this.#pages = this.#pages.filter(page => page !== other)
        return other.close()
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
    this.#each(page => page.end())
  }

  replicas(name: DocumentName): readonly (Y.Doc | null)[] {
    return this.#pages.map(page => page.copyOf(name))
  }

  get unrest(): string | null {
    for (const page of this.#pages) {
      const { unrest } = page
      if (unrest) return unrest
    }
    return null
  }

  mayWrite(name: DocumentName): boolean {
    return (this.#page.roleIn(name) ?? this.person.role) !== 'viewer'
  }

  get refused(): ReadonlyMap<RequestId, string> {
    return this.#page.refused
  }

  get #page(): SdkPage {
    return this.#pages[0]!
  }

  #each(act: (page: SdkPage) => void, online = this.#online): void {
    this.#online = online
    for (const page of this.#pages) act(page)
  }

  /** The page is gone without a word. Where there is no other its person opens a new one. */
  #kill(page: SdkPage): void {
    page.end()
    const { witness, chance } = this.#ports
    witness.typed.delete(this.label)
    const others = this.#pages.filter(other => other !== page)
    const stillShown = new Set<string>(others.flatMap(({ talk }) => talk.view().messages.map(({ message }) => message.id)))
    for (const id of this.#own) if (!this.#disks.talk.requests.has(id) && !stillShown.has(id)) this.#uncertain(id)
    const running = others.find(({ tab }) => tab.runs)
    if (running && chance.of(0.5)) this.#pages = [running, ...others.filter(other => other !== running)]
    else this.#pages = [this.#open(), ...others]
  }

  #uncertain(id: RequestId): void {
    const asked = this.#ports.witness.asked.get(`${this.person.principal.id} ${id}`)
    if (asked) asked.certain = false
  }

  #open(): SdkPage {
    return new SdkPage({
      ...this.#ports,
      tabs: this.#tabs,
      hasTabs: this.#mayHaveTabs,
      disks: this.#disks,
      skew: this.#skew,
      online: this.#online,
      isRepeated: id => this.#repeated.has(id),
      keeps: id => this.#own.add(id)
    })
  }
}
