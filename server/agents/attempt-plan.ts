/** What to do with a run that this server shall work on: begin it, go on where a crash ended it, or end it. Pure. */
import type { Draft } from '../../shared/conversation/read.ts'
import { isFinished } from '../../shared/conversation/read.ts'
import type { MessagePart, Run } from '../../shared/conversation/schema.ts'
import { errorTable } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Agent } from './port.ts'

export type AttemptPlan =
  /** The run is finished or gone: nothing to do. */
  | { kind: 'leave' }
  /** A new attempt, whose draft begins with these parts: what readers have seen of an earlier one. */
  | { kind: 'start', parts: MessagePart[], already: string }
  /** No attempt will come: the run ends with what there is. */
  | { kind: 'end', error: { code: ErrorCode, message: string }, status: 'error' | 'incomplete' }

/**
 * @param draft the draft of an earlier attempt that did not end
 * @param asked whether the message to answer is still there
 */
export const planAttempt = (run: Run | undefined, draft: Draft | null, agent: Agent | undefined, asked: boolean): AttemptPlan => {
  if (!run || isFinished(run)) return { kind: 'leave' }
  if (!agent) return end('agent-unknown', 'error')
  if (!asked) return end('target-unknown', 'error', 'The message was removed before it was answered.')
  const seen = draft ? draft.parts.filter(part => part.text !== '') : []
  if (seen.length === 0) return { kind: 'start', parts: [], already: '' }
  switch (agent.onInterruption) {
    case 'continue':
      return { kind: 'start', parts: seen, already: emittedText(seen) }
    case 'seal':
      return end('interrupted', 'incomplete')
  }
}

const end = (code: ErrorCode, status: 'error' | 'incomplete', message: string = errorTable[code].message): AttemptPlan =>
  ({ kind: 'end', error: { code, message }, status })

/** The text as the agent gave it, without the blank lines that join parts for reading. */
const emittedText = (parts: readonly MessagePart[]): string =>
  parts.flatMap(part => part.type === 'text' && typeof part.text === 'string' ? [part.text] : []).join('')
