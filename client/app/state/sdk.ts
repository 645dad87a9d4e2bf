/** What the app needs of the SDK, and the SDK's types that components see; main.ts passes the real one, tests their own. */
import type { Api } from '../../sync/api.ts'
import type { ConversationList } from '../../sync/conversation-list.ts'
import type { Conversation as SdkConversation } from '../../sync/conversation.ts'
import type { Principal } from '../../../shared/principal.ts'

export type { ConversationListItem, Me } from '../../../shared/api/schemas.ts'
export type { ConversationView, Delivery, OutboxEntry, Person } from '../../sync/view.ts'

/** The part of the SDK's conversation that the app uses. */
export type Conversation = Pick<SdkConversation,
  'view' | 'subscribe' | 'send' | 'redact' | 'stop' | 'regenerate' | 'retry' | 'continue' | 'choose' | 'setMeta' | 'react' | 'resend' | 'discard' | 'setTyping' | 'close'>

export type Who = Pick<Principal, 'name'> & { id: string, aliases?: readonly string[] | undefined }

export interface Sdk extends Pick<Api, 'me' | 'createConversationId' | 'invite' | 'acceptInvitation'> {
  /**
   * The conversations of this person, as this device and the server know them.
   * @param listed called each time the server has told the whole list
   */
  openList(who: Who, listed: () => void): ConversationList
  /** Brings all conversations of this person onto this device, except those that are open. Rejects when it cannot go on. */
  syncInBackground(who: Who, isOpen: (id: string) => boolean, signal: AbortSignal): Promise<void>
  /** Whether this device keeps anything of this user's. */
  keeps(userId: string): Promise<boolean>
  /** Closes all that this page has open of what the user keeps on this device. Resolves when it is written. */
  leaveStores(userId: string): Promise<void>
  /**
   * What the guest kept on this device becomes the account's. Rejects when that could not be done; nothing is lost then, and it is tried
   * again with the next call.
   */
  takeOver(guest: string, account: string): Promise<void>
  /** @param who under whom own messages are shown until the server says who they are */
  openConversation(id: string, who: Who): Conversation
}
