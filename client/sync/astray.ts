/**
 * Messages that never left this device and follow one that may be lost with the document in which they were written: pure rules. They wait
 * for what the server has, and follow the last message there where theirs is not.
 */
import { isSend } from './own-request.ts'
import type { OwnRequest, OwnSend } from './own-request.ts'
import type { OutboxEntry } from './view.ts'
import type { MessageId } from '../../shared/ids.ts'

/** Another tab hands it in, which may have written it in a document that was left. @param isKnown the message is there, or on its way */
export const mayBeAstray = ({ request, refusal, askedIn }: OutboxEntry, isKnown: (id: MessageId) => boolean): boolean => {
  if (request.type !== 'send' || refusal !== null || askedIn) return false
  const { parentId } = request.message
  return parentId !== null && !isKnown(parentId)
}

/** What is there, as the server has it. */
export interface WhatIsThere {
  isSealed: (id: string) => boolean
  lastMessage: () => MessageId | null
}

/** As it is proposed: no longer astray. @param coming requests that are proposed with it */
export const followWhatIsThere = (entry: OwnSend, coming: ReadonlySet<string>, { isSealed, lastMessage }: WhatIsThere): OwnSend => {
  const { astray: _, ...found } = entry
  const { message } = found.request
  if (message.parentId === null || isSealed(message.parentId) || coming.has(message.parentId)) return found
  return { ...found, request: { ...found.request, message: { ...message, parentId: lastMessage() } } }
}

export const isAstray = (entry: OwnRequest): entry is OwnSend => entry.astray === true && isSend(entry)
