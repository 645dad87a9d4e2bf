/** What the app needs of the SDK, and the SDK's types that components see; main.ts passes the real one, tests their own. */
import type { MessageId, RequestId, RunId } from '../../../shared/ids.ts'
import type { SettableMeta } from '../../../shared/conversation/schema.ts'
import type { ConversationView } from '../../sync/view.ts'

export type { ConversationView, Delivery, OutboxEntry, Person } from '../../sync/view.ts'

export interface AgentInfo {
  id: string
  name: string
  description: string
  isLanguageModel: boolean
}

export interface Me {
  id: string
  name: string
  agents: AgentInfo[]
}

export interface ListedConversation {
  id: string
  title: string
  preview: string
  /** Milliseconds since 1970. */
  updatedAt: number
}

export interface Conversation {
  view(): ConversationView
  /** @returns how to stop */
  subscribe(listener: () => void): () => void
  send(text: string, options?: { replaces?: MessageId }): void
  redact(messageId: MessageId): void
  stop(runId: RunId): void
  regenerate(messageId: MessageId): void
  setMeta(key: SettableMeta, value: string): void
  /** Shows this one of several versions, on this device. */
  choose(messageId: MessageId): void
  react(messageId: MessageId, kind: string, on: boolean): void
  resend(id: RequestId): void
  discard(id: RequestId): void
  setTyping(typing: boolean): void
  close(): Promise<void>
}

export interface Sdk {
  me(): Promise<Me>
  listConversations(): Promise<ListedConversation[]>
  createConversationId(): string
  invite(id: string, role: 'editor' | 'viewer'): Promise<string>
  acceptInvitation(secret: string): Promise<string>
  subscribeFeed(listener: (list: ListedConversation[]) => void): () => void
  openConversation(id: string): Conversation
}
