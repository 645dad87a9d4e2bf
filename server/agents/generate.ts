/** Runs an agent and hands on what it says, until it ends, fails, is aborted, falls silent or says too much. */
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import type { Delta } from './draft-feed.ts'
import type { Agent, AgentChunk, AgentContext } from './port.ts'
import type { Timers } from '../../shared/timers.ts'

export type Finish = Extract<AgentChunk, { type: 'finish' }>

export type Outcome =
  | { kind: 'finished', finish: Finish | null }
  | { kind: 'failed', error: unknown }
  | { kind: 'aborted' }

/** Node's `fetch` waits 300 s for a silent server; this ends a little earlier and says why. Reasoning models may be silent for minutes. */
const PATIENCE_MS = 240_000

export interface GenerateOptions {
  agent: Agent
  context: AgentContext
  signal: AbortSignal
  timers: Timers
  /** Called with every delta; the agent is asked for the next one when it resolves. */
  onDelta: (delta: Delta) => Promise<void>
}

/** Never throws: every way to end is an outcome. An agent is not trusted to end when it is told to. */
export const generate = async ({ agent, context, signal, timers, onDelta }: GenerateOptions): Promise<Outcome> => {
  const upstream = new AbortController()
  const signals = AbortSignal.any([signal, upstream.signal])
  let bytes = Buffer.byteLength(context.already)
  let chunks: AsyncIterator<AgentChunk> | null = null
  try {
    chunks = agent.reply(context, signals)[Symbol.asyncIterator]()
    for (;;) {
      const next = await nextChunk(chunks, signal, timers)
      if (next === 'aborted') return { kind: 'aborted' }
      if (next.done) throw new SkeinError('agent-failed', 'The reply ended before it was finished. What had arrived is kept; try again.')
      const chunk = next.value
      if (chunk.type === 'finish') return { kind: 'finished', finish: chunk }
      bytes += Buffer.byteLength(chunk.type === 'source-url' ? JSON.stringify(chunk) : chunk.text)
      if (bytes > limits.messageBytes) return { kind: 'finished', finish: null }
      await onDelta(chunk)
    }
  } catch (error) {
    return signal.aborted ? { kind: 'aborted' } : { kind: 'failed', error }
  } finally {
    upstream.abort()
    // Lets the agent clean up; what comes of it is nobody's concern any more.
    chunks?.return?.().catch(() => undefined)
  }
}

const nextChunk = (chunks: AsyncIterator<AgentChunk>, signal: AbortSignal, timers: Timers): Promise<IteratorResult<AgentChunk> | 'aborted'> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return resolve('aborted')
    const onAbort = (): void => settle(() => resolve('aborted'))
    const cancel = timers.after(PATIENCE_MS, () => settle(() => reject(
      new SkeinError('agent-failed', `The model sent nothing for ${PATIENCE_MS / 1000} seconds. What had arrived is kept; try again.`)
    )))
    const settle = (end: () => void): void => {
      cancel()
      signal.removeEventListener('abort', onAbort)
      end()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    chunks.next().then(result => settle(() => resolve(result)), error => settle(() => reject(error as Error)))
  })
