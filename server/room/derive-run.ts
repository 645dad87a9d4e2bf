/** The run that a request causes; all its ids derive from the cause, so that resends, devices and nodes cannot start it twice. */
import { createHash } from 'node:crypto'
import type { Mode } from '../../shared/conversation/mode.ts'
import type { Run, SaidByBot } from '../../shared/conversation/schema.ts'
import { uuidFromDigest } from '../../shared/ids.ts'
import type { AgentId, MessageId, RequestId, RunId } from '../../shared/ids.ts'

export interface RunCause {
  requestId: RequestId
  /** The message to answer. */
  messageId: MessageId
  agentId: AgentId
  askedBy: string
  replaces?: MessageId
  continues?: MessageId
  mode?: Mode | undefined
  /** The agent is this bot. */
  bot?: SaidByBot | undefined
  at: number
}

export const deriveRun = ({ requestId, messageId, agentId, askedBy, replaces, continues, mode, bot, at }: RunCause): Run => ({
  id: runIdOf(messageId, agentId, requestId),
  requestId,
  messageId,
  agentId,
  ...bot && { bot },
  askedBy,
  state: 'pending',
  attempt: 1,
  draftId: null,
  replyId: derivedId('reply', messageId, agentId, requestId) as MessageId,
  ...replaces && { replaces },
  ...continues && { continues },
  ...mode && { mode },
  createdAt: at,
  updatedAt: at
})

export const runIdOf = (messageId: MessageId, agentId: AgentId, requestId: RequestId): RunId =>
  derivedId('run', messageId, agentId, requestId) as RunId

/** A UUIDv8 from what it stands for. */
export const derivedId = (...cause: string[]): string =>
  uuidFromDigest(createHash('sha256').update(cause.join('\n')).digest())
