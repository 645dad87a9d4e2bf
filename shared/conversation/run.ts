/**
 * The life of an agent run as a pure machine: `transition(run, event)` says what the run becomes and what has to be done about it.
 *
 *   pending → processing ⇄ awaiting-approval → completed | error | cancelled
 *
 * An event that does not fit the state (a stale attempt's end, a finished run) changes nothing and asks for nothing. Each attempt writes a
 * draft of its own and is counted; attempt and draft are the fencing token that every write of the attempt is checked against.
 */
import { errorTable } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { DraftId } from '../ids.ts'
import { limits } from '../limits.ts'
import type { MessagePart, MessageStatus, Run } from './schema.ts'

export interface RunError {
  code: string
  message: string
}

export type RunEnding =
  | { type: 'completed', at: number }
  | { type: 'failed', error: RunError, at: number }
  | { type: 'stopped', at: number }

export type RunEvent =
  /** Whoever got the run's lease takes it up: at first, or after the one who had it before has gone. */
  | {
    type: 'taken-up'
    /** Of the attempt that {@link attemptAfter} names. */
    draftId: DraftId
    /** What readers have seen of the reply: of an attempt that is over, or of the reply that is to be continued. */
    seen: readonly MessagePart[]
    /** What the agent can do about a reply that was interrupted; null: there is no such agent (any more). */
    onInterruption: 'continue' | 'seal' | null
    /** Whether what it is to answer, or to go on with, is still there. */
    asked: boolean
    at: number
  }
  | RunEnding

/** What has to be done, in this order. All but `generate` belongs into the transaction that writes the run. */
export type RunEffect =
  | { type: 'drop-draft', draftId: DraftId }
  | { type: 'open-draft', draftId: DraftId, parts: readonly MessagePart[] }
  /** One sealed message, whose parts are those of the draft that is dropped in the same step. */
  | { type: 'seal', status: MessageStatus, error?: RunError }
  /** The agent is asked, once the step is durable; `already` is the text that readers have seen. */
  | { type: 'generate', already: string }

export interface Step {
  /** The very run that was given, when the event does not apply. */
  run: Run
  effects: readonly RunEffect[]
}

/** The number of the attempt that taking the run up begins. */
export const attemptAfter = ({ state, attempt }: Pick<Run, 'state' | 'attempt'>): number => state === 'pending' ? attempt : attempt + 1

export const transition = (run: Run, event: RunEvent): Step => {
  switch (run.state) {
    case 'pending':
      switch (event.type) {
        case 'taken-up':
          return takeUp(run, event)
        // Nobody has begun, so nobody can have come to an end.
        case 'completed':
          return { run, effects: [] }
        case 'failed':
        case 'stopped':
          return end(run, event)
      }
      break
    case 'processing':
    case 'awaiting-approval':
      switch (event.type) {
        case 'taken-up':
          if ((event.seen.length > 0 && event.onInterruption === 'seal') || run.attempt >= limits.attemptsPerReply) {
            return end(run, { type: 'failed', error: errorOf('interrupted'), at: event.at }, 'incomplete')
          }
          return takeUp(run, event)
        case 'completed':
        case 'failed':
        case 'stopped':
          return end(run, event)
      }
      break
    case 'completed':
    case 'error':
    case 'cancelled':
      return { run, effects: [] }
  }
}

const takeUp = (run: Run, { draftId, seen, onInterruption, asked, at }: Extract<RunEvent, { type: 'taken-up' }>): Step => {
  if (onInterruption === null) return end(run, { type: 'failed', error: errorOf('agent-unknown'), at })
  if (!asked) return end(run, { type: 'failed', error: { ...errorOf('target-unknown'), message: REMOVED }, at })
  return {
    run: { ...run, state: 'processing', attempt: attemptAfter(run), draftId, updatedAt: at },
    // The draft of the attempt before goes: it can never be sealed any more.
    effects: [...dropped(run), { type: 'open-draft', draftId, parts: seen }, { type: 'generate', already: emittedText(seen) }]
  }
}

const REMOVED = 'The message was removed before it was answered.'

const end = (run: Run, event: RunEnding, status: MessageStatus = ENDINGS[event.type].status): Step => {
  const error = event.type === 'failed' ? { error: event.error } : {}
  return {
    run: { ...run, state: ENDINGS[event.type].state, draftId: null, ...error, updatedAt: event.at },
    effects: [...dropped(run), { type: 'seal', status, ...error }]
  }
}

const ENDINGS = {
  completed: { state: 'completed', status: 'complete' },
  failed: { state: 'error', status: 'error' },
  stopped: { state: 'cancelled', status: 'cancelled' }
} as const

const dropped = ({ draftId }: Run): RunEffect[] => draftId ? [{ type: 'drop-draft', draftId }] : []

export const errorOf = (code: ErrorCode): RunError => ({ code, message: errorTable[code].message })

/** The text as the agent gave it, without the blank lines that join parts for reading. */
const emittedText = (parts: readonly MessagePart[]): string =>
  parts.flatMap(part => part.type === 'text' && typeof part.text === 'string' ? [part.text] : []).join('')
