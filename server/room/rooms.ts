/** The rooms in memory: loaded once however many ask (single-flight), kept while used, gone after a grace period. */
import type { DocumentName, RunId } from '../../shared/ids.ts'
import { SkeinError } from '../../shared/errors.ts'
import { BulkGate } from './bulk-gate.ts'
import { ColdDocument } from './cold-document.ts'
import { DocumentRoom } from './document-room.ts'
import { openDocument, warmDocument } from './open-document.ts'
import type { OpeningEnvironment } from './open-document.ts'
import type { Room, Rooms } from './port.ts'

export interface RoomsEnvironment extends Omit<OpeningEnvironment, 'bulk'> {
  /** How long a document stays in memory after its last write, and after its last user left, in milliseconds. */
  graceMs: number
  /**
   * What the directory knows of a document; null: nothing.
   * @throws SkeinError `gone` when it was deleted
   */
  enrolled?: (name: DocumentName) => Promise<{ firstEpoch: string | null } | null>
  /** Told of the runs that the log holds as open, each time that a document is loaded: nobody else may know of them. */
  onLoaded?: (name: DocumentName, openRuns: readonly RunId[]) => void
}

interface Held {
  room: Promise<DocumentRoom>
  /** Connections, agents and requests of the API. */
  users: number
  cancelUnload: () => void
}

export class RoomRegistry implements Rooms {
  readonly #environment: RoomsEnvironment & OpeningEnvironment
  readonly #held = new Map<DocumentName, Held>()
  /** Rooms that are gone while the log may still write for them. */
  readonly #leaving = new Map<DocumentName, Promise<void>>()
  #closing = false

  constructor(environment: RoomsEnvironment) {
    this.#environment = { ...environment, bulk: new BulkGate(environment.after, environment.yieldToOthers) }
  }

  /** Documents in memory. */
  get size(): number {
    return this.#held.size
  }

  /** Loads the room if need be and counts its user until `release` is called (once). */
  async acquire(name: DocumentName): Promise<{ room: DocumentRoom, release: () => void }> {
    if (this.#closing) throw new SkeinError('unavailable')
    const held = this.#held.get(name) ?? this.#hold(name)
    held.users++
    held.cancelUnload()
    const release = (): void => {
      if (--held.users === 0) void this.#leave(name, held)
    }
    try {
      return { room: await held.room, release }
    } catch (error) {
      release()
      throw error
    }
  }

  async use<T>(name: DocumentName, use: (room: Room) => Promise<T>): Promise<T> {
    const { room, release } = await this.acquire(name)
    try {
      return await room.use(use)
    } finally {
      release()
    }
  }

  /**
   * Ends the room and its connections with `gone` and removes all that the log holds of the document. Called when the directory has it as
   * deleted, durably: whoever loads it from then on is turned away, and who came before is held here.
   */
  async erase(name: DocumentName): Promise<void> {
    const room = await this.#held.get(name)?.room.catch(() => null)
    room?.discard(new SkeinError('gone'))
    await this.#leaving.get(name)
    await this.#environment.log.erase(name)
  }

  /** Waits until every room's writes are durable; nothing is loaded from now on. */
  async close(): Promise<void> {
    this.#closing = true
    await Promise.all([...this.#held.values()].map(async ({ room, cancelUnload }) => {
      cancelUnload()
      await (await room.catch(() => null))?.finish()
    }))
    await Promise.all(this.#leaving.values())
    this.#held.clear()
  }

  #hold(name: DocumentName): Held {
    const held: Held = { room: this.#open(name, () => this.#forget(name, held)), users: 0, cancelUnload: () => {} }
    this.#held.set(name, held)
    held.room.catch(() => this.#forget(name, held))
    return held
  }

  async #open(name: DocumentName, onGone: () => void): Promise<DocumentRoom> {
    const environment = this.#environment
    await this.#leaving.get(name)
    const entry = await environment.enrolled?.(name)
    const { start, openRuns } = await openDocument(name, entry?.firstEpoch ?? null, environment)
    const room = new DocumentRoom(name, start, {
      read: async () => ColdDocument.of(name, await environment.log.read(name), environment.yieldToOthers),
      load: epoch => warmDocument(name, epoch, environment),
      bulk: environment.bulk,
      onGone,
      after: environment.after,
      quietMs: environment.graceMs,
      longTail: environment.compactAfter / 10,
    })
    if (openRuns.length > 0) environment.onLoaded?.(name, openRuns)
    return room
  }

  #forget(name: DocumentName, held: Held): void {
    held.cancelUnload()
    if (this.#held.get(name) !== held) return
    this.#held.delete(name)
    const left: Promise<void> = held.room.then(room => room.drained(), () => {}).then(() => {
      if (this.#leaving.get(name) === left) this.#leaving.delete(name)
    })
    this.#leaving.set(name, left)
  }

  /** Nobody is connected any more. What is only bytes goes at once; a document that was built is kept for who comes soon. */
  async #leave(name: DocumentName, held: Held): Promise<void> {
    const room = await held.room.catch(() => null)
    if (!room || held.users > 0 || this.#held.get(name) !== held) return
    if (room.isIdle && !room.isLive) return this.#end(name, held, room)
    held.cancelUnload()
    held.cancelUnload = this.#environment.after(this.#environment.graceMs, () => void this.#unload(name, held, room))
  }

  /** Folds a long tail on the way out, so that the next load is short. A user who comes meanwhile keeps the room. */
  async #unload(name: DocumentName, held: Held, room: DocumentRoom): Promise<void> {
    await room.settle()
    if (held.users > 0) return
    if (room.isIdle) this.#end(name, held, room)
    else await this.#leave(name, held)
  }

  #end(name: DocumentName, held: Held, room: DocumentRoom): void {
    this.#forget(name, held)
    room.forget()
  }
}
