/** How a run ends: its draft goes and one sealed message stands in its place, whatever the ending was. */
import { readDraft } from '../../shared/conversation/read.ts'
import { transition } from '../../shared/conversation/run.ts'
import type { RunEvent } from '../../shared/conversation/run.ts'
import type { Message, MessageMetadata, Run } from '../../shared/conversation/schema.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import type { ConversationWriter } from './port.ts'

type Ending = Exclude<RunEvent, { type: 'started' }>

/**
 * Every run ends with exactly one sealed message, whose parts are the draft's as they stand in the document. Does nothing when the
 * event does not apply to the run (it has ended already).
 * @param extra what the attempt knows of it: model, usage, timing, …; may name another `status`
 */
export const sealRun = (writer: ConversationWriter, run: Run, event: Ending, extra: Partial<MessageMetadata> = {}): void => {
  const ended = transition(run, event)
  if (!ended) return
  const draft = run.draftId && readDraft(run.draftId, openRoots(writer.doc).drafts.get(run.draftId))
  if (run.draftId) writer.dropDraft(run.draftId)
  const message: Message = {
    id: run.replyId,
    role: 'assistant',
    parts: draft ? draft.parts : [],
    metadata: {
      parentId: run.messageId,
      ...run.replaces && { replaces: run.replaces },
      authorId: `agent:${run.agentId}`,
      agentId: run.agentId,
      runId: run.id,
      createdAt: draft ? draft.head.createdAt : run.createdAt,
      acceptedAt: event.at,
      status: statusOf(event),
      ...event.type === 'failed' && { error: event.error },
      ...extra
    }
  }
  writer.appendMessage(message)
  writer.setRun(ended)
}

const statusOf = (event: Ending): MessageMetadata['status'] => {
  switch (event.type) {
    case 'completed':
      return 'complete'
    case 'stopped':
      return 'cancelled'
    case 'failed':
      return 'error'
  }
}
