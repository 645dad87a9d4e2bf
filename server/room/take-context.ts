/** What is to be known for taking a request: who asks, and what of it. */
import type { NamedAgent } from '../../shared/conversation/asked.ts'
import type { SaidByBot } from '../../shared/conversation/schema.ts'
import type { AgentId, RequestId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { LedgerEntry } from '../log/port.ts'

export interface TakeContext {
  principal: Principal
  role: Role
  /** Milliseconds since 1970. */
  now: number
  /** What was taken before, as far as this update's ids are concerned. */
  taken: (id: RequestId) => LedgerEntry | undefined
  agents: KnownAgents
  /** Whether the person may have files of the server read to agents. */
  mayReadFiles?: (id: string) => boolean
  /** Spends one request of the person's hour; false: it is used up. */
  mayAsk: () => boolean
}

export interface KnownAgents {
  /** Answers where a conversation names none. */
  defaultAgent: AgentId | null
  /** Undefined: there is no such agent. */
  nameOf: (id: AgentId) => string | undefined
  all: readonly NamedAgent[]
  /** Who a bot is that may be asked here; absent: there are none. */
  botOf?: (id: AgentId) => SaidByBot | undefined
}
