/** The rooms of a server over a disk in memory, and pages of stock clients in them, on a clock that the test moves. */
import * as Y from 'yjs'
import { BURST_MS } from '../../server/room/broadcast.ts'
import type { Budgets } from '../../server/room/budget.ts'
import type { DocumentRoom } from '../../server/room/document-room.ts'
import type { Outgoing } from '../../server/room/outgoing.ts'
import { RoomRegistry } from '../../server/room/rooms.ts'
import type { Session } from '../../server/room/session.ts'
import { squashLimits } from '../../server/room/squash.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DocumentName, RequestId, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import { decodeFrame } from '../../shared/wire/codec.ts'
import type { Frame } from '../../shared/wire/frame.ts'
import { messageTexts, say } from './conversation.ts'
import { ManualTime, settle } from './manual-time.ts'
import { MemoryDisk, openMemoryLog } from './memory-log.ts'
import type { MemoryLog } from './memory-log.ts'

export const ada: Principal = { kind: 'user', id: 'ada' as UserId, name: 'Ada' }
export const bob: Principal = { kind: 'user', id: 'bob' as UserId, name: 'Bob' }
export const talk = conversationName('talk')!
export const QUIET_MS = 60_000

/** The rooms of one server after another, over one disk. */
export class World {
  readonly disk = new MemoryDisk()
  readonly time = new ManualTime()
  /** Documents that were built in memory, each time. */
  decoded: DocumentName[] = []
  log!: MemoryLog
  rooms!: RoomRegistry
  squashAt = squashLimits
  budgets: Budgets | null = null
  documentBytes = Infinity
  yieldToOthers = (): Promise<void> => Promise.resolve()
  /** Milliseconds that pass between two looks at the clock: as it is, no two records are one burst. */
  tick = BURST_MS
  #passed = 0
  #ids = 1

  constructor() {
    this.start()
  }

  start(): void {
    this.log = openMemoryLog(this.disk)
    this.decoded = []
    this.rooms = new RoomRegistry({
      log: this.log,
      agents: { defaultAgent: null, nameOf: () => undefined, all: [] },
      onEvents: () => {},
      onDecoded: name => { this.decoded.push(name) },
      budgets: this.budgets,
      documentBytes: this.documentBytes,
      now: () => this.time.now() + (this.#passed += this.tick),
      logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      compactAfter: 500,
      random: { uint32: () => ++this.#ids, uuid: () => `epoch ${++this.#ids}` },
      graceMs: QUIET_MS,
      after: this.time.after,
      yieldToOthers: () => this.yieldToOthers(),
      squashAt: this.squashAt,
    })
  }

  async restart(): Promise<void> {
    await this.rooms.close()
    await this.log.close()
    this.start()
  }

  async enter(name = talk, principal = ada, doc = new Y.Doc()): Promise<Page> {
    const { room, release } = await this.rooms.acquire(name)
    return new Page(room, release, principal, doc)
  }

  /** A conversation with so many messages, before a server that has not looked at it. */
  async written(count: number, atRest: boolean): Promise<string[]> {
    const page = await this.enter()
    await page.join()
    const texts = Array.from({ length: count }, (_, n) => `message ${n}`)
    for (const text of texts) {
      say(page.doc, text, { to: [] })
      await settle()
    }
    if (page.texts.join() !== texts.join()) throw new Error('Not all messages were taken')
    page.close()
    if (atRest) await this.time.advance(2 * QUIET_MS)
    await this.restart()
    return texts
  }
}

/** A page of a stock client: answers step 1, and sends what is typed into its document. */
export class Page implements Session {
  readonly principal: Principal
  readonly role = 'owner'
  readonly room: DocumentRoom
  readonly doc: Y.Doc
  ended = false
  readonly bytes: Uint8Array[] = []
  readonly frames: Frame[] = []
  readonly saved: RequestId[] = []
  endedBy: string | null = null
  refusedBy: string | null = null
  /** Sync frames sent and acknowledged. */
  sent = 0
  acknowledged = 0
  /** Steps that it took to judge what it sent. */
  work = 0
  /** What it is sent as an answer fills its socket, and it reads nothing. */
  isFull = false
  readonly #release: () => void
  #closed = false

  constructor(room: DocumentRoom, release: () => void, principal: Principal, doc: Y.Doc) {
    this.room = room
    this.#release = release
    this.principal = principal
    this.doc = doc
    doc.on('update', (update: Uint8Array, origin: unknown) => { if (origin !== this) this.submit(update) })
  }

  async join(): Promise<void> {
    this.ask()
    await settle()
  }

  ask(): void {
    this.askWith(Y.encodeStateVector(this.doc))
  }

  askWith(stateVector: Uint8Array): void {
    const isWanted = (): boolean => this.isOpen
    const sent = (): void => { if (this.isFull) this.room.stop(this) }
    this.room.join({ session: this, stateVector, get isWanted() { return isWanted() }, sent })
  }

  submit(bytes: Uint8Array): void {
    this.sent++
    this.room.submit({
      session: this, bytes, final: false,
      applied: () => {},
      saved: () => { this.acknowledged++ },
      parked: () => { throw new Error('nothing is missing here') },
      refused: (code) => {
        this.refusedBy = code
        this.ended = true
      },
    })
  }

  get isOpen(): boolean {
    return !this.ended && !this.#closed
  }

  worked(steps: number): void {
    this.work += steps
  }

  deliver({ frames }: Outgoing): void {
    for (const frame of frames) this.send(frame)
  }

  send(bytes: Uint8Array): void {
    this.bytes.push(bytes)
    const frame = decodeFrame(bytes)!
    this.frames.push(frame)
    if (frame.type === 'sync-step-1') this.submit(Y.encodeStateAsUpdate(this.doc, frame.stateVector))
    if (frame.type === 'sync-step-2' || frame.type === 'update') Y.applyUpdate(this.doc, frame.update, this)
  }

  end(code: string): void {
    this.ended = true
    this.endedBy = code
  }

  close(): void {
    this.#closed = true
    this.room.leave(this)
    this.#release()
  }

  get kinds(): string[] {
    return this.frames.map(({ type }) => type)
  }

  get texts(): string[] {
    return messageTexts(this.doc)
  }
}

const opened: World[] = []

export const world = (): World => {
  const made = new World()
  opened.push(made)
  return made
}

/** For `afterEach`. */
export const closeWorlds = async (): Promise<void> => {
  for (const made of opened.splice(0)) await made.rooms.close()
}

/** Few messages are records, as the end of a server left them; many are one snapshot with what it holds, as a document leaves memory. */
export const atRest = async (count: number): Promise<{ world: World, texts: string[] }> => {
  const over = world()
  const texts = await over.written(count, count > 50)
  if ((over.disk.documents.get(talk)!.facts === null) !== count < 50) throw new Error(`${count} messages are not stored as expected`)
  return { world: over, texts }
}
