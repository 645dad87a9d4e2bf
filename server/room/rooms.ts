/** The rooms in memory: loaded once however many ask (single-flight), kept while used, gone after a grace period. */
import type { DocumentName, RunId } from '../../shared/ids.ts'
import { SkeinError } from '../../shared/errors.ts'
import * as Y from 'yjs'
import type { Lineage, StoredDocument } from '../log/port.ts'
import { pendingMigrations } from '../../shared/conversation/migrate.ts'
import { documentKind } from '../../shared/ids.ts'
import { derivedId } from './derive-run.ts'
import { nextEpoch, nextLineage } from './lineage.ts'
import type { Random } from './lineage.ts'
import { loadDocument } from './load-document.ts'
import type { Room, Rooms } from './port.ts'
import { LiveRoom } from './room.ts'
import { factsOf } from './snapshot-facts.ts'
import type { RoomEnvironment } from './write-path.ts'
import { isDueForSquash, squash, squashLimits } from './squash.ts'
import type { SquashLimits } from './squash.ts'

export interface RoomsEnvironment extends RoomEnvironment {
  random: Random
  /** How long a room stays in memory after its last user left, in milliseconds. */
  graceMs: number
  /** {@link squashLimits} but in tests. */
  squashAt?: SquashLimits
  /**
   * What the directory knows of a document; null: nothing.
   * @throws SkeinError `gone` when it was deleted
   */
  enrolled?: (name: DocumentName) => Promise<{ firstEpoch: string | null } | null>
  /** Told of the runs that the log holds as open, each time that a document is loaded: nobody else may know of them. */
  onLoaded?: (name: DocumentName, openRuns: readonly RunId[]) => void
}

interface Held {
  room: Promise<LiveRoom>
  users: number
  cancelUnload: () => void
}

export class RoomRegistry implements Rooms {
  readonly #environment: RoomsEnvironment
  readonly #held = new Map<DocumentName, Held>()
  /** Rooms that are gone while the log may still write for them. */
  readonly #leaving = new Map<DocumentName, Promise<void>>()
  #closing = false

  constructor(environment: RoomsEnvironment) {
    this.#environment = environment
  }

  /** Documents in memory. */
  get size(): number {
    return this.#held.size
  }

  /** Loads the room if need be and counts its user until `release` is called (once). */
  async acquire(name: DocumentName): Promise<{ room: LiveRoom, release: () => void }> {
    if (this.#closing) throw new SkeinError('unavailable')
    const held = this.#held.get(name) ?? this.#hold(name)
    held.users++
    held.cancelUnload()
    const release = (): void => {
      if (--held.users === 0) this.#scheduleUnload(name, held)
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
      return await use(room)
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
      await (await room.catch(() => null))?.drained()
    }))
    await Promise.all(this.#leaving.values())
    this.#held.clear()
  }

  #hold(name: DocumentName): Held {
    const held: Held = { room: this.#load(name, () => this.#forget(name, held)), users: 0, cancelUnload: () => {} }
    this.#held.set(name, held)
    held.room.catch(() => this.#forget(name, held))
    return held
  }

  async #load(name: DocumentName, onGone: () => void): Promise<LiveRoom> {
    await this.#leaving.get(name)
    const entry = await this.#environment.enrolled?.(name)
    const stored = await this.#environment.log.read(name)
    const room = await this.#build(name, stored, entry?.firstEpoch ?? null, onGone)
    if (stored && stored.openRuns.length > 0) this.#environment.onLoaded?.(name, stored.openRuns)
    return room
  }

  async #build(name: DocumentName, stored: StoredDocument | null, entered: string | null, onGone: () => void): Promise<LiveRoom> {
    const { log, random, yieldToOthers } = this.#environment
    const doc = await loadDocument(name, stored?.updates ?? [], yieldToOthers)
    if (stored && this.#needsNewEpoch(name, stored, doc)) return this.#beginEpoch(name, stored, doc, onGone)
    const firstEpoch = entered === null ? null : epochSince(entered, log.newEpochsSince)
    const lineage = nextLineage(stored?.lineage ?? null, log.generation, random, takenIds(stored, doc), firstEpoch)
    return new LiveRoom(name, doc, stored, lineage, this.#environment, onGone)
  }

  /** Only here, where nobody is connected: whoever comes next is told of the new epoch before anything else. */
  #needsNewEpoch(name: DocumentName, { lineage }: StoredDocument, doc: Y.Doc): boolean {
    return isDueForSquash(name, doc, this.#environment.squashAt ?? squashLimits) || this.#mayLack(lineage)
  }

  /** Devices may hold more of the document than the log does. */
  #mayLack(lineage: Lineage | null): boolean {
    return lineage !== null && lineage.ids.generation < (this.#environment.log.newEpochsSince ?? 0)
  }

  /** One batch replaces all records and the lineage; ledger, client-id owners, events and runs stay as they are. */
  async #beginEpoch(name: DocumentName, stored: StoredDocument, old: Y.Doc, onGone: () => void): Promise<LiveRoom> {
    const { log, logger, random, yieldToOthers } = this.#environment
    if (documentKind(name) === 'conversation') pendingMigrations(old) // throws where a newer program wrote
    const owners = new Set(stored.bindings.map(({ clientId }) => clientId))
    const strangers = [...old.store.clients.keys()].filter(id => !owners.has(id))
    const lineage = nextEpoch(stored.lineage, strangers, log.generation, random, takenIds(stored, old), !this.#mayLack(stored.lineage))
    const doc = await squash(name, old, lineage.ids, yieldToOthers)
    const update = Y.encodeStateAsUpdate(doc)
    await log.compact(name, { update, stateVector: Y.encodeStateVector(doc), upTo: stored.head, lineage, facts: factsOf(name, doc) })
    logger.info({ document: name, epoch: lineage.epoch, clients: old.store.clients.size, bytes: update.length }, 'document begun anew under another epoch')
    old.destroy()
    return new LiveRoom(name, doc, { ...stored, lineage, updates: [update] }, { lineage, changed: false }, this.#environment, onGone)
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

  #scheduleUnload(name: DocumentName, held: Held): void {
    if (this.#held.get(name) !== held) return
    held.cancelUnload = this.#environment.after(this.#environment.graceMs, () => void this.#unload(name, held))
  }

  /** Folds a long tail on the way out, so that the next load is short. A user who comes meanwhile keeps the room. */
  async #unload(name: DocumentName, held: Held): Promise<void> {
    await (await held.room).settle(this.#environment.compactAfter / 10)
    if (held.users === 0) this.#forget(name, held)
  }
}

const takenIds = (stored: StoredDocument | null, doc: Y.Doc): (id: number) => boolean => {
  const owned = new Set(stored?.bindings.map(({ clientId }) => clientId))
  return id => doc.store.clients.has(id) || owned.has(id)
}

/** A document that nobody has written since epochs had to begin anew may have been written before, in what was lost. */
const epochSince = (firstEpoch: string, since = 0): string => since === 0 ? firstEpoch : derivedId('epoch', firstEpoch, String(since))
