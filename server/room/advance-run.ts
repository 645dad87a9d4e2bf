/** Carries a step of the run machine into the conversation: the run, its drafts, and at its end one sealed message, however it ends. */
import { botLabel } from '../../shared/bot-label.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { isFinished, readDraft } from '../../shared/conversation/read.ts'
import type { Draft } from '../../shared/conversation/read.ts'
import { transition } from '../../shared/conversation/run.ts'
import type { RunEffect, RunEvent, Step } from '../../shared/conversation/run.ts'
import type { DraftHead, Message, MessageMetadata, Run } from '../../shared/conversation/schema.ts'
import type { ConversationWriter } from './port.ts'

/**
 * Does nothing when the event does not apply to the run (it has ended already).
 * @param details what the attempt knows of the message that is sealed: model, usage, timing, …
 * @returns the step; its `generate` is the caller's to do, once what was written is durable
 */
export const advanceRun = (writer: ConversationWriter, run: Run, event: RunEvent, details: Partial<MessageMetadata> = {}): Step => {
  const step = transition(run, event)
  if (step.run === run) return step
  const draft = run.draftId ? readDraft(run.draftId, openRoots(writer.doc).drafts.get(run.draftId)) : null
  for (const effect of step.effects) {
    switch (effect.type) {
      case 'drop-draft':
        writer.dropDraft(effect.draftId)
        break
      case 'open-draft':
        writer.openDraft(effect.draftId, headOf(run, draft?.head.createdAt ?? event.at), effect.parts)
        break
      case 'seal':
        writer.appendMessage(sealed(run, draft, effect, event.at, details))
        break
      case 'generate':
    }
  }
  writer.setRun(step.run)
  return step
}

/** Nobody is left who wants what these people asked for. */
export const stopRunsOf = (writer: ConversationWriter, askers: readonly string[], at: number): void => {
  for (const run of [...openRoots(writer.doc).runs.values()]) {
    if (!isFinished(run) && askers.includes(run.askedBy)) advanceRun(writer, run, { type: 'stopped', at })
  }
}

const headOf = ({ id, replyId, messageId, agentId, replaces }: Run, createdAt: number): DraftHead => ({
  kind: 'agent', authorId: `agent:${agentId}`, agentId, runId: id, replyId, parentId: messageId, ...replaces && { replaces }, createdAt
})

const sealed = (
  run: Run, draft: Draft | null, { status, error }: Extract<RunEffect, { type: 'seal' }>, at: number, details: Partial<MessageMetadata>
): Message => ({
  id: run.replyId,
  role: 'assistant',
  parts: draft ? draft.parts : [],
  metadata: {
    parentId: run.messageId,
    ...run.replaces && { replaces: run.replaces },
    authorId: `agent:${run.agentId}`,
    agentId: run.agentId,
    runId: run.id,
    ...run.mode && { mode: run.mode },
    createdAt: draft ? draft.head.createdAt : run.createdAt,
    acceptedAt: at,
    status,
    ...error && { error },
    ...details,
    ...run.bot && { bot: run.bot, authorName: botLabel(run.bot.name, run.bot.of.name) }
  }
})
