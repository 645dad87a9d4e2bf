/** What each kind of request does to the conversation. Each checks everything before it writes anything. */
import { reactionKey } from '../../shared/conversation/document.ts'
import { isMode } from '../../shared/conversation/mode.ts'
import { isFinished, readMeta } from '../../shared/conversation/read.ts'
import type { Request, RequestOf, Run } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { isKeptForBots } from '../../shared/ids.ts'
import type { AgentId, MessageId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { advanceRun } from './advance-run.ts'
import { answerAgain, regenerate, stop } from './ask-agents.ts'
import type { TransactionWriter } from './conversation-writer.ts'
import { mayRedact, messageOrThrow } from './message-places.ts'
import { send, titleFrom } from './send-message.ts'
import type { TakeContext } from './take-context.ts'

/** @throws SkeinError why it is refused: nothing was written */
export const performRequest = (writer: TransactionWriter, requestId: RequestId, request: Request, context: TakeContext): void => {
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

const redact = (writer: TransactionWriter, { messageId }: RequestOf<'redact'>, context: TakeContext): void => {
  const { principal, now } = context
  const message = messageOrThrow(writer, messageId)
  if (!mayRedact(writer.messages, message, context)) throw new SkeinError('not-author')
  const readers = runsThatMayHaveRead(writer, messageId)
  writer.redactMessage(message, principal.id, now)
  forgetWhatAgentsRead(writer, readers, now)
  // The title that the server made of its words must not go on saying them.
  if (writer.roots.meta.get('title') === titleFrom(message)) writer.setMeta('title', '')
}

/** An agent is told what stands up to the message that it answers, and the reply that it goes on with; nothing that was said since. */
const runsThatMayHaveRead = ({ roots: { messages, runs } }: TransactionWriter, id: MessageId): Run[] => {
  const ids = messages.toArray().map(message => message.id)
  const sinceThen = new Set(ids.slice(ids.indexOf(id)))
  return [...runs.values()].filter(run => !isFinished(run) && (run.continues === id || sinceThen.has(run.messageId)))
}

/** A reply in progress may go on to say what was just taken out: it ends here, without its words. */
const forgetWhatAgentsRead = (writer: TransactionWriter, readers: readonly Run[], now: number): void => {
  for (const run of readers) {
    if (run.draftId) writer.dropDraft(run.draftId)
    advanceRun(writer, { ...run, draftId: null }, { type: 'stopped', at: now })
  }
}

const setMeta = (writer: TransactionWriter, { key, value }: RequestOf<'set-meta'>, { agents }: TakeContext): void => {
  if (key === 'title' && value.length > limits.titleLength) throw new SkeinError('invalid-request', `A title has at most ${limits.titleLength} characters, so it was not changed.`)
  if (key === 'agent' && value !== '' && (agents.nameOf(value as AgentId) === undefined || isKeptForBots(value))) throw new SkeinError('agent-unknown')
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
