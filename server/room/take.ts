/**
 * Taking: every request that an update brought is removed from the outbox and gets exactly one outcome, in the transaction that brought it.
 * A request id that was taken before gets the outcome that it got then.
 */
import { hash } from 'node:crypto'
import { SkeinError } from '../../shared/errors.ts'
import { askedBy, writersWith } from '../../shared/conversation/asked.ts'
import type { Asked, NamedAgent } from '../../shared/conversation/asked.ts'
import { DEFAULT_MODE, isMode } from '../../shared/conversation/mode.ts'
import type { Mode } from '../../shared/conversation/mode.ts'
import { reactionKey } from '../../shared/conversation/document.ts'
import { isFinished, readDraft, readMeta, shorten, textOf } from '../../shared/conversation/read.ts'
import * as schema from '../../shared/conversation/schema.ts'
import type { Message, MessagePart, Request, RequestOf, Run } from '../../shared/conversation/schema.ts'
import { messageIdOf, parseMessageId, parseRequestId } from '../../shared/ids.ts'
import type { AgentId, DraftId, MessageId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { isInPerson, isOwn } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { RequestOutcome, Role } from '../../shared/wire/frame.ts'
import type { LedgerEntry } from '../log/port.ts'
import type { TransactionWriter } from './conversation-writer.ts'
import { deriveRun } from './derive-run.ts'
import { parentIdOf } from './proposals.ts'
import { advanceRun } from './advance-run.ts'

export interface TakeContext {
  principal: Principal
  role: Role
  /** Milliseconds since 1970. */
  now: number
  /** What was taken before, as far as this update's ids are concerned. */
  taken: (id: RequestId) => LedgerEntry | undefined
  agents: KnownAgents
  /** Whether the person may have files of the server read to agents. */
  mayReadFiles?: (id: string) => boolean
  /** Spends one request of the person's hour; false: it is used up. */
  mayAsk: () => boolean
}

export interface KnownAgents {
  /** Answers where a conversation names none. */
  defaultAgent: AgentId | null
  /** Undefined: there is no such agent. */
  nameOf: (id: AgentId) => string | undefined
  all: readonly NamedAgent[]
}

export interface Taken {
  requestId: RequestId
  outcome: RequestOutcome
}

/** Characters of the first message that a title takes. */
const TITLE_FROM_TEXT = 60

/**
 * Takes every live request of the document; afterwards `requests` is empty.
 * @param brought keys that the update wrote. One that is not live (two devices sent the same request, and the map keeps one of the values)
 *   was taken before, and its sender is told that outcome, or was cancelled and has none.
 * @param touched keys among which every live one is: to look at all that were ever written takes longer with each request
 */
export const takeRequests = (
  writer: TransactionWriter, brought: readonly string[], context: TakeContext, touched: Iterable<string> = writer.roots.requests.keys(),
): Taken[] => {
  const taken = outcomesOf(brought.filter(key => !writer.roots.requests.has(key)), context)
  for (const key of [...touched].filter(key => writer.roots.requests.has(key)).sort()) {
    const value: unknown = writer.roots.requests.get(key)
    writer.removeRequest(key)
    const requestId = parseRequestId(key)
    // A key that is no request id can have no outcome: nobody could ask for it.
    if (!requestId) continue
    const before = context.taken(requestId)
    const outcome = before ? outcomeFor(before, context.principal) : takeOnce(writer, requestId, value, context).outcome
    taken.push({ requestId, outcome })
  }
  return taken
}

/** Takes a request that was not taken before. @returns its entry in the ledger */
export const takeOnce = (writer: TransactionWriter, requestId: RequestId, value: unknown, context: TakeContext): LedgerEntry => {
  const { outcome, content } = perform(writer, requestId, value, context)
  const follows = outcome.status === 'refused' ? placeAfter(writer, parentIdOf(value), context) : undefined
  const entry: LedgerEntry = {
    requestId, outcome, principal: context.principal.id, at: context.now, ...follows !== undefined && { follows }, ...content && { content },
  }
  writer.noteTaken(entry)
  if (outcome.status === 'refused') writer.events.push({ type: 'request.refused', requestId, code: outcome.code })
  return entry
}

/**
 * The message that one with this parent follows: the parent, or, when the parent was refused, the one that it would have followed, so that
 * one refusal does not take with it what the person wrote afterwards. Undefined: the parent is neither sealed nor refused.
 */
const placeAfter = (writer: TransactionWriter, parentId: string | null, { taken }: TakeContext): MessageId | null | undefined => {
  if (parentId === null) return null
  const id = parseMessageId(parentId)
  if (id && writer.isKnownMessage(id)) return id
  const asked = parseRequestId(parentId)
  return asked ? (writer.takenHere(asked) ?? taken(asked))?.follows : undefined
}

/** A request id is its first sender's; to anybody else it is taken. */
const outcomeFor = ({ principal, outcome }: LedgerEntry, asking: Principal): RequestOutcome =>
  isOwn(asking, principal) ? outcome : refusal(new SkeinError('id-conflict'))

/** What became of those requests among these that were taken before. */
export const outcomesOf = (keys: readonly string[], { taken, principal }: Pick<TakeContext, 'taken' | 'principal'>): Taken[] =>
  keys.flatMap(key => {
    const requestId = parseRequestId(key)
    const before = requestId && taken(requestId)
    return before ? [{ requestId, outcome: outcomeFor(before, principal) }] : []
  })

/** Characters of a digest: 96 bits. */
const DIGEST_LENGTH = 16

/** Tells requests apart, but for when they were written: a program that tries again may write the time anew. */
export const contentOf = ({ createdAt: _, ...asked }: Request): string =>
  hash('sha256', JSON.stringify(asked, sortedKeys), 'base64url').slice(0, DIGEST_LENGTH)

const sortedKeys = (_: string, value: unknown): unknown =>
  typeof value !== 'object' || value === null || Array.isArray(value) ? value
    : Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))

/** Either all effects of the request stand in the document or none: every check comes before the first write. */
const perform = (
  writer: TransactionWriter, requestId: RequestId, value: unknown, context: TakeContext,
): { outcome: RequestOutcome, content?: string } => {
  try {
    if (byteLength(value) > limits.requestBytes) throw new SkeinError('message-too-long')
    const parsed = schema.request.safeParse(value)
    if (!parsed.success) throw new SkeinError('invalid-request')
    if (!context.mayAsk()) throw new SkeinError('rate-limited')
    if (context.role === 'viewer') throw new SkeinError('viewer')
    dispatch(writer, requestId, parsed.data, context)
    // What a token does is its person's, whose name and role it does not tell.
    if (isInPerson(context.principal)) writer.setMember(context.principal.id, { name: context.principal.name, role: context.role })
    return { outcome: { status: 'accepted' }, content: contentOf(parsed.data) }
  } catch (error) {
    if (error instanceof SkeinError) return { outcome: refusal(error) }
    throw error
  }
}

const dispatch = (writer: TransactionWriter, requestId: RequestId, request: Request, context: TakeContext): void => {
  switch (request.type) {
    case 'send':
      return send(writer, requestId, request, context)
    case 'redact':
      return redact(writer, request, context)
    case 'stop':
      return stop(writer, request, context)
    case 'regenerate':
      return regenerate(writer, requestId, request, context)
    case 'retry':
    case 'continue':
      return answerAgain(writer, requestId, request, context)
    case 'set-meta':
      return setMeta(writer, request, context)
    case 'react':
      return react(writer, request, context)
  }
}

const send = (writer: TransactionWriter, requestId: RequestId, request: RequestOf<'send'>, context: TakeContext): void => {
  const { principal, now } = context
  const { parts, replaces, to, context: files } = request.message
  if (byteLength(parts) > limits.messageBytes) throw new SkeinError('message-too-long')
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
  for (const agentId of asked.agents) writer.setRun(deriveRun({ requestId, messageId, agentId, askedBy: principal.id, at: now, ...mode }))
}

const NO_FILES = 'You may not have files of the server read here, so the message was not sent. Its text is kept here; send it without them.'

/** Told where it is not the usual one. */
const modeOf = (mode: Mode): { mode?: Mode } => mode === DEFAULT_MODE ? {} : { mode }

const redact = (writer: TransactionWriter, { messageId }: RequestOf<'redact'>, { principal, role, now }: TakeContext): void => {
  const message = messageOrThrow(writer, messageId)
  const asker = message.role === 'assistant' ? writer.messages.get(message.metadata.parentId ?? '')?.metadata.authorId : message.metadata.authorId
  if (role !== 'owner' && !isOwn(principal, asker)) throw new SkeinError('not-author')
  writer.redactMessage(message, principal.id, now)
  forgetWhatAgentsRead(writer, now)
  // The title that the server made of its words must not go on saying them.
  if (writer.roots.meta.get('title') === titleFrom(message)) writer.setMeta('title', '')
}

/** A reply in progress may go on to say what was just taken out: it ends here, without its words. */
const forgetWhatAgentsRead = (writer: TransactionWriter, now: number): void => {
  for (const run of [...writer.roots.runs.values()]) {
    if (isFinished(run)) continue
    if (run.draftId) writer.dropDraft(run.draftId)
    advanceRun(writer, { ...run, draftId: null }, { type: 'stopped', at: now })
  }
}

const stop = (writer: TransactionWriter, { runId }: RequestOf<'stop'>, { now, agents }: TakeContext): void => {
  const run = writer.roots.runs.get(runId)
  if (!run) throw new SkeinError('target-unknown')
  if (isFinished(run)) throw new SkeinError('run-finished')
  const authorName = agents.nameOf(run.agentId)
  advanceRun(writer, run, { type: 'stopped', at: now }, authorName === undefined ? {} : { authorName })
}

const regenerate = (writer: TransactionWriter, requestId: RequestId, request: RequestOf<'regenerate'>, { principal, now, agents }: TakeContext): void => {
  const target = messageOrThrow(writer, request.messageId)
  const question = target.role === 'assistant' ? messageOrThrow(writer, target.metadata.parentId) : target
  const agentId = request.agentId ?? target.metadata.agentId ?? agentOf(writer, agents)
  if (!agentId || agents.nameOf(agentId) === undefined) throw new SkeinError('agent-unknown')
  const replaces = target.role === 'assistant' && { replaces: alternativesRootOf(target) }
  const { mode } = question.metadata
  begin(writer, deriveRun({ requestId, messageId: question.id, agentId, askedBy: principal.id, at: now, mode, ...replaces }))
}

/** Of a reply that broke off: another try, or its continuation. Either takes its place as the newest alternative. */
const answerAgain = (
  writer: TransactionWriter, requestId: RequestId, { type, messageId }: RequestOf<'retry' | 'continue'>, { principal, now, agents }: TakeContext
): void => {
  const target = messageOrThrow(writer, messageId)
  const { agentId, parentId, status, finishReason } = target.metadata
  if (!agentId) throw new SkeinError('invalid-request', 'Only an agent\'s reply can be tried again or continued, so nothing was changed.')
  if (status === 'complete' && finishReason !== 'length') {
    throw new SkeinError('invalid-request', 'This reply is complete, so nothing was changed. Ask for another answer instead.')
  }
  if (agents.nameOf(agentId) === undefined) throw new SkeinError('agent-unknown')
  const question = messageOrThrow(writer, parentId)
  const goesOn = type === 'continue' && textOf(target.parts).trim() !== ''
  begin(writer, deriveRun({
    requestId, messageId: question.id, agentId, askedBy: principal.id, at: now, mode: question.metadata.mode,
    replaces: alternativesRootOf(target), ...goesOn && { continues: target.id }
  }))
}

const begin = (writer: TransactionWriter, run: Run): void => {
  if (writer.isKnownMessage(run.replyId) || writer.roots.runs.has(run.id)) throw new SkeinError('id-conflict')
  writer.setRun(run)
}

const setMeta = (writer: TransactionWriter, { key, value }: RequestOf<'set-meta'>, { agents }: TakeContext): void => {
  if (key === 'title' && value.length > limits.titleLength) throw new SkeinError('invalid-request', `A title has at most ${limits.titleLength} characters, so it was not changed.`)
  if (key === 'agent' && value !== '' && agents.nameOf(value as AgentId) === undefined) throw new SkeinError('agent-unknown')
  if (key === 'answers' && !['', 'always', 'mentioned'].includes(value)) throw new SkeinError('invalid-request')
  if (key === 'mode' && value !== '' && !isMode(value)) throw new SkeinError('invalid-request')
  if (key === 'system') keepPromptsInForce(writer)
  writer.setMeta(key, value)
}

/** Replies that were asked for under the prompt that is about to be replaced are given under it, whenever they begin. */
const keepPromptsInForce = (writer: TransactionWriter): void => {
  const { system } = readMeta(writer.doc)
  for (const run of [...writer.roots.runs.values()]) if (!isFinished(run) && run.system === undefined) writer.setRun({ ...run, system })
}

const react = (writer: TransactionWriter, { messageId, kind, on }: RequestOf<'react'>, { principal, now }: TakeContext): void => {
  messageOrThrow(writer, messageId)
  // One person reacts once, whichever of their ids said it first.
  for (const alias of principal.aliases ?? []) {
    if (writer.roots.reactions.has(reactionKey(messageId, alias, kind))) writer.setReaction(messageId, alias, kind, false, now)
  }
  writer.setReaction(messageId, principal.id, kind, on, now)
}

/** A conversation is called after its first message until somebody names it. */
const titleFrom = ({ parts }: Message): string => shorten(textOf(parts), TITLE_FROM_TEXT)

const messageOrThrow = (writer: TransactionWriter, id: MessageId | null): Message => {
  const message = id === null ? undefined : writer.messages.get(id)
  if (!message) throw new SkeinError('target-unknown')
  return message
}

/** Every alternative names the first one, so that taking one of them out leaves the others together. */
const alternativesRootOf = ({ id, metadata }: Message): MessageId => metadata.replaces ?? id

const whoIsAsked = (
  writer: TransactionWriter, to: readonly AgentId[] | undefined, text: string, { principal, agents }: TakeContext
): Asked => {
  if (to?.some(id => agents.nameOf(id) === undefined)) throw new SkeinError('agent-unknown')
  return askedBy({
    to, text, agents: agents.all, agent: agentOf(writer, agents), always: readMeta(writer.doc).answersAlways,
    people: writersWith(id => isOwn(principal, id), writer.roots.members.entries())
  })
}

/** The conversation's own agent, else the server's default. */
const agentOf = ({ doc }: TransactionWriter, agents: KnownAgents): AgentId | null => {
  const own = readMeta(doc).agent as AgentId | null
  return own !== null && agents.nameOf(own) !== undefined ? own : agents.defaultAgent
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

const byteLength = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '')

const refusal = (error: SkeinError): RequestOutcome => ({ status: 'refused', code: error.code, reason: error.message })
