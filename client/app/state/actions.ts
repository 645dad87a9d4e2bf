/** What a person can do with the messages of a conversation; components get this, not the conversation. */
import type { ConversationUsage } from '../../../shared/conversation/usage.ts'
import type { MessageId, RequestId } from '../../../shared/ids.ts'

export interface ConversationActions {
  /** @param agentId who is to answer; left out: whoever did */
  regenerate(id: MessageId, agentId?: string): void
  /** Of a reply that did not end well: once more. */
  retry(id: MessageId): void
  /** Of a reply that broke off: goes on with it. */
  continue(id: MessageId): void
  /** Of several replies that are being given, the one that has this id or will have it. */
  stop(replyId: string): void
  redact(id: MessageId): void
  thumbsUp(id: MessageId, on: boolean): void
  /** Shows this one of several versions, on this device. */
  choose(id: string): void
  /** Sends a refused message again as it is. */
  resend(id: RequestId): void
  /** Puts a refused message back into the composer. */
  edit(id: RequestId): void
  discard(id: RequestId): void
  /** What all replies here took. */
  readonly usage: ConversationUsage
}
