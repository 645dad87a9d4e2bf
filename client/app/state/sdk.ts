/** What the app needs of the SDK, and the SDK's types that components see; main.ts passes the real one, tests their own. */
import type { Api } from '../../sync/api.ts'
import type { Auth } from '../../sync/auth.ts'
import type { PeopleApi } from '../../sync/people-api.ts'
import type { AdminApi } from '../../sync/admin.ts'
import type { BotsApi } from '../../sync/bots.ts'
import type { DevicesApi } from '../../sync/devices.ts'
import type { ConversationList } from '../../sync/conversation-list.ts'
import type { Home } from '../../sync/home.ts'
import type { Conversation as SdkConversation } from '../../sync/conversation.ts'
import type { Principal } from '../../../shared/principal.ts'

export type { Account, AuthOptions, InviteCode, ListedAccount, Passkey, ProviderKey, Session as AccountSession } from '../../../shared/api/account-schemas.ts'
export type { AskedDevice, Device, DeviceLink, NewDeviceLink } from '../../../shared/api/device-schemas.ts'
export type { AdminApi } from '../../sync/admin.ts'
export type { BotsApi, BotWithTokens } from '../../sync/bots.ts'
export type { DevicesApi } from '../../sync/devices.ts'
export type { Auth } from '../../sync/auth.ts'
export type { ConversationListItem, Me } from '../../../shared/api/schemas.ts'
export type { Home, HomeView, Prompt } from '../../sync/home.ts'
export type { Link, NewInvitation } from '../../../shared/api/people.ts'
export type { Member } from '../../sync/people-api.ts'
export type { ConversationView, Delivery, OutboxEntry, Person } from '../../sync/view.ts'

/** The part of the SDK's conversation that the app uses. */
export type Conversation = Pick<SdkConversation,
  'view' | 'subscribe' | 'send' | 'redact' | 'stop' | 'regenerate' | 'retry' | 'continue' | 'choose' | 'setMeta' | 'react' | 'resend' | 'discard' | 'setTyping' | 'usage' | 'connect' | 'close'>

export type Who = Pick<Principal, 'name'> & { id: string, aliases?: readonly string[] | undefined }

/** Of one conversation. */
export interface UnsentWork {
  conversationId: string
  /** That go out by themselves once the server is reached. */
  waiting: number
  /** Texts: of messages that wait, of messages that were refused, what stands in the composer, and what was typed into shared drafts. */
  texts: { kind: 'waiting' | 'refused' | 'begun' | 'draft', text: string }[]
}

/** Of one conversation: who belongs to it, and whether there is one. */
export type MembershipApi = PeopleApi & Pick<Api, 'deleteConversation'>

export interface Sdk extends Pick<Api, 'me' | 'createConversationId'>, MembershipApi {
  /**
   * The conversations of this person, as this device and the server know them.
   * @param on `listed`: the server has told the whole list, as it does now and again; `refused`: it does not tell it this device
   */
  openList(who: Who, on: { listed: () => void, refused: () => void }): ConversationList
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
  /** A person's devices; loaded when it is first asked for. */
  devices(): Promise<DevicesApi>
  /** Programs of the person's; loaded when it is first asked for. */
  bots(): Promise<BotsApi>
  /** What people do with accounts; loaded when it is first asked for. */
  auth(): Promise<Auth>
  /** What an admin of the server decides; loaded when it is first asked for. */
  admin(): Promise<AdminApi>
  /** Told whenever somebody else may be signed in from now on, by this tab or another. @returns how to stop */
  onAuthChanged(listener: () => void): () => void
  /** Whether this browser can use passkeys here. */
  readonly hasPasskeys: boolean
  /** What this user wrote on this device and no server has. */
  unsent(userId: string): Promise<UnsentWork[]>
  /** Removes all that the user keeps on this device. */
  clear(userId: string): Promise<void>
  /** Whether this device has the conversation, from an earlier visit or from the background. */
  has(id: string, who: Who): Promise<boolean>
  /** @param who under whom own messages are shown until the server says who they are */
  openConversation(id: string, who: Who): Conversation
  /** What goes with the person to all their devices. @param onlyIfHeld null unless this device holds it already */
  openHome(who: Who, onlyIfHeld: boolean): Promise<Home | null>
  /** The conversation that a share link lets read; nothing of it stays on this device. Rejects when the link is no good. */
  openShared(secret: string): Promise<{ id: string, conversation: Conversation }>
}
