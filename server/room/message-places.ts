/** Where a message stands among the others. */
import type { Message } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseMessageId, parseRequestId } from '../../shared/ids.ts'
import type { MessageId } from '../../shared/ids.ts'
import { isOwn } from '../../shared/principal.ts'
import type { TransactionWriter } from './conversation-writer.ts'
import type { MessageIndex } from './message-index.ts'
import type { TakeContext } from './take-context.ts'

/**
 * The message that one with this parent follows: the parent, or, when the parent was refused, the one that it would have followed, so that
 * one refusal does not take with it what the person wrote afterwards. Undefined: the parent is neither sealed nor refused.
 */
export const placeAfter = (writer: TransactionWriter, parentId: string | null, { taken }: TakeContext): MessageId | null | undefined => {
  if (parentId === null) return null
  const id = parseMessageId(parentId)
  if (id && writer.isKnownMessage(id)) return id
  const asked = parseRequestId(parentId)
  return asked ? (writer.takenHere(asked) ?? taken(asked))?.follows : undefined
}

/** @throws SkeinError `target-unknown` */
export const messageOrThrow = (writer: TransactionWriter, id: MessageId | null): Message => {
  const message = id === null ? undefined : writer.messages.get(id)
  if (!message) throw new SkeinError('target-unknown')
  return message
}

/**
 * Whoever said it, asked for it, or answers for the bot that did: in person or by a token. No bot answers for another one of the same
 * person's.
 */
export const mayRedact = (
  messages: Pick<MessageIndex, 'get'>, message: Message, { principal, role }: Pick<TakeContext, 'principal' | 'role'>,
): boolean => {
  const asked = message.role === 'assistant' ? messages.get(message.metadata.parentId ?? '')?.metadata : message.metadata
  const answerable = [asked?.authorId, asked?.bot?.of.id, message.metadata.bot?.of.id, message.metadata.authorId]
  return role === 'owner' || answerable.some(id => isOwn(principal, id))
}

/** Every alternative names the first one, so that taking one of them out leaves the others together. */
export const alternativesRootOf = ({ id, metadata }: Message): MessageId => metadata.replaces ?? id
