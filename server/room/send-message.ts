/** A person's message: what it may hold, where it stands, whom it asks. */
import { askedBy, writersWith } from '../../shared/conversation/asked.ts'
import type { Asked } from '../../shared/conversation/asked.ts'
import { DEFAULT_MODE } from '../../shared/conversation/mode.ts'
import type { Mode } from '../../shared/conversation/mode.ts'
import { readDraft, readMeta, shorten, textOf } from '../../shared/conversation/read.ts'
import type { Message, MessagePart, RequestOf } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { AgentId, DraftId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { holderOf, isOwn } from '../../shared/principal.ts'
import { agentOf } from './ask-agents.ts'
import { checkBotName, saidByBot } from './bot-author.ts'
import type { TransactionWriter } from './conversation-writer.ts'
import { deriveRun } from './derive-run.ts'
import { jsonBytes } from './json-bytes.ts'
import { alternativesRootOf, messageOrThrow, placeAfter } from './message-places.ts'
import type { TakeContext } from './take-context.ts'

/** Characters of the first message that a title takes. */
const TITLE_FROM_TEXT = 60

export const send = (writer: TransactionWriter, requestId: RequestId, request: RequestOf<'send'>, context: TakeContext): void => {
  const { principal, now } = context
  const { parts, replaces, to, context: files } = request.message
  checkBotName(principal, writer.roots.members.values(), context.agents.all)
  if (jsonBytes(parts) > limits.messageBytes) throw new SkeinError('message-too-long')
  if (!parts.every(isPersonsPart)) throw new SkeinError('invalid-request', 'A person\'s message may hold text, files and data only, so it was not sent.')
  if (parts.every(part => part.type === 'text' && String(part.text).trim() === '')) throw new SkeinError('message-empty')
  const parentId = placeAfter(writer, request.message.parentId, context)
  if (parentId === undefined) throw new SkeinError('parent-unknown')
  const replaced = replaces === undefined ? null : messageOrThrow(writer, replaces)
  if (replaced) {
    if (replaced.role !== 'user' || !isOwn(principal, replaced.metadata.authorId)) throw new SkeinError('not-author')
  }
  if (files && !context.mayReadFiles?.(principal.id)) throw new SkeinError('not-allowed', NO_FILES)
  const mode = modeOf(request.message.mode ?? readMeta(writer.doc).mode)
  const asked = whoIsAsked(writer, to, textOf(parts), context)
  const messageId = messageIdOf(requestId)
  if (writer.isKnownMessage(messageId)) throw new SkeinError('id-conflict')
  const message: Message = {
    id: messageId,
    role: 'user',
    parts,
    metadata: {
      parentId,
      ...replaced && { replaces: alternativesRootOf(replaced) },
      authorId: principal.id,
      authorName: principal.name,
      ...saidByBot(principal),
      ...to && { to },
      ...mode,
      ...files?.length && { context: files },
      ...asked.because === 'not-mentioned' && { unasked: asked.because },
      ...request.drops && isSharedOrGone(writer, request.drops) && { draftId: request.drops },
      createdAt: Math.min(request.createdAt, now),
      acceptedAt: now,
      status: 'complete'
    }
  }
  writer.appendMessage(message)
  if (request.drops) dropSharedDraft(writer, request.drops)
  if (!writer.roots.meta.get('title')) writer.setMeta('title', titleFrom(message))
  for (const agentId of asked.agents) {
    const bot = context.agents.botOf?.(agentId)
    writer.setRun(deriveRun({ requestId, messageId, agentId, bot, askedBy: holderOf(principal).id, at: now, ...mode }))
  }
}

const NO_FILES = 'You may not have files of the server read here, so the message was not sent. Its text is kept here; send it without them.'

/** Told where it is not the usual one. */
const modeOf = (mode: Mode): { mode?: Mode } => mode === DEFAULT_MODE ? {} : { mode }

const whoIsAsked = (
  writer: TransactionWriter, to: readonly AgentId[] | undefined, text: string, { principal, agents }: TakeContext
): Asked => {
  if (to?.some(id => agents.nameOf(id) === undefined)) throw new SkeinError('agent-unknown')
  return askedBy({
    to, text, agents: agents.all, agent: agentOf(writer, agents), always: readMeta(writer.doc).answersAlways,
    // A bot is never alone: it has a person, who may not have said anything here.
    people: writersWith(id => isOwn(principal, id), writer.roots.members.entries()) + (principal.bot ? 1 : 0)
  })
}

/** Of two people who send one draft at once the second finds it gone, and said what stood there all the same. */
const isSharedOrGone = (writer: TransactionWriter, id: DraftId): boolean =>
  readDraft(id, writer.roots.drafts.get(id))?.head.kind !== 'agent'

const dropSharedDraft = (writer: TransactionWriter, id: DraftId): void => {
  if (readDraft(id, writer.roots.drafts.get(id))?.head.kind === 'shared') writer.dropDraft(id)
}

/** What a person may say; tool calls and reasoning are an agent's to report. */
const isPersonsPart = (part: MessagePart): boolean =>
  part.type === 'text' || part.type === 'file' || part.type.startsWith('data-')

/** A conversation is called after its first message until somebody names it. */
export const titleFrom = ({ parts }: Message): string => shorten(textOf(parts), TITLE_FROM_TEXT)
