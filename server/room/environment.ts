/** What a room works with, and on. */
import type * as Y from 'yjs'
import type { DocumentName } from '../../shared/ids.ts'
import { holderOf } from '../../shared/principal.ts'
import type { Judged } from '../gate/verdict.ts'
import type { BotsIn } from './asked-bots.ts'
import type { Budgets } from './budget.ts'
import type { ClientOwners } from './client-owners.ts'
import type { MessageIndex } from './message-index.ts'
import type { EventListener } from './port.ts'
import type { ReaderPorts, Readers } from './readers.ts'
import type { Recorder, RecorderPorts } from './recorder.ts'
import type { Asking } from './session.ts'
import type { KnownAgents, TakeContext } from './take-context.ts'
import type { KnownRequests } from './taken-requests.ts'

export interface RoomEnvironment extends RecorderPorts, ReaderPorts {
  /** Null: no limits, where everybody is the one local person. */
  budgets: Budgets | null
  /** What the snapshot of a document may take; unbounded when left out. */
  documentBytes?: number
  agents: KnownAgents
  /** Who may have files of the server read to agents; nobody when left out. */
  mayReadFiles?: (id: string) => boolean
  /** Called after a record is durable. */
  onEvents: EventListener
  /** Bots that may be asked in a conversation; none when left out. */
  botsIn?: BotsIn
}

/** The live document, and who has a part in writing it. */
export interface WrittenDocument {
  name: DocumentName
  kind: Judged
  doc: Y.Doc
  /** Null in a free document. */
  messages: MessageIndex | null
  owners: ClientOwners
  recorder: Recorder
  readers: Readers
}

/** As of now: for one transaction. @param agents that this principal may ask */
export const takeContext = (
  { now, budgets, mayReadFiles }: Pick<RoomEnvironment, 'now' | 'budgets' | 'mayReadFiles'>, agents: KnownAgents,
  { principal, role }: Pick<Asking, 'principal' | 'role'>, known: KnownRequests,
): TakeContext => ({
  principal,
  role,
  now: now(),
  taken: id => known.get(id),
  agents,
  mayAsk: () => budgets === null || budgets.requests.spend(holderOf(principal).id, 1, now()),
  ...mayReadFiles && { mayReadFiles },
})
