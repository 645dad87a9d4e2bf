/**
 * What everybody was told while a simulation ran, to be held against what there is at its end. What can be seen to be wrong at
 * once is noted at once.
 */
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts, readMessages, textOf } from '../../shared/conversation/read.ts'
import type { Message, Request } from '../../shared/conversation/schema.ts'
import { decodeFrame } from '../../shared/wire/codec.ts'
import type { RequestOutcome, Role } from '../../shared/wire/frame.ts'
import type { DocumentName, RequestId, UserId } from '../../shared/ids.ts'
import type { LogRecord } from '../../server/log/port.ts'
import type { Kept, MemoryDisk } from '../rig/memory-log.ts'
import { Lineages } from './lineages.ts'
import type { Person } from './people.ts'
import { Senders } from './senders.ts'
import type { PlatterWatch } from './virtual-log.ts'
import type { SocketWatch } from './virtual-socket.ts'

/** One person asked for one thing, on one or several devices. */
export interface Asked {
  id: RequestId
  by: UserId
  request: Request
  /** It has to get an outcome: a device holds it, nobody took it back. */
  certain: boolean
}

/** Told of an update that a page sends, and of how often something had been lost when its connection was let in. */
export type Telling = (update: Uint8Array, losses: number) => void

/** What a device shows of a document, as long as it is the same `Y.Doc`. */
interface Shown {
  messages: readonly string[]
}

export class Witness implements PlatterWatch {
  readonly violations: string[] = []
  /** The disk lies: what was there once may be gone, and come again. */
  forgives = false
  readonly asked = new Map<string, Asked>()
  /** Outcomes that were told, by request and person. */
  readonly told: { id: RequestId, to: UserId, outcome: RequestOutcome }[] = []
  readonly messages = new Map<string, Message>()
  /** Of an agent's reply in progress: the longest text that somebody read, by the id that the sealed message gets. */
  readonly drafts = new Map<string, string>()
  readonly lineages = new Lineages()
  /** Requests of a person that were shown as of an unknown outcome, at some time. */
  readonly leftToPerson = new Set<string>()
  /** Letters that nothing else holds, typed into shared drafts, by the device that has to see to it that they are not lost. */
  readonly typed = new Map<string, { letter: string, key: string }[]>()
  /** Drafts that their authors dropped, by author and id. */
  readonly dropped = new Set<string>()
  /** Requests that were ever accepted, by person. */
  readonly accepted = new Set<string>()
  readonly senders = new Senders()
  readonly #taken = new Map<string, RequestOutcome>()
  readonly #erased = new Set<DocumentName>()
  readonly #shown = new WeakMap<Y.Doc, Shown>()
  readonly #redacted = new Set<string>()
  deletions = 0
  sockets = 0
  frames = 0

  violation(text: string): void {
    this.violations.push(text)
  }

  ask(id: RequestId, request: Request, by: UserId): Asked {
    const key = `${by} ${id}`
    const asked = this.asked.get(key) ?? { id, by, request, certain: true }
    this.asked.set(key, asked)
    return asked
  }

  // --- The platter -------------------------------------------------------------------------------------------------------------

  /** A record reached the platter: whatever it took was not taken before, and has one effect each. */
  readonly written = (name: DocumentName, record: LogRecord): void => {
    if (this.forgives) return
    const { ledger, events } = record
    for (const what of this.senders.ofViewers(record)) this.violation(`${what} was sent by a viewer, and is in ${name}.`)
    if (this.#erased.has(name)) this.violation(`${name} was deleted, and written after that.`)
    const effects = { send: 0, redact: 0, react: 0 }
    let known = true
    for (const { requestId, outcome, principal, content } of ledger) {
      const key = `${name} ${requestId}`
      // A redaction takes out of the ledger what tells the content of the message, and says the rest again.
      const isRedacted = events.some(event => event.type === 'message.redacted' && event.messageId as string === requestId)
      if (isRedacted && content === undefined && this.#taken.get(key)?.status === outcome.status) continue
      if (this.#taken.has(key)) this.violation(`Request ${requestId} was taken twice.`)
      this.#taken.set(key, outcome)
      if (outcome.status === 'accepted') this.accepted.add(`${principal} ${requestId}`)
      const asked = this.asked.get(`${principal} ${requestId}`)
      // What an attacker sent with flipped bits may be a request all the same.
      if (!asked) known = false
      const type = asked?.request.type
      if (outcome.status === 'accepted' && (type === 'send' || type === 'redact' || type === 'react')) effects[type]++
    }
    const count = (type: string): number => events.filter(event => event.type === type && !('runId' in event)).length
    const found = { send: count('message.sent'), redact: count('message.redacted'), react: count('reaction.set') }
    if (known && JSON.stringify(found) !== JSON.stringify(effects)) {
      this.violation(`A record took ${JSON.stringify(effects)} and did ${JSON.stringify(found)}.`)
    }
  }

  /** A squash took the place of the document, on the platter. */
  readonly squashed = (name: DocumentName, epoch: string | undefined, before: readonly Uint8Array[], after: Uint8Array): void => {
    const wrong = this.lineages.squashed(name, epoch, before, after)
    if (wrong) this.violation(wrong)
  }

  /** Nothing is left of the document. */
  readonly erased = (name: DocumentName, before: Kept | undefined): void => {
    this.#erased.add(name)
    this.deletions++
    this.lineages.lost(new Map(before && [[name, before]]), new Map())
    this.typed.clear()
  }

  /** The disk holds `after` in place of `before`. */
  readonly lost = (before: MemoryDisk['documents'], after: MemoryDisk['documents']): void => {
    this.lineages.lost(before, after)
    this.typed.clear()
    this.#erased.clear()
    this.#taken.clear()
    for (const [name, { ledger }] of after) for (const { requestId, outcome } of ledger.values()) this.#taken.set(`${name} ${requestId}`, outcome)
  }

  // --- Readers -----------------------------------------------------------------------------------------------------------------

  /** Somebody reads the document now. */
  look(doc: Y.Doc, who: string): void {
    for (const id of openRoots(doc).redactions.keys()) this.#redacted.add(id)
    const before = this.#shown.get(doc)?.messages ?? []
    const messages = readMessages(doc)
    const now = messages.map(({ id }) => id as string)
    if (this.forgives) return
    const kept = before.filter(id => !this.#redacted.has(id))
    const older = now.filter(id => !this.#redacted.has(id))
    if (kept.some((id, i) => older[i] !== id)) this.violation(`On ${who} messages changed other than at their end.`)
    if (new Set(now).size !== now.length) this.violation(`On ${who} a message stands twice.`)
    this.#shown.set(doc, { messages: now })
    if (now.length !== before.length) for (const message of messages) this.#readMessage(message, who)
    for (const { head, parts } of readDrafts(doc)) {
      if (head.kind !== 'agent') continue
      const text = textOf(parts)
      if (text.length > (this.drafts.get(head.replyId)?.length ?? 0)) this.drafts.set(head.replyId, text)
    }
  }

  #readMessage(message: Message, who: string): void {
    const before = this.messages.get(message.id)
    this.messages.set(message.id, message)
    const same = !before || this.lineages.lostMessages.has(message.id) || JSON.stringify(before) === JSON.stringify(message)
    if (!same) this.violation(`On ${who} message ${message.id} has changed.`)
  }

  // --- Sockets -----------------------------------------------------------------------------------------------------------------

  /**
   * @param look called after the device handled a frame, with the epoch of the room that it came from
   * @param told called with each update that it sends after it was greeted
   */
  socket(
    person: Person, name: DocumentName, look: (epoch: string | null) => void, told: Telling,
  ): SocketState {
    this.sockets++
    return new SocketState(this, person, name, look, told)
  }

  keep(name: DocumentName, epoch: string | null, update: Uint8Array): void {
    if (epoch === null) this.violation(`${name}: something was told on a socket that nobody admitted.`)
    else if (!this.forgives) this.lineages.keep(name, epoch, update)
  }
}

/** One socket of a device: what went through it. */
export class SocketState implements SocketWatch {
  readonly #witness: Witness
  readonly #person: Person
  readonly #name: DocumentName
  readonly #look: (epoch: string | null) => void
  readonly #told: Telling
  readonly #sent: Uint8Array[] = []
  #saved = 0
  #open = true
  greeted = false
  /** In which it was let in. */
  role: Role | null = null
  /** Something of the document arrived; a long one does so before the step 2. */
  #wasTold = false
  /** Of the room that it was let into. */
  #epoch: string | null = null
  /** How often something had been lost when it was. */
  #losses = 0

  constructor(
    witness: Witness, person: Person, name: DocumentName, look: (epoch: string | null) => void, told: Telling,
  ) {
    this.#witness = witness
    this.#person = person
    this.#name = name
    this.#look = look
    this.#told = told
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Everything that was sent is acknowledged. */
  get isSaved(): boolean {
    return this.#saved === this.#sent.length
  }

  get state(): string {
    return `${this.#person.principal.id} ${this.#name}: ${this.#sent.length} sent, ${this.#saved} saved`
  }

  admitted(epoch: string, role: Role): void {
    this.#epoch = epoch
    this.role = role
    this.#losses = this.#witness.lineages.losses
  }

  sent(bytes: Uint8Array): void {
    const frame = decodeFrame(bytes)
    if (frame?.type !== 'sync-step-2' && frame?.type !== 'update') return
    this.#sent.push(frame.update.slice())
    this.#witness.senders.note(this.#person.principal.id, frame.update, this)
    if (this.greeted) this.#told(frame.update, this.#losses)
  }

  received(bytes: Uint8Array): void {
    this.#witness.frames++
    const frame = decodeFrame(bytes)
    if (frame?.type === 'sync-step-2' || frame?.type === 'update') {
      this.#wasTold = true
      this.#witness.keep(this.#name, this.#epoch, frame.update.slice())
    }
    if (frame?.type !== 'control') return
    const { control } = frame
    if (control.kind === 'hello') this.greeted = true
    if (control.kind === 'result') {
      this.#witness.told.push({ id: control.requestId, to: this.#person.principal.id, outcome: control.outcome })
    }
    if (control.kind === 'saved') this.#acknowledge(control.frames)
  }

  handled(): void {
    this.#look(this.#wasTold ? this.#epoch : null)
  }

  closed(): void {
    this.#open = false
  }

  #acknowledge(frames: number): void {
    if (frames > this.#sent.length || frames <= this.#saved) this.#witness.violation(`Told saved ${frames}: ${this.state}.`)
    // Deletions of a viewer are acknowledged, and nothing comes of them.
    if (this.role !== 'viewer') for (const update of this.#sent.slice(this.#saved, frames)) this.#witness.keep(this.#name, this.#epoch, update)
    this.#saved = frames
  }
}
