/** What the gate says of an update, and what it is told to decide it. The gate reads the document and never writes it. */
import type * as Y from 'yjs'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { UserId } from '../../shared/ids.ts'

/** `conversation`: schema 1; `free`: no schema (artifacts, home documents). */
export type Judged = 'conversation' | 'free'

export type ClientOwner = { kind: 'server' } | { kind: 'principal', id: UserId }

export interface GateContext {
  kind: Judged
  doc: Y.Doc
  principal: UserId
  /** Other ids that count as the principal's. */
  aliases?: readonly UserId[] | undefined
  role: Role
  /** Who may write under this Yjs client id; undefined when nobody has yet. */
  ownerOf: (clientId: number) => ClientOwner | undefined
  /** Whether the document may have so many structs, so many of them new; when left out: `limits.documentStructs`. */
  hasRoomFor?: (grown: Grown) => boolean
}

export interface Grown {
  /** Of the document, with the update. */
  structs: number
  /** Those that the update brings or makes by cutting others. */
  added: number
}

/** A place that an accepted update writes to: a root, and the first key under it (null for a list). */
export interface Touched {
  root: string
  key: string | null
}

/** What the gate says, and what it cost to say so. */
export type Weighed = Verdict & {
  /** Steps of work (see `budget.ts`) that it took to read the update and to judge it; what is accepted costs as much again, about. */
  work: number
}

export type Verdict =
  | {
    kind: 'accept'
    /** Every place that the update may touch; the audit holds the transaction against it. */
    touched: Touched[]
    /** Keys of the root `requests` that the update writes. */
    requestIds: string[]
    /** For every piece of a new item, what must stand right of it once the update is applied and nothing else was written. */
    newNeighbours: () => Iterable<{ last: Y.ID, next: Y.ID | null }>
    /** Client ids with new structs that nobody owned before: the sender's from now on. */
    newClients: number[]
  }
  /** Every struct and deletion is known already (or it is a reader's harmless echo): acknowledge, store nothing. */
  | { kind: 'nothing' }
  /** Something that it builds on has not arrived: keep it and ask the client for what is missing. */
  | { kind: 'park', missing: 'gap' | 'dependency' }
  | { kind: 'refuse', code: ErrorCode, reason: string }
