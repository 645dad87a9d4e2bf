/** Conversations of the SDK with a {@link TinyServer} of each test's own, and what a page sees of them. */
import { afterEach, beforeEach } from 'vitest'
import { openConversation } from '../../client/sync/conversation.ts'
import type { Conversation, ConversationOptions } from '../../client/sync/conversation.ts'
import { memoryStore } from '../../client/sync/store/memory.ts'
import type { ViewMessage } from '../../client/sync/view.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'
import { until } from '../rig/until.ts'
import { TinyServer } from './tiny-server.ts'

const NAME = conversationName('c1')!

export interface ConversationsWorld {
  readonly server: TinyServer
  /** A page; it is closed with the test. */
  open(this: void, options?: Partial<ConversationOptions>): Conversation
}

export const conversationsForEachTest = (): ConversationsWorld => {
  let server: TinyServer
  let opened: Conversation[]

  beforeEach(async () => {
    server = await TinyServer.start()
    opened = []
  })

  afterEach(async () => {
    await Promise.all(opened.map(conversation => conversation.close()))
    await server.stop()
  })

  return {
    get server() { return server },
    open: (options = {}) => {
      const conversation = openConversation({
        name: NAME, url: server.url, userId: 'ada', userName: 'Ada', store: memoryStore(), ...options
      })
      opened.push(conversation)
      return conversation
    },
  }
}

export const texts = (conversation: Conversation): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
export const deliveries = (conversation: Conversation): string[] => conversation.view().messages.map(({ delivery }) => delivery.state)
export const last = (conversation: Conversation): ViewMessage => conversation.view().messages.at(-1)!
export const synced = (conversation: Conversation) => until('it is synced', () => conversation.view().synced)
export const answered = (conversation: Conversation) => until('every request is answered', () => conversation.view().synced && conversation.view().pending === 0)
export const online = (conversation: Conversation) => until('it is online', () => conversation.view().connection === 'online')
