import { describe, expect, test } from 'vitest'
import { isFinished } from './read.ts'
import { transition } from './run.ts'
import type { RunEvent } from './run.ts'
import { run as runSchema, runState } from './schema.ts'
import type { Run, RunState } from './schema.ts'
import type { AgentId, DraftId, MessageId, RunId } from '../ids.ts'

const uuid = (n: number) => `01900000-0000-8000-8000-${String(n).padStart(12, '0')}`
const [oldDraft, newDraft] = [uuid(4) as DraftId, uuid(5) as DraftId]

const runIn = (state: RunState): Run => ({
  id: uuid(1) as RunId, requestId: uuid(2), messageId: uuid(2) as MessageId, agentId: 'guide' as AgentId, askedBy: 'u', state, attempt: 1,
  draftId: state === 'processing' || state === 'awaiting-approval' ? oldDraft : null, replyId: uuid(3) as MessageId, createdAt: 1, updatedAt: 1,
})

const error = { code: 'agent-failed', message: 'no' }
const events: { [Type in RunEvent['type']]: Extract<RunEvent, { type: Type }> } = {
  started: { type: 'started', draftId: newDraft, at: 9 },
  completed: { type: 'completed', at: 9 },
  failed: { type: 'failed', error, at: 9 },
  stopped: { type: 'stopped', at: 9 },
}

/** State and event → what of the run changes; null: the event does not apply. The whole machine. */
const table: Record<RunState, Record<RunEvent['type'], Partial<Run> | null>> = {
  'pending': {
    started: { state: 'processing', draftId: newDraft },
    completed: null,
    failed: { state: 'error', error },
    stopped: { state: 'cancelled' },
  },
  'processing': {
    started: { state: 'processing', draftId: newDraft, attempt: 2 },
    completed: { state: 'completed', draftId: null },
    failed: { state: 'error', draftId: null, error },
    stopped: { state: 'cancelled', draftId: null },
  },
  'awaiting-approval': {
    started: { state: 'processing', draftId: newDraft, attempt: 2 },
    completed: { state: 'completed', draftId: null },
    failed: { state: 'error', draftId: null, error },
    stopped: { state: 'cancelled', draftId: null },
  },
  'completed': { started: null, completed: null, failed: null, stopped: null },
  'error': { started: null, completed: null, failed: null, stopped: null },
  'cancelled': { started: null, completed: null, failed: null, stopped: null },
}

const cases = runState.options.flatMap(state => Object.values(events).map(event => [state, event.type, event] as const))

describe('a run', () => {
  test('is looked at in every state with every event', () => {
    expect(cases).toHaveLength(24)
    expect(new Set(Object.keys(table))).toEqual(new Set(runState.options))
  })

  test.each(cases)('that is %s and %s becomes what the table says', (state, type, event) => {
    const before = runIn(state)
    const expected = table[state][type]
    expect(transition(before, event)).toEqual(expected && { ...before, ...expected, updatedAt: 9 })
    expect(before).toEqual(runIn(state))
  })

  test.each(cases)('that is %s and %s stays one that the schema knows', (state, _, event) => {
    const after = transition(runIn(state), event)
    if (after) expect(runSchema.safeParse(after).success).toBe(true)
  })

  test('that is finished stays as it is, and only then', () => {
    for (const state of runState.options) {
      expect(isFinished({ state })).toBe(Object.values(events).every(event => transition(runIn(state), event) === null))
    }
  })
})
