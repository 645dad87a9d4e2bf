/** The states of a run: any life of it ends, with one sealed message. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isFinished } from './read.ts'
import { limits } from '../limits.ts'
import { attemptAfter, transition } from './run.ts'
import type { RunEvent, Step } from './run.ts'
import { run as runSchema, runState } from './schema.ts'
import type { MessagePart, Run, RunState } from './schema.ts'
import type { AgentId, DraftId, MessageId, RunId } from '../ids.ts'

const uuid = (n: number) => `01900000-0000-8000-8000-${String(n).padStart(12, '0')}`
const [oldDraft, newDraft] = [uuid(4) as DraftId, uuid(5) as DraftId]

const runIn = (state: RunState): Run => ({
  id: uuid(1) as RunId, requestId: uuid(2), messageId: uuid(2) as MessageId, agentId: 'guide' as AgentId, askedBy: 'u', state, attempt: 1,
  draftId: state === 'processing' || state === 'awaiting-approval' ? oldDraft : null, replyId: uuid(3) as MessageId, createdAt: 1, updatedAt: 1,
})

const error = { code: 'agent-failed', message: 'no' }
const seen: MessagePart[] = [{ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'Yes' }, { type: 'text', text: ', but' }]
const takenUp: RunEvent = { type: 'taken-up', draftId: newDraft, seen: [], onInterruption: 'seal', asked: true, at: 9 }
const events = {
  'taken up': takenUp,
  'taken up by one that goes on': { ...takenUp, seen, onInterruption: 'continue' },
  'taken up by one that cannot go on': { ...takenUp, seen },
  'taken up without an agent': { ...takenUp, seen, onInterruption: null },
  'taken up without a question': { ...takenUp, seen, onInterruption: 'continue', asked: false },
  'completed': { type: 'completed', at: 9 },
  'failed': { type: 'failed', error, at: 9 },
  'stopped': { type: 'stopped', at: 9 },
} as const satisfies Record<string, RunEvent>
type EventName = keyof typeof events

/** What of the run changes, and the effects; null: the event does not apply. */
type Expected = [Partial<Run>, ...string[]] | null
const began = (...effects: string[]): Expected => [{ state: 'processing', draftId: newDraft }, ...effects]
const beganAgain = (...effects: string[]): Expected => [{ state: 'processing', draftId: newDraft, attempt: 2 }, 'drop', ...effects]
const over = (state: RunState, ...effects: string[]): Expected => [{ state, draftId: null }, ...effects]
const errorWith = (code: string, ...effects: string[]): Expected =>
  [{ state: 'error', draftId: null, error: expect.objectContaining({ code }) as Run['error'] }, ...effects]

const working: Record<EventName, Expected> = {
  'taken up': beganAgain('open with 0', 'generate after ""'),
  'taken up by one that goes on': beganAgain('open with 3', 'generate after "Yes, but"'),
  'taken up by one that cannot go on': errorWith('interrupted', 'drop', 'seal as incomplete'),
  'taken up without an agent': errorWith('agent-unknown', 'drop', 'seal as error'),
  'taken up without a question': errorWith('target-unknown', 'drop', 'seal as error'),
  'completed': over('completed', 'drop', 'seal as complete'),
  'failed': errorWith('agent-failed', 'drop', 'seal as error'),
  'stopped': over('cancelled', 'drop', 'seal as cancelled'),
}
const ended = Object.fromEntries(Object.keys(events).map(name => [name, null])) as Record<EventName, Expected>
/** The whole machine. */
const table: Record<RunState, Record<EventName, Expected>> = {
  'pending': {
    'taken up': began('open with 0', 'generate after ""'),
    'taken up by one that goes on': began('open with 3', 'generate after "Yes, but"'),
    // A person asked that the reply be continued, which every agent can be asked for.
    'taken up by one that cannot go on': began('open with 3', 'generate after "Yes, but"'),
    'taken up without an agent': errorWith('agent-unknown', 'seal as error'),
    'taken up without a question': errorWith('target-unknown', 'seal as error'),
    'completed': null,
    'failed': errorWith('agent-failed', 'seal as error'),
    'stopped': over('cancelled', 'seal as cancelled'),
  },
  'processing': working,
  'awaiting-approval': working,
  'completed': ended,
  'error': ended,
  'cancelled': ended,
}

const namesOf = ({ effects }: Step): string[] => effects.map(effect => {
  switch (effect.type) {
    case 'drop-draft': return effect.draftId === oldDraft ? 'drop' : 'drop another'
    case 'open-draft': return effect.draftId === newDraft ? `open with ${effect.parts.length}` : 'open another'
    case 'seal': return `seal as ${effect.status}`
    case 'generate': return `generate after "${effect.already}"`
  }
})

const cases = runState.options.flatMap(state => (Object.keys(events) as EventName[]).map(name => [state, name] as const))

describe('a run', () => {
  test.each(cases)('that is %s and %s becomes what the table says', (state, name) => {
    const before = runIn(state)
    const step = transition(before, events[name])
    const expected = table[state][name]
    if (expected === null) {
      expect(step.run).toBe(before)
      expect(step.effects).toEqual([])
    } else {
      const [changes, ...effects] = expected
      expect(step.run).toEqual({ ...before, ...changes, updatedAt: 9 })
      expect(namesOf(step)).toEqual(effects)
      expect(runSchema.safeParse(step.run).success).toBe(true)
    }
    expect(before).toEqual(runIn(state))
  })

  test('that was begun very often is not begun once more, whoever takes it up: what it does may be what brings the server down', () => {
    const before = { ...runIn('processing'), attempt: limits.attemptsPerReply }
    for (const name of ['taken up', 'taken up by one that goes on'] as const) {
      const step = transition(before, events[name])
      expect(step.run).toMatchObject({ state: 'error', error: { code: 'interrupted' }, draftId: null })
      expect(namesOf(step)).toEqual(['drop', 'seal as incomplete'])
    }
    expect(namesOf(transition({ ...before, attempt: before.attempt - 1 }, takenUp))).toContain('generate after ""')
  })

  test('that is finished stays as it is, and only then', () => {
    for (const state of runState.options) {
      const run = runIn(state)
      expect(isFinished({ state })).toBe(Object.values(events).every(event => transition(run, event).run === run))
    }
  })
})

describe('any life of a run', () => {
  const anyEvent = fc.constantFrom<RunEvent>(...Object.values(events))
  /** A draft of its own for each attempt, as `draftIdOf` gives them. */
  const lived = (story: readonly RunEvent[]): { steps: Step[], last: Run } => {
    const steps: Step[] = []
    let last = runIn('pending')
    for (const event of story) {
      const step = transition(last, event.type === 'taken-up' ? { ...event, draftId: uuid(100 + attemptAfter(last)) as DraftId } : event)
      if (step.run !== last) steps.push(step)
      last = step.run
    }
    return { steps, last }
  }

  test('has one seal when it is finished and none before', () => {
    fc.assert(fc.property(fc.array(anyEvent, { maxLength: 30 }), story => {
      const { steps, last } = lived(story)
      const seals = steps.flatMap(({ effects }) => effects).filter(({ type }) => type === 'seal')
      expect(seals).toHaveLength(isFinished(last) ? 1 : 0)
      expect(last.draftId === null).toBe(isFinished(last) || last.state === 'pending')
    }))
  })

  test('opens each draft once, and drops it before the next one and before the seal', () => {
    fc.assert(fc.property(fc.array(anyEvent, { maxLength: 30 }), story => {
      const { steps, last } = lived(story)
      const open = new Set<DraftId>()
      const opened = new Set<DraftId>()
      for (const effect of steps.flatMap(({ effects }) => effects)) {
        if (effect.type === 'drop-draft') expect(open.delete(effect.draftId)).toBe(true)
        if (effect.type !== 'open-draft') continue
        expect(open.size).toBe(0)
        expect(opened.has(effect.draftId)).toBe(false)
        open.add(effect.draftId)
        opened.add(effect.draftId)
      }
      expect([...open]).toEqual(last.draftId ? [last.draftId] : [])
    }))
  })

  test('counts its attempts upwards, and asks an agent once for each', () => {
    fc.assert(fc.property(fc.array(anyEvent, { maxLength: 30 }), story => {
      const asking = lived(story).steps.filter(({ effects }) => effects.some(({ type }) => type === 'generate'))
      expect(asking.map(({ run }) => run.attempt)).toEqual(asking.map((_, index) => index + 1))
    }))
  })

  test('can come to an end from wherever it is, and can be taken up until it has', () => {
    fc.assert(fc.property(fc.array(anyEvent, { maxLength: 30 }), story => {
      const { last } = lived(story)
      expect(isFinished(transition(last, { type: 'stopped', at: 10 }).run)).toBe(true)
      const next = transition(last, { ...takenUp, draftId: uuid(99) as DraftId })
      expect(next.effects.some(({ type }) => type === 'generate' || type === 'seal')).toBe(!isFinished(last))
    }))
  })
})
