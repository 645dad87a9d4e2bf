/** What the app needs of the SDK, and the SDK's types that components see; main.ts passes the real one, tests their own. */
import type { Conversation as SdkConversation } from '../../sync/conversation.ts'

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

/** The part of the SDK's conversation that the app uses. */
export type Conversation = Pick<SdkConversation,
  'doc' | 'view' | 'subscribe' | 'send' | 'redact' | 'stop' | 'regenerate' | 'setMeta' | 'react' | 'resend' | 'discard' | 'setTyping' | 'close'>

export interface Sdk {
  me(): Promise<Me>
  listConversations(): Promise<ListedConversation[]>
  createConversationId(): string
  invite(id: string, role: 'editor' | 'viewer'): Promise<string>
  acceptInvitation(secret: string): Promise<string>
  subscribeFeed(listener: (list: ListedConversation[]) => void): () => void
  openConversation(id: string): Conversation
}
