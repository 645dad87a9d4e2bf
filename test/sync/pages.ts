/** Documents and conversations of the SDK on one device, and a tiny server, for each test of a file. All of it ends with the test. */
import { afterEach, beforeEach } from 'vitest'
import type * as Y from 'yjs'
import { openConversation } from '../../client/sync/conversation.ts'
import type { Conversation } from '../../client/sync/conversation.ts'
import type { DocumentOptions } from '../../client/sync/document-options.ts'
import { memoryStore } from '../../client/sync/store/memory.ts'
import { openDocument } from '../../client/sync/synced-document.ts'
import type { SyncedDocument } from '../../client/sync/synced-document.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { conversationName, parseDocumentName } from '../../shared/ids.ts'
import { until } from '../rig/until.ts'
import { TinyServer } from './tiny-server.ts'

export interface Pages {
  /** Of this test. */
  readonly server: TinyServer
  artifact: (options?: Partial<DocumentOptions>) => SyncedDocument
  talk: (options?: Partial<DocumentOptions>) => Conversation
}

export const pagesForEachTest = (): Pages => {
  let server: TinyServer
  let opened: { close: () => Promise<void> }[]
  beforeEach(async () => {
    server = await TinyServer.start()
    opened = []
  })
  afterEach(async () => {
    await Promise.all(opened.map(document => document.close()))
    await server.stop()
  })
  return {
    get server() { return server },
    artifact: (options = {}) => {
      const document = openDocument({ name: parseDocumentName('artifact/a1')!, url: server.url, store: memoryStore(), ...options })
      opened.push(document)
      return document
    },
    talk: (options = {}) => {
      const name = conversationName('c1')!
      const conversation = openConversation({ name, url: server.url, store: memoryStore(), userId: 'ada', userName: 'Ada', ...options })
      opened.push(conversation)
      return conversation
    }
  }
}

export const textIn = (doc: Y.Doc): string => doc.getText('body').toString()
export const said = (conversation: Conversation): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
export const synced = (document: SyncedDocument) => until('it is synced', () => document.synced)
export const talkSynced = (conversation: Conversation) => until('it is synced', () => conversation.view().synced)
export const noted = (conversation: Conversation) =>
  until('all is answered', () => conversation.view().synced && conversation.view().pending === 0)
