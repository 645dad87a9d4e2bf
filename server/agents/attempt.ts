/**
 * One attempt of one run: it opens a draft, streams the agent into it, and ends with one sealed message.
 *
 * The fence: every write first checks, inside its transaction, that the run is still this attempt's. When it is not (a person stopped it,
 * another attempt took over) nothing is written and the attempt ends quietly.
 */
import type * as Y from 'yjs'
import { DEFAULT_MODE } from '../../shared/conversation/mode.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { isFinished, readDraft, readMessages, readRedactions, readMeta } from '../../shared/conversation/read.ts'
import { attemptAfter, errorOf } from '../../shared/conversation/run.ts'
import type { RunError } from '../../shared/conversation/run.ts'
import type { MessageMetadata, MessagePart, Run, Summary } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import type { DraftId, RunId } from '../../shared/ids.ts'
import type { ConversationWriter, Room } from '../room/port.ts'
import { advanceRun } from '../room/advance-run.ts'
import { contextMessages } from './context.ts'
import { createDraftFeed } from './draft-feed.ts'
import type { Delta } from './draft-feed.ts'
import { draftIdOf } from './draft-id.ts'
import { generate } from './generate.ts'
import { fitToWindow } from './summarise.ts'
import { giveFiles } from './give-files.ts'
import type { ServerFiles } from './server-files.ts'
import { sayWhatIsSpent } from './model-budget.ts'
import type { ModelBudget } from './model-budget.ts'
import type { Outcome } from './generate.ts'
import type { Agent, AgentContext, AgentRegistry } from './port.ts'
import type { RunTrace } from './run-trace.ts'
import type { RecentMap } from '../../shared/recent-map.ts'
import type { Timers } from '../../shared/timers.ts'

export interface AttemptPorts {
  agents: AgentRegistry
  /** Milliseconds since 1970. */
  now(): number
  timers: Timers
  /** Null: nobody counts, where everybody is the one local person. */
  budget: ModelBudget | null
  /** Counts the attempt among those that go on. @returns it has ended; null: so many go on for this person that it may not begin */
  enter(run: Run): (() => void) | null
  /** A transition of the run is durable. @param details of the message that ended it */
  onTransition(run: Run, details?: Partial<MessageMetadata>): void
  /** Runs one at a time for each conversation. */
  inTurn<T>(room: Room, work: () => Promise<T>): Promise<T>
  /** Summaries that were made lately, of all conversations. */
  summaries: Pick<RecentMap<Summary>, 'get' | 'set'>
  /** Null: no files of the server are ever read. */
  files: ServerFiles | null
  /** The agent failed in a way that it did not explain: a bug to look at. */
  onUnexpected(run: Run, error: unknown): void
  trace: RunTrace
}

/** An attempt that has opened its draft. */
interface Started {
  run: Run
  draftId: DraftId
  agent: Agent
  context: AgentContext
  /** What the draft began with. */
  seen: readonly MessagePart[]
  createdAt: number
}

/**
 * Works on the run until it is finished, somebody else's, or the signal aborts.
 * @throws what `room.write` rejects with: the attempt is over and the run is open, its draft as it is in the log
 */
export const runAttempt = async (ports: AttemptPorts, room: Room, runId: RunId, signal: AbortSignal): Promise<void> => {
  const known = await room.read(doc => openRoots(doc).runs.get(runId))
  if (!known || signal.aborted) return
  const leave = ports.enter(known)
  try {
    await attempt(ports, room, known, leave ? null : errorOf('too-many-replies'), signal)
  } finally {
    leave?.()
  }
}

const attempt = async (ports: AttemptPorts, room: Room, known: Run, tooMany: RunError | null, signal: AbortSignal): Promise<void> => {
  const runId = known.id
  const actor = `agent:${known.agentId}`
  const agent = ports.agents.find(known.agentId)
  const trace = ports.trace.begin(known, agent?.name)
  const refusal = tooMany ?? await whyUnpaid(ports, known, agent)
  const { run, started } = await room.write(actor, writer => refusal ? refuse(writer, runId, refusal, ports) : begin(writer, runId, ports))
  if (run) ports.onTransition(run)
  if (!started) return
  const context = { ...started.context, run: { id: runId, conversation: room.name }, ...trace && { trace } }
  await stream(ports, room, actor, { ...started, context }, signal)
}

/** The first write of an attempt. `run` is what it made of the run, `started` is there when an agent shall now speak. */
const begin = (writer: ConversationWriter, runId: RunId, { agents, now }: AttemptPorts): { run?: Run, started?: Started } => {
  const { runs, drafts } = openRoots(writer.doc)
  const run = runs.get(runId)
  if (!run || isFinished(run)) return {}
  const draft = run.draftId ? readDraft(run.draftId, drafts.get(run.draftId)) : null
  const agent = agents.find(run.agentId)
  const all = readMessages(writer.doc)
  const messages = contextMessages(all, run.messageId, readRedactions(writer.doc))
  const continued = run.continues && all.find(({ id }) => id === run.continues)
  const seen = ((draft ?? continued)?.parts ?? []).filter(part => part.text !== '')
  const at = now()
  const { run: next, effects } = advanceRun(writer, run, {
    type: 'taken-up',
    draftId: draftIdOf(run.id, attemptAfter(run)),
    seen,
    onInterruption: agent?.onInterruption ?? null,
    asked: messages !== null && continued !== undefined === (run.continues !== undefined),
    at
  }, signature(run, agent))
  const generating = effects.find(({ type }) => type === 'generate')
  if (generating?.type !== 'generate' || !agent || !messages || !next.draftId) return { run: next }
  const system = run.system ?? readMeta(writer.doc).system
  const context = { messages, earlier: '', system, mode: run.mode ?? DEFAULT_MODE, files: [], already: generating.already }
  return { run: next, started: { run: next, draftId: next.draftId, agent, context, seen, createdAt: draft?.head.createdAt ?? at } }
}

/** Null: it is paid for, or costs nothing. */
const whyUnpaid = async ({ budget, now }: AttemptPorts, { state, askedBy }: Run, agent: Agent | undefined): Promise<RunError | null> => {
  const spent = state === 'pending' && agent?.isLanguageModel ? await budget?.spend(askedBy, now()) : null
  return spent ? { code: 'budget-spent', message: sayWhatIsSpent(spent) } : null
}

/** The run ends before it began. */
const refuse = (
  writer: ConversationWriter, runId: RunId, error: RunError, { agents, now }: AttemptPorts
): { run?: Run, started?: Started } => {
  const run = openRoots(writer.doc).runs.get(runId)
  if (!run || isFinished(run)) return {}
  return { run: advanceRun(writer, run, { type: 'failed', error, at: now() }, signature(run, agents.find(run.agentId))).run }
}

const stream = async (ports: AttemptPorts, room: Room, actor: string, started: Started, signal: AbortSignal): Promise<void> => {
  const { now, timers } = ports
  const { agent, context, seen, createdAt } = started
  const over = new AbortController()
  let failure: { error: unknown } | null = null
  let firstTokenAt: number | null = null
  let firstWordAt: number | null = null
  let spoke = context.already !== ''

  const feed = createDraftFeed({
    async write(deltas) {
      const ours = await room.write(actor, writer => appendAll(writer, started, deltas))
      if (!ours) over.abort()
    },
    onFailure(error) {
      failure = { error }
      over.abort()
    },
    now,
    timers
  })
  const until = AbortSignal.any([signal, over.signal])
  const { files, given } = await giveFiles({ files: ports.files, agent, askedBy: started.run.askedBy, signal: until }, context.messages)
  const prepared = await fitToWindow({
    room, agent, actor, timers, now, signal: until,
    current: ({ doc }) => fenced(doc, started) && contextMessages(readMessages(doc), started.run.messageId, readRedactions(doc)),
    spend: async () => {
      const spent = agent.isLanguageModel && await ports.budget?.spend(started.run.askedBy, now())
      if (spent) throw new SkeinError('budget-spent', sayWhatIsSpent(spent))
    },
    inTurn: work => ports.inTurn(room, work),
    made: ports.summaries
  }, { ...context, files })
  const outcome = prepared.kind !== 'ready' ? prepared : await generate({
    agent,
    context: prepared.context,
    seen,
    timers,
    signal: until,
    async onDelta(delta) {
      firstTokenAt ??= now()
      if (delta.type === 'text') firstWordAt ??= now()
      spoke ||= delta.type === 'text' && delta.text.trim() !== ''
      feed.push(delta)
      await feed.ready()
    }
  })
  const rest = await feed.close()
  throwIfFailed(failure)
  if (outcome.kind === 'aborted') return

  const event = eventOf(outcome, spoke, now())
  if (outcome.kind === 'failed' && !(outcome.error instanceof SkeinError)) ports.onUnexpected(started.run, outcome.error)
  const extra: Partial<MessageMetadata> = {
    ...signature(started.run, agent),
    ...detailsOf(outcome),
    ...given && { files: given },
    createdAt,
    timing: timingOf({ createdAt, firstTokenAt, firstWordAt, endedAt: event.at, continued: context.already !== '', outcome })
  }
  const run = await room.write(actor, writer => {
    const current = appendAll(writer, started, rest)
    if (current) advanceRun(writer, current, event, extra)
    return current && openRoots(writer.doc).runs.get(current.id)
  })
  if (run) ports.onTransition(run, extra)
}

/** The run as it stands when it is still this attempt's, else null. */
const fenced = (doc: Y.Doc, { run, draftId }: Started): Run | null => {
  const current = openRoots(doc).runs.get(run.id)
  return current?.state === 'processing' && current.attempt === run.attempt && current.draftId === draftId ? current : null
}

const appendAll = (writer: ConversationWriter, started: Started, deltas: readonly Delta[]): Run | null => {
  const run = fenced(writer.doc, started)
  if (!run) return null
  for (const delta of deltas) {
    if (delta.type === 'source-url') writer.addSource(started.draftId, delta)
    else writer.appendToDraft(started.draftId, delta.type, delta.text)
  }
  return run
}

const signature = (run: Run, agent: Agent | undefined): Partial<MessageMetadata> =>
  ({ authorName: (agent?.name ?? run.agentId).slice(0, 200) })

const eventOf = (outcome: Exclude<Outcome, { kind: 'aborted' }>, spoke: boolean, at: number) => {
  if (outcome.kind === 'failed') return { type: 'failed', error: explain(outcome.error), at } as const
  const finishReason = outcome.finish?.finishReason
  const isWhole = finishReason === undefined || !BROKEN_OFF.includes(finishReason)
  if (spoke && isWhole) return { type: 'completed', at } as const
  const reason = finishReason === undefined ? '' : ` (finish reason: ${finishReason})`
  const message = spoke
    ? `The model did not go on, or its provider did not let it${reason}. What had arrived is kept; try again.`
    : `The model ended its reply without a word${reason}. Try again.`
  return { type: 'failed', error: { code: 'agent-failed', message }, at } as const
}

/** Reasons to finish that are none of the model's own, in the words of the AI SDK. */
const BROKEN_OFF: readonly string[] = ['content-filter', 'error']

/** Only a SkeinError's message was written for people; anything else may hold what they must not see. */
const explain = (error: unknown): RunError =>
  error instanceof SkeinError ? { code: error.code, message: error.message } : errorOf('agent-failed')

const detailsOf = (outcome: Outcome): Partial<MessageMetadata> => {
  if (outcome.kind !== 'finished') return {}
  // No `finish`: the reply was cut at the longest that a message may be.
  if (!outcome.finish) return { finishReason: 'length' }
  const { model, usage, cost, finishReason } = outcome.finish
  return { ...model !== '' && { model }, finishReason, ...usage && { usage }, ...cost && { cost } }
}

interface Spoken {
  createdAt: number
  firstTokenAt: number | null
  firstWordAt: number | null
  endedAt: number
  /** It goes on from what readers had seen before. */
  continued: boolean
  outcome: Outcome
}

const timingOf = ({ createdAt, firstTokenAt, firstWordAt, endedAt, continued, outcome }: Spoken): MessageMetadata['timing'] => {
  const totalMs = Math.max(0, endedAt - createdAt)
  if (firstTokenAt === null) return { totalMs }
  const { outputTokens, reasoningTokens } = outcome.kind === 'finished' ? outcome.finish?.usage ?? {} : {}
  // Thoughts that are counted may have been thought before anything arrived, or never arrive: the words and their time are left.
  const tokens = outputTokens === undefined ? 0 : outputTokens - (reasoningTokens ?? 0)
  const since = reasoningTokens === undefined ? firstTokenAt : firstWordAt
  const seconds = since === null ? 0 : (endedAt - since) / 1000
  return {
    totalMs,
    ...!continued && { firstTokenMs: Math.max(0, firstTokenAt - createdAt) },
    ...tokens > 0 && seconds > 0 && { tokensPerSecond: Math.round(tokens / seconds * 10) / 10 }
  }
}

const throwIfFailed = (failure: { error: unknown } | null): void => {
  if (failure) throw failure.error
}
