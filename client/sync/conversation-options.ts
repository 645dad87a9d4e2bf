/** What a conversation is opened with, and what a message may be sent with. */
import type { DocumentOptions } from './document-options.ts'
import type { Glance } from './latest.ts'
import type { Mode } from '../../shared/conversation/mode.ts'
import type { ContextReference } from '../../shared/conversation/schema.ts'
import type { AgentId, MessageId, RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

export interface ConversationOptions extends DocumentOptions {
  /** Under whom own messages are shown until the server says who we are. */
  userId: string
  userName: string
  /** Other ids that are this person's: guests that they were. What is under these is their own. */
  aliases?: readonly string[]
  /** What the server noted of a request, null for nothing; by default its API is asked, at the host of {@link url}. */
  outcomeOf?: (id: RequestId) => Promise<RequestOutcome | null>
  /** What this device can show before the document is read, which waits for it; null: nothing. Never rejects. */
  glance?: () => Promise<Glance | null>
}

export interface SendOptions {
  /** Agents that shall answer; without it the conversation's default agent does. Empty: nobody. */
  to?: AgentId[]
  /** In which agents work on it; without it, the conversation's. */
  mode?: Mode
  /** Files and folders of the server that agents are given with it. */
  context?: ContextReference[]
  /** An edit: the message that this one is an alternative to. */
  replaces?: MessageId
  /** What it follows; the last message shown by default, or what the replaced one follows. */
  parentId?: MessageId | null
}
