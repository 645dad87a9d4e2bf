/** What the tabs of one person tell each other about a document; plain data that the browser clones. */
import type { Reign } from './reign.ts'
import type { OwnRequest } from '../own-request.ts'
import type { ConnectionState, OutboxEntry } from '../view.ts'
import type { Hello, Role } from '../../../shared/wire/frame.ts'

/** What an owner knows of the connection and the store. */
export interface SharedStatus {
  connection: ConnectionState
  hasUnsaved: boolean
  synced: boolean
  role: Role | null
  hello: Hello | null
  closedBy: { code: number, reason: string } | null
  interruption: string | null
  storageProblem: string | null
}

/** What a follower asks the owner to write; confirmed when the store's transaction is complete. */
export type TabWrite =
  /** An edit of the document; one of another generation is not merged. Null: made before any was known. */
  | { type: 'update', generation: string | null, update: Uint8Array, own: boolean }
  /** What a tab held of a generation that was left before its edits were confirmed, complete by itself, and its own client id there. */
  | { type: 'kept', generation: string, update: Uint8Array, writer: number }
  /** This client id is the person's. */
  | { type: 'writer', clientId: number }
  | { type: 'put', entry: OutboxEntry }
  | { type: 'delete', id: string }

/** All that a follower needs to show what the owner shows. */
export interface SharedState {
  generation: string
  /** What the follower lacks; everything when it has another generation. */
  update: Uint8Array
  /** What the owner has, so that the follower can tell what the owner lacks. */
  stateVector: Uint8Array
  presence: Uint8Array
  status: SharedStatus
  outbox: readonly OwnRequest[]
}

/** What changed at the owner. */
export type SharedChange =
  | { type: 'update', generation: string, update: Uint8Array }
  | { type: 'presence', update: Uint8Array }
  | { type: 'status', status: SharedStatus }
  | { type: 'outbox', put: readonly OwnRequest[], gone: readonly string[] }

export type TabMessage =
  // From an owner.
  | { type: 'alive', reign: Reign }
  /** `to` null: for all. */
  | { type: 'state', reign: Reign, to: string | null, state: SharedState }
  | { type: 'change', reign: Reign, change: SharedChange }
  | { type: 'written', to: string, number: number }
  // From a follower, to the owner of this reign.
  | { type: 'ping' }
  | { type: 'attach', from: string, reign: Reign, generation: string | null, stateVector: Uint8Array }
  | { type: 'write', from: string, reign: Reign, number: number, write: TabWrite }
  | { type: 'presence', reign: Reign, update: Uint8Array }
  /** Connect again, though the server had closed for good. */
  | { type: 'connect', reign: Reign }
