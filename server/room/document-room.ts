/**
 * The room of a document as its connections know it, whether the document is in memory or not.
 *
 * cold → warming → live → cold … → gone. Cold, readers are served what the log holds, as bytes (cold-readers.ts). The first write, or
 * read by an agent or the API, makes it live (live-room.ts), and when nothing was written for a while it is cold again, its readers
 * attached.
 *
 * 1. Only a live room writes. So while it is cold or warming what the log holds stands still, and whoever was served it is subscribed to
 *    everything after it.
 * 2. Each change of phase is synchronous: sessions, claims and waiting updates go over in one step, so no record is missed or sent twice.
 * 3. What a connection says while the room is cold waits in order, and is judged by the live room alone (cold-inbox.ts).
 * 4. A document begins a new epoch before anybody is let in, never under its readers.
 */
import type { ErrorCode } from '../../shared/errors.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Lineage } from '../log/port.ts'
import type { BulkGate } from './bulk-gate.ts'
import type { ClientOwners } from './client-owners.ts'
import type { ColdDocument } from './cold-document.ts'
import { ColdInbox } from './cold-inbox.ts'
import { ColdReaders } from './cold-readers.ts'
import { KeptBytes } from './kept-bytes.ts'
import type { LiveRoom } from './live-room.ts'
import type { Room } from './port.ts'
import type { Joining, Session, Submission } from './session.ts'

/** Makes the live room at once; called when everything that takes time is done. */
export type BuildLive = (onGone: () => void) => LiveRoom

export interface DocumentRoomPorts {
  /** What the log holds now; null when that has to be decoded. */
  read: () => Promise<ColdDocument | null>
  /** Loads the document, in the epoch that its readers were told. */
  load: (epoch: string) => Promise<BuildLive>
  bulk: BulkGate
  /** Called once, when the room may no longer be used. */
  onGone: () => void
  after: Timers['after']
  /** How long nothing may be written before the document leaves memory (milliseconds). */
  quietMs: number
  /** Records after the snapshot that are folded into one when the document leaves memory. */
  longTail: number
}

/** What readers are told of the lineage. */
export type Told = Pick<Lineage, 'epoch' | 'continues'>

/** What a room begins with. */
export type Start = { lineage: Told } & ({ cold: ColdDocument, owners: ClientOwners } | { live: BuildLive })

type Phase =
  | { kind: 'cold' }
  | { kind: 'warming', live: Promise<LiveRoom> }
  | { kind: 'live', room: LiveRoom }
  | { kind: 'gone', error: SkeinError }

export class DocumentRoom {
  readonly name: DocumentName
  readonly lineage: Told
  readonly #ports: DocumentRoomPorts
  #phase: Phase = { kind: 'cold' }
  #owners: ClientOwners | null = null
  /** Agents and requests of the API that need the document. */
  #uses = 0
  #cancelQuiet: () => void = () => {}
  readonly #stored: KeptBytes
  /** What is served and waits while it is cold. */
  readonly #readers: ColdReaders
  readonly #inbox: ColdInbox
  #drained: Promise<void> = Promise.resolve()

  /** @throws SkeinError `newer-schema` */
  constructor(name: DocumentName, start: Start, ports: DocumentRoomPorts) {
    this.name = name
    this.lineage = start.lineage
    this.#ports = ports
    this.#stored = new KeptBytes(ports.read, ports.after)
    this.#readers = new ColdReaders({ live: () => this.#live(), warm: () => this.#warm() }, this.#stored, ports.bulk)
    this.#inbox = new ColdInbox(this.#stored, () => this.#warm())
    if ('cold' in start) {
      this.#owners = start.owners
      this.#readers.begin(start.cold.stateVector)
      void this.#stored.keep(Promise.resolve(start.cold))
    } else this.#becomeLive(start.live)
  }

  /** Whether the document is in memory, or soon will be. */
  get isLive(): boolean {
    return this.#phase.kind === 'live' || this.#phase.kind === 'warming'
  }

  /** Nothing is under way: a room that nobody is connected to may be forgotten. */
  get isIdle(): boolean {
    switch (this.#phase.kind) {
      case 'cold': return this.#inbox.isEmpty
      case 'warming': return false
      case 'live': return this.#uses === 0 && this.#phase.room.isIdle
      case 'gone': return true
    }
  }

  // --- Clients ---------------------------------------------------------------------------------------------------------------------

  /** Answers sync step 1 with what the client lacks and with what the server has. */
  join(joining: Joining): void {
    const phase = this.#phase
    if (phase.kind === 'live') return phase.room.join(joining)
    if (phase.kind === 'gone') return joining.session.end(phase.error.code)
    void this.#readers.serve(joining, true)
  }

  leave(session: Session): void {
    this.#ports.bulk.leave(session)
    if (this.#phase.kind === 'live') this.#phase.room.leave(session)
    else this.#readers.leave(session)
  }

  /** The session does not read: nothing more is queued for it until it is {@link resume}d. */
  stop(session: Session): void {
    if (this.#phase.kind === 'live') this.#phase.room.stop(session)
    else this.#readers.stop(session)
  }

  /** The session has read all that was queued. @param sent called when it has been sent what it missed meanwhile */
  resume(session: Session, sent: () => void): void {
    this.#ports.bulk.leave(session)
    const phase = this.#phase
    if (phase.kind === 'live') return phase.room.resume(session, sent)
    if (phase.kind === 'gone') return session.end(phase.error.code)
    this.#readers.resume(session, sent)
  }

  /** Sends the server's state vector again; the client answers with what the server lacks. */
  askForMissing(session: Session): void {
    const phase = this.#phase
    if (phase.kind === 'live') return phase.room.askForMissing(session)
    this.#warm().then(room => room.askForMissing(session), () => session.end(this.#code))
  }

  /** An update of a client, on its way to everybody's screens (write-path.ts). */
  submit(submission: Submission): void {
    const phase = this.#phase
    if (phase.kind === 'live') return phase.room.submit(submission)
    if (phase.kind === 'gone') return submission.session.end(phase.error.code)
    this.#inbox.add(submission)
  }

  /** How long the document's own state vector is: about what a client that holds all of it sends. */
  get stateVectorBytes(): number {
    return this.#phase.kind === 'live' ? this.#phase.room.stateVector.length : this.#readers.stateVector.length
  }

  /** Whether a state vector with these client ids speaks of the document as it was in another epoch: it must not be merged. */
  isStale(clientIds: Iterable<number>): boolean {
    for (const id of clientIds) if (this.#owners?.isOfOtherEpoch(id)) return true
    return false
  }

  /** Whether the principal may show presence under this Yjs client id on this connection. */
  claimClient(clientId: number, principal: Principal, by: object): boolean {
    return this.#owners?.claim(clientId, principal, by) ?? false
  }

  releaseClients(clientIds: Iterable<number>, by: object): void {
    this.#owners?.release(clientIds, by)
  }

  // --- The server's own reads and writes -------------------------------------------------------------------------------------------

  /** Keeps the document in memory for as long as `work` runs. */
  async use<T>(work: (room: Room) => Promise<T>): Promise<T> {
    this.#uses++
    try {
      return await work(await this.#warm())
    } finally {
      this.#uses--
    }
  }

  // --- Life ------------------------------------------------------------------------------------------------------------------------

  /** Folds what is worth folding on the way out of memory, so that the next reader can be served bytes, and waits for the log. */
  async settle(): Promise<void> {
    if (this.#phase.kind === 'live') await this.#phase.room.settle(this.#ports.longTail)
  }

  /** Resolves when everything that was submitted is on disk and everybody has been told. */
  async finish(): Promise<void> {
    if (this.#phase.kind === 'warming') await this.#phase.live.catch(() => null)
    await (this.#phase.kind === 'live' ? this.#phase.room.finish() : this.#drained)
  }

  /** Resolves when the log is done with this room's records; before that nobody may load the document anew. */
  drained(): Promise<void> {
    return this.#phase.kind === 'live' ? this.#phase.room.drained() : this.#drained
  }

  /** Nobody is connected and nothing under way. */
  forget(): void {
    if (this.#phase.kind === 'live') this.#phase.room.retire()
    this.#end(new SkeinError('unavailable'))
  }

  /** Its connections end, and the next user gets another room. With `gone` it was deleted, and the sockets close for good. */
  discard(error: unknown): void {
    if (this.#phase.kind === 'live') return this.#phase.room.discard(error)
    if (this.#phase.kind === 'gone') return
    const cause = error instanceof SkeinError ? error : new SkeinError('internal', undefined, { cause: error })
    const sessions = this.#end(cause)
    for (const session of sessions) session.end(cause.code)
    this.#ports.onGone()
  }

  /** The live room was discarded: its sessions have been ended. */
  #lost(): void {
    if (this.#phase.kind !== 'live') return
    const { room } = this.#phase
    this.#drained = room.drained()
    this.#end(room.broken ?? new SkeinError('not-saved'))
    this.#ports.onGone()
  }

  /** @returns who was served, or waited, without the live room */
  #end(error: SkeinError): Session[] {
    this.#phase = { kind: 'gone', error }
    this.#cancelQuiet()
    this.#stored.drop()
    return [...this.#readers.end(), ...this.#inbox.take().map(({ session }) => session)]
  }

  get #code(): ErrorCode {
    return this.#phase.kind === 'gone' ? this.#phase.error.code : 'unavailable'
  }

  // --- From cold to live and back --------------------------------------------------------------------------------------------------

  /** @throws SkeinError why the room is gone */
  #live(): LiveRoom | null {
    if (this.#phase.kind === 'gone') throw this.#phase.error
    return this.#phase.kind === 'live' ? this.#phase.room : null
  }

  #warm(): Promise<LiveRoom> {
    switch (this.#phase.kind) {
      case 'live': return Promise.resolve(this.#phase.room)
      case 'warming': return this.#phase.live
      case 'gone': return Promise.reject(this.#phase.error)
      case 'cold': {
        const live = this.#load()
        this.#phase = { kind: 'warming', live }
        return live
      }
    }
  }

  async #load(): Promise<LiveRoom> {
    try {
      const build = await this.#ports.load(this.lineage.epoch)
      if (this.#phase.kind === 'gone') throw this.#phase.error
      return this.#becomeLive(build)
    } catch (error) {
      this.discard(error)
      throw error
    }
  }

  #becomeLive(build: BuildLive): LiveRoom {
    const room = build(() => this.#lost())
    if (room.broken) throw room.broken
    if (this.#owners) room.owners.takeOver(this.#owners)
    this.#owners = room.owners
    this.#readers.handOver(room)
    this.#stored.drop()
    this.#phase = { kind: 'live', room }
    for (const submission of this.#inbox.take()) room.submit(submission)
    this.#watch(room)
    return room
  }

  #watch(room: LiveRoom): void {
    const { sequence } = room
    this.#cancelQuiet = this.#ports.after(this.#ports.quietMs, () => void this.#rest(room, sequence))
  }

  /** Leaves memory when nothing was written since this sequence. */
  async #rest(room: LiveRoom, sequence: number): Promise<void> {
    const isLive = (): boolean => this.#phase.kind === 'live' && this.#phase.room === room
    const isQuiet = (): boolean => isLive() && this.#uses === 0 && room.isIdle && room.sequence === sequence
    if (isQuiet()) {
      await room.settle(this.#ports.longTail)
      if (isQuiet()) return this.#becomeCold(room)
    }
    if (isLive()) this.#watch(room)
  }

  #becomeCold(room: LiveRoom): void {
    const { stateVector } = room
    this.#readers.begin(stateVector, room.retire())
    this.#phase = { kind: 'cold' }
  }
}
