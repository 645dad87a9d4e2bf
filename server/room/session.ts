/** What a room knows of a connection. The connection module implements it over a WebSocket. */
import type { ErrorCode } from '../../shared/errors.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { RequestOutcome, Role } from '../../shared/wire/frame.ts'
import type { Outgoing } from './outgoing.ts'

export interface Session {
  readonly principal: Principal
  readonly role: Role
  /** Refused or closed: nothing more of it is judged. */
  readonly ended: boolean
  /** Neither refused, nor closed by either side. */
  readonly isOpen: boolean
  /** Sends a frame to this session alone. */
  send(frame: Uint8Array): void
  /** Sends frames that were made ready once for all readers. */
  deliver(outgoing: Outgoing): void
  /** Ends the connection with the code's close code and message. */
  end(code: ErrorCode): void
}

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
