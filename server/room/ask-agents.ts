/** Requests about agents' replies: another one, the same again, its continuation, its end. */
import { canGoOn, isFinished, readMeta, textOf } from '../../shared/conversation/read.ts'
import type { RequestOf, Run } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { AgentId, RequestId, RunId } from '../../shared/ids.ts'
import { holderOf } from '../../shared/principal.ts'
import { advanceRun } from './advance-run.ts'
import type { TransactionWriter } from './conversation-writer.ts'
import { deriveRun } from './derive-run.ts'
import { alternativesRootOf, messageOrThrow } from './message-places.ts'
import type { KnownAgents, TakeContext } from './take-context.ts'

export const stop = (writer: TransactionWriter, { runId }: RequestOf<'stop'>, { now, agents }: TakeContext): void => {
  const run = writer.roots.runs.get(runId)
  if (!run) throw new SkeinError(hasReplyOf(writer, runId) ? 'run-finished' : 'target-unknown')
  if (isFinished(run)) throw new SkeinError('run-finished')
  const authorName = agents.nameOf(run.agentId)
  advanceRun(writer, run, { type: 'stopped', at: now }, authorName === undefined ? {} : { authorName })
}

/** A run that has ended makes room for later ones, and is known by its reply from then on. */
const hasReplyOf = ({ messages }: TransactionWriter, runId: RunId): boolean =>
  [...messages.values()].some(({ metadata }) => metadata.runId === runId)

export const regenerate = (writer: TransactionWriter, requestId: RequestId, request: RequestOf<'regenerate'>, { principal, now, agents }: TakeContext): void => {
  const target = messageOrThrow(writer, request.messageId)
  const question = target.role === 'assistant' ? messageOrThrow(writer, target.metadata.parentId) : target
  const agentId = request.agentId ?? target.metadata.agentId ?? agentOf(writer, agents)
  if (!agentId || agents.nameOf(agentId) === undefined) throw new SkeinError('agent-unknown')
  const replaces = target.role === 'assistant' && { replaces: alternativesRootOf(target) }
  const { mode } = question.metadata
  const bot = agents.botOf?.(agentId)
  begin(writer, deriveRun({ requestId, messageId: question.id, agentId, bot, askedBy: holderOf(principal).id, at: now, mode, ...replaces }))
}

/** Of a reply that broke off: another try, or its continuation. Either takes its place as the newest alternative. */
export const answerAgain = (
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
  if (goesOn && !canGoOn(target.parts)) {
    throw new SkeinError('invalid-request', 'This reply is as long as a message may be, so nothing was changed. Ask for the rest in a message of your own.')
  }
  begin(writer, deriveRun({
    requestId, messageId: question.id, agentId, bot: agents.botOf?.(agentId), askedBy: holderOf(principal).id, at: now,
    mode: question.metadata.mode, replaces: alternativesRootOf(target), ...goesOn && { continues: target.id }
  }))
}

const begin = (writer: TransactionWriter, run: Run): void => {
  if (writer.isKnownMessage(run.replyId) || writer.roots.runs.has(run.id)) throw new SkeinError('id-conflict')
  writer.setRun(run)
}

/** The conversation's own agent, else the server's default. */
export const agentOf = ({ doc }: TransactionWriter, agents: KnownAgents): AgentId | null => {
  const own = readMeta(doc).agent as AgentId | null
  return own !== null && agents.nameOf(own) !== undefined ? own : agents.defaultAgent
}
