/**
 * What happened to a conversation, one entry per accepted operation; stored in the same batch as the update that carries it.
 * Ids only, no text.
 */
import type { AgentId, DraftId, MessageId, RequestId, RunId } from '../ids.ts'
import type { ErrorCode } from '../errors.ts'
import type { RunState } from './schema.ts'

export type ConversationEvent =
  | { type: 'message.sent', messageId: MessageId, runId?: RunId }
  | { type: 'message.redacted', messageId: MessageId }
  /** The messages up to this one were summarised for an agent. */
  | { type: 'context.summarised', messageId: MessageId }
  | { type: 'draft.opened', draftId: DraftId }
  | { type: 'draft.dropped', draftId: DraftId }
  | { type: 'meta.set', key: string }
  | { type: 'reaction.set', messageId: MessageId, kind: string, on: boolean }
  | { type: 'run.created', runId: RunId, agentId: AgentId, messageId: MessageId }
  | { type: 'run.changed', runId: RunId, state: RunState, attempt: number }
  | { type: 'member.set', userId: string }
  | { type: 'member.left', userId: string }
  | { type: 'request.refused', requestId: RequestId, code: ErrorCode }

/** An event as stored: who (a user id, or `agent:<id>`, or `server`) and when (milliseconds since 1970). */
export type StoredEvent = ConversationEvent & { actor: string, at: number }

/** What a list shows of a conversation; derived from the document, stored beside it, never CRDT content. */
export interface ConversationSummary {
  title: string
  /** Start of the newest message, plain text, at most 140 characters. */
  preview: string
  messageCount: number
  /** When the newest message was accepted (milliseconds since 1970). */
  updatedAt: number
}
