/** The life of an agent run as a pure machine: `transition(run, event) → run`; events that do not fit the state change nothing. */
import type { DraftId } from '../ids.ts'
import type { Run } from './schema.ts'

export type RunEvent =
  /** An attempt begins and writes into this draft. */
  | { type: 'started', draftId: DraftId, at: number }
  | { type: 'completed', at: number }
  | { type: 'failed', error: { code: string, message: string }, at: number }
  | { type: 'stopped', at: number }

/** @returns the run after the event, or null when the event does not apply in this state (a stale attempt, a finished run) */
export const transition = (run: Run, event: RunEvent): Run | null => {
  switch (run.state) {
    case 'pending':
      switch (event.type) {
        case 'started':
          return { ...run, state: 'processing', draftId: event.draftId, updatedAt: event.at }
        case 'stopped':
          return finish(run, 'cancelled', event.at)
        case 'failed':
          return { ...finish(run, 'error', event.at), error: event.error }
        case 'completed':
          return null
      }
      break
    case 'processing':
    case 'awaiting-approval':
      switch (event.type) {
        // A new attempt after a crash: the draft of the old one can no longer be sealed.
        case 'started':
          return { ...run, state: 'processing', attempt: run.attempt + 1, draftId: event.draftId, updatedAt: event.at }
        case 'completed':
          return finish(run, 'completed', event.at)
        case 'stopped':
          return finish(run, 'cancelled', event.at)
        case 'failed':
          return { ...finish(run, 'error', event.at), error: event.error }
      }
      break
    case 'completed':
    case 'error':
    case 'cancelled':
      return null
  }
}

const finish = (run: Run, state: 'completed' | 'error' | 'cancelled', at: number): Run => ({ ...run, state, draftId: null, updatedAt: at })
