/** What a room knows of who speaks to it. The connection module implements a session over a WebSocket. */
import type { ErrorCode } from '../../shared/errors.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { RequestOutcome, Role } from '../../shared/wire/frame.ts'
import type { Outgoing } from './outgoing.ts'

/** Who asks for something that is judged in its turn. */
export interface Asking {
  readonly principal: Principal
  /** As the directory has it now: what is judged is judged by it, whenever it came. */
  readonly role: Role
  /** Refused or closed: nothing more of it is judged. */
  readonly ended: boolean
  /** Ends the connection with the code's close code and message. */
  end(code: ErrorCode): void
}

export interface Session extends Asking {
  /** Neither refused, nor closed by either side. */
  readonly isOpen: boolean
  /** What it sent took so many steps of work to read and to judge (server/gate/budget.ts). */
  worked(steps: number): void
  /** Sends a frame to this session alone. */
  send(frame: Uint8Array): void
  /** Sends frames that were made ready once for all readers. */
  deliver(outgoing: Outgoing): void
}

/** What a session asks with sync step 1: to be sent what it lacks, and to be subscribed to all that follows. */
export interface Joining {
  readonly session: Session
  /** That can be decoded. */
  readonly stateVector: Uint8Array
  /**
   * False once the session has stopped reading, or gone: it is sent nothing then and not subscribed, since what is queued for it would be
   * without bound. It asks again when it has read.
   */
  readonly isWanted: boolean
  /** The session has got it. */
  sent(): void
}

/** What a session lacks that reads again. @param sent called when it has been sent that */
export const missedBy = (session: Session, stateVector: Uint8Array, sent: () => void): Joining =>
  ({ session, stateVector, sent, get isWanted() { return session.isOpen } })

/**
 * One update from a client, with what the room answers to it. Exactly one of `saved`, `refused` and `parked` is called per submission,
 * `applied` before `saved`.
 */
export interface Submission {
  readonly session: Session
  readonly bytes: Uint8Array
  /** The client was already asked for what was missing: what still misses something is not parked again. */
  readonly final: boolean
  /** Judged and, unless it added nothing, in the document: later submissions can build on it. */
  applied(): void
  /** Everything in it is on disk; results of the requests that it brought. */
  saved(results: readonly { requestId: RequestId, outcome: RequestOutcome }[]): void
  /** It builds on something that has not arrived; the sender keeps it and submits it again after the client's next step 2. */
  parked(): void
  /** Malformed or forged: nothing of it was applied. */
  refused(code: ErrorCode, reason: string): void
}

/** What waits for its turn among the updates and is none: a request that came by itself (posted-requests.ts). */
export interface Turn {
  readonly session: Pick<Asking, 'ended' | 'end'>
  /** Resolves when the next one may have its turn. */
  take(): Promise<void>
}

export const isTurn = (waiting: Submission | Turn): waiting is Turn => 'take' in waiting
