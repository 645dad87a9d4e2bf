/** One WebSocket of one principal in one room: frames in, frames out, nothing decided here that the room or the gate decides. */
import * as Y from 'yjs'
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'
import { SCHEMA_VERSION } from '../../shared/conversation/schema.ts'
import { decodeFrame, encodeFrame } from '../../shared/wire/codec.ts'
import type { Control, RequestOutcome, Role } from '../../shared/wire/frame.ts'
import type { DocumentRoom } from '../room/document-room.ts'
import { Outgoing } from '../room/outgoing.ts'
import type { Session } from '../room/session.ts'
import { closeReason } from './close-reason.ts'
import { Intake } from './intake.ts'
import type { IntakePorts } from './intake.ts'
import { Outbox } from './outbox.ts'
import { ParkedFrames } from './parked-frames.ts'
import type { SyncFrame } from './parked-frames.ts'
import type { Presence } from './presence.ts'
import { decodePresence } from './presence-codec.ts'
import { SavedFrames } from './saved-frames.ts'
import type { Socket } from './socket.ts'

type Phase =
  | { state: 'open' }
  /** A frame was refused or the room is lost: whatever still arrives, or waits to be judged, is not looked at. */
  | { state: 'ended' }
  /** The peer has gone; what it sent before that still counts. */
  | { state: 'left' }

export class Connection implements Session {
  /** As they are called now; it is always the same one. */
  principal: Principal
  role: Role
  readonly #socket: Socket
  readonly #room: DocumentRoom
  readonly #presence: Presence
  readonly #speaksSkein: boolean
  readonly #frames = new SavedFrames()
  readonly #parked = new ParkedFrames()
  readonly #intake: Intake
  readonly #outbox: Outbox
  #phase: Phase = { state: 'open' }
  #joined = false
  /** Of the step 1 whose answer is on its way; a second one meanwhile would only say the same. */
  #joining: Uint8Array | null = null
  /** Client ids that this connection announced presence under; null: none. */
  #announced: Set<number> | null = null
  /** Sync step 1 that is not answered while nothing is queued for this connection. */
  #joinsLater: Uint8Array | null = null

  constructor(
    socket: Socket, room: DocumentRoom, presence: Presence, principal: Principal, role: Role, speaksSkein: boolean, ports: IntakePorts,
  ) {
    this.#socket = socket
    this.#room = room
    this.#presence = presence
    this.principal = principal
    this.role = role
    this.#speaksSkein = speaksSkein
    this.#intake = new Intake(socket, ports)
    this.#outbox = new Outbox(socket, limits, () => this.#stop())
    this.#control({
      kind: 'hello',
      epoch: room.lineage.epoch,
      ...room.lineage.continues && { continues: room.lineage.continues },
      role,
      userId: principal.id,
      schema: SCHEMA_VERSION,
      limits: { frameBytes: limits.frameBytes, messageBytes: limits.messageBytes }
    })
  }

  // --- From the client -------------------------------------------------------------------------------------------------------------

  receive(bytes: Uint8Array): void {
    if (!this.isOpen) return
    const frame = decodeFrame(bytes)
    switch (frame?.type) {
      case 'sync-step-1':
        this.#intake.question()
        return this.#join(frame.stateVector)
      case 'sync-step-2':
        this.#intake.update()
        return this.#submit({ number: this.#frames.receive(), bytes: frame.update, answersUs: true }, this.#parked.isLastAnswer)
      case 'update':
        this.#intake.update()
        return this.#submit({ number: this.#frames.receive(), bytes: frame.update, answersUs: false }, false)
      case 'awareness': {
        this.#intake.question()
        const entries = decodePresence(frame.update)
        if (!entries) return this.#refuse(0, 'malformed', 'The awareness frame is not valid.')
        return this.#presence.update(this, entries, id => this.#mayShow(id))
      }
      case 'query-awareness':
        this.#intake.question()
        return this.#presence.tell(this)
      // What only the server says, and bytes that are no frame.
      case 'auth':
      case 'control':
      case undefined:
        return this.#refuse(0, 'malformed', 'The frame is not one of the sync protocol.')
    }
  }

  /** The socket is closed; nothing may be sent any more. */
  closed(): void {
    if (this.#phase.state === 'open') this.#phase = { state: 'left' }
    this.#intake.end()
    this.#room.leave(this)
    this.#presence.leave(this)
    if (this.#announced) this.#room.releaseClients(this.#announced, this)
  }

  get ended(): boolean {
    return this.#phase.state === 'ended'
  }

  get isOpen(): boolean {
    return this.#phase.state === 'open'
  }

  #mayShow(clientId: number): boolean {
    const announced = this.#announced ??= new Set()
    if (!announced.has(clientId) && announced.size >= limits.presenceIdsPerConnection) return false
    if (!this.#room.claimClient(clientId, this.principal, this)) return false
    announced.add(clientId)
    return true
  }

  /** @param hasRead all that was queued for it, after it had stopped reading */
  #join(stateVector: Uint8Array, hasRead = false): void {
    if (this.#joining) return
    // A document that has grown past the limit must still open for those who hold it.
    const bound = Math.max(limits.stateVectorBytes, 2 * this.#room.stateVectorBytes)
    if (stateVector.length > bound) return this.#refuse(0, 'too-large', `The state vector is larger than ${bound} bytes.`)
    const clients = decodeStateVector(stateVector)
    if (!clients) return this.#refuse(0, 'malformed', 'The state vector is not valid.')
    if (this.#room.isStale(clients.keys())) return this.end('epoch-changed')
    if (this.#outbox.holds && !hasRead) {
      this.#joinsLater = stateVector
      return
    }
    this.#parked.asks()
    this.#joining = stateVector
    const isWanted = (): boolean => this.isOpen && this.#joining === stateVector
    this.#room.join({
      session: this,
      stateVector,
      get isWanted() { return isWanted() },
      sent: () => {
        this.#joining = null
        if (hasRead) this.#catchUp()
        // At once, so that who asks over and over and reads nothing is found out before it has asked again.
        this.#outbox.flush()
      },
    })
    if (!this.#joined) this.#presence.join(this)
    this.#joined = true
  }

  worked(steps: number): void {
    this.#intake.worked(steps)
  }

  #submit(frame: SyncFrame, final: boolean): void {
    const { number, bytes } = frame
    this.#intake.waits(bytes.length)
    const judged = (): void => this.#intake.judged(bytes.length)
    this.#room.submit({
      session: this,
      bytes,
      final,
      applied: () => {
        judged()
        this.#answered(frame)
      },
      saved: results => this.#saved(number, results),
      refused: (code, reason) => {
        judged()
        this.#refuse(number, code, reason)
      },
      parked: () => {
        judged()
        this.#park(frame, final)
      },
    })
  }

  /** A step 2 answers our question: what it brought may be what parked frames waited for. */
  #answered(frame: SyncFrame): void {
    if (!frame.answersUs) return
    for (const parked of this.#parked.answered()) this.#submit(parked, this.#parked.isAnswered)
  }

  #saved(number: number, results: readonly { requestId: RequestId, outcome: RequestOutcome }[]): void {
    const frames = this.#frames.done(number)
    if (!this.#speaksSkein || !this.isOpen) return
    for (const { requestId, outcome } of results) this.#outbox.answer(encodeFrame({ type: 'control', control: { kind: 'result', requestId, outcome } }))
    if (frames !== null) this.#outbox.saved(frames)
    if (this.#outbox.heldBytes > limits.outboxBytes) this.end('slow-reader')
  }

  /** Keeps the frame and asks for what is missing. */
  #park(frame: SyncFrame, final: boolean): void {
    this.#answered(frame)
    const parked = this.#parked.park(frame, final)
    if (!parked) return this.end('missing-dependency')
    if (parked.ask) this.#room.askForMissing(this)
  }

  #refuse(frame: number, code: ErrorCode, reason: string): void {
    if (!this.isOpen) return
    this.#control({ kind: 'refused', frame, code, reason })
    this.end(code, reason)
  }

  // --- To the client ---------------------------------------------------------------------------------------------------------------

  send(frame: Uint8Array): void {
    this.deliver(new Outgoing(frame))
  }

  deliver(outgoing: Outgoing): void {
    if (this.isOpen) this.#outbox.add(outgoing)
  }

  /** Who does not read as fast as others write gets nothing more, until it has read what it was sent: then what it missed as one. */
  #stop(): void {
    this.#room.stop(this)
    this.#presence.stop(this)
    if (this.#joining) {
      this.#joinsLater = this.#joining
      this.#joining = null
      this.#parked.asksNot()
    }
    this.#socket.whenDrained(() => {
      if (!this.isOpen) return
      if (this.#joinsLater) {
        // The answer has what it missed as well. Sent before it, the step 2 with that would be taken for the answer.
        this.#room.leave(this)
        return this.#joinNow()
      }
      this.#room.resume(this, () => {
        if (!this.isOpen) return
        if (this.#joinsLater) return this.#joinNow()
        this.#catchUp()
      })
    })
  }

  #joinNow(): void {
    const stateVector = this.#joinsLater
    this.#joinsLater = null
    if (stateVector) this.#join(stateVector, true)
  }

  /** It has been sent everything. */
  #catchUp(): void {
    this.#outbox.release()
    this.#presence.resume(this)
  }

  end(code: ErrorCode, reason: string = errorTable[code].message): void {
    if (this.#phase.state !== 'open') {
      this.#phase = { state: 'ended' }
      return
    }
    this.#phase = { state: 'ended' }
    this.#outbox.flush()
    this.#socket.close(errorTable[code].close, closeReason(code, reason))
    this.#intake.end()
  }

  /** The directory has changed: from now on this is the role, for what waits to be judged too. Null: the document is theirs no more. */
  assume(role: Role | null): void {
    this.#control({ kind: 'role', role, userId: this.principal.id })
    if (role === null) this.end('not-found')
    else this.role = role
  }

  /** The server is about to stop: nothing more is read from this client, and it is told when to come back. */
  drain(afterMs: number): void {
    if (!this.isOpen) return
    this.#control({ kind: 'draining', afterMs })
    this.#intake.drain()
  }

  #control(control: Control): void {
    if (this.#speaksSkein) this.send(encodeFrame({ type: 'control', control }))
  }
}

const decodeStateVector = (bytes: Uint8Array): Map<number, number> | null => {
  try {
    return Y.decodeStateVector(bytes)
  } catch {
    return null // lib0 throws on bytes that end too early
  }
}
