/**
 * What travels over `/sync/<document>`: y-websocket's protocol plus message type 100, `control`.
 *
 * A client opens with sync step 1 (its state vector). The server answers with step 2 (what the client lacks) and its own step 1, to
 * which the client answers with step 2 (what the server lacks). From then on both send updates. The numbers are those of y-protocols;
 * 100 is ours and is only sent to a client that offered the subprotocol `skein.v1`.
 */
import type { ErrorCode } from '../errors.ts'
import type { RequestId } from '../ids.ts'

export const SUBPROTOCOL = 'skein.v1'
/** Offered beside it by who has no cookie: what follows is a ticket. Never selected, so never said back. */
export const TICKET_PROTOCOL = 'skein.ticket.'

export const frameType = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3, control: 100 } as const
export const syncType = { step1: 0, step2: 1, update: 2 } as const
export const controlType = { hello: 0, saved: 1, result: 2, refused: 3, draining: 4, role: 5 } as const

export type Role = 'owner' | 'editor' | 'viewer'

/** The first frame a `skein.v1` client gets: proves the capability. */
export interface Hello {
  kind: 'hello'
  /** Random id of the document's lineage; a client that holds another one must not merge. */
  epoch: string
  /** Earlier lineages of which nothing was lost: the server knows every request that they took. Absent: none. */
  continues?: readonly string[]
  role: Role
  /** Who the server takes this connection for. */
  userId: string
  /** Schema version of the document; a client that knows only older ones must not write. */
  schema: number
  limits: { frameBytes: number, messageBytes: number }
}

/**
 * From now on `userId`, whom the server takes this connection for, has this role. Null: the document is not theirs, any more or ever; then
 * the socket closes. Who asks for a document that does not exist is told the same.
 */
export interface RoleChange {
  kind: 'role'
  role: Role | null
  userId: string
}

export type Control =
  | Hello
  /** All sync frames (step 2 or update) up to this number, counted from 1 per socket, are on disk. */
  | { kind: 'saved', frames: number }
  | { kind: 'result', requestId: RequestId, outcome: RequestOutcome }
  /** Frame `frame` was malformed or forged; nothing after it on this socket is judged. */
  | { kind: 'refused', frame: number, code: ErrorCode, reason: string }
  | { kind: 'draining', afterMs: number }
  | RoleChange

export type RequestOutcome =
  | { status: 'accepted' }
  | { status: 'refused', code: ErrorCode, reason: string }

export type Frame =
  | { type: 'sync-step-1', stateVector: Uint8Array }
  | { type: 'sync-step-2', update: Uint8Array }
  | { type: 'update', update: Uint8Array }
  | { type: 'awareness', update: Uint8Array }
  /** Server to client: permission denied. */
  | { type: 'auth', reason: string }
  | { type: 'query-awareness' }
  | { type: 'control', control: Control }
