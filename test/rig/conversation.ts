/** Shorthand for tests that talk in a conversation. */
import type * as Y from 'yjs'
import { randomFillSync } from 'node:crypto'
import { lastVisible } from '../../shared/conversation/branch.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { proposeSend, putRequest } from '../../shared/conversation/write.ts'
import { createUuidV7 } from '../../shared/ids.ts'
import type { AgentId, MessageId, RequestId } from '../../shared/ids.ts'

const uuid = createUuidV7(Date.now, bytes => randomFillSync(bytes))
export const newRequestId = (): RequestId => uuid() as RequestId
export const newConversationId = (): string => uuid()

/** Puts a `send` into the outbox of the document. @param to agents that shall answer; empty: nobody; omitted: the default one */
export const say = (doc: Y.Doc, text: string, options: { to?: AgentId[], id?: RequestId, parentId?: MessageId | null } = {}): RequestId => {
  const { to, id = newRequestId(), parentId } = options
  const parent = parentId === undefined ? lastVisible(readMessages(doc))?.id ?? null : parentId
  putRequest(doc, id, proposeSend({ parts: [{ type: 'text', text }], parentId: parent, ...to && { to } }, Date.now()))
  return id
}

export const messageTexts = (doc: Y.Doc): string[] => readMessages(doc).map(textOfMessage)

export const textOfMessage = (message: Message): string =>
  message.parts.map(part => part.type === 'text' && typeof part.text === 'string' ? part.text : '').join('')
