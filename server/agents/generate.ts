/** Runs an agent and hands on what it says, until it ends, fails, is aborted, falls silent, says too much or does not come to an end. */
import { replyBytes } from '../../shared/conversation/read.ts'
import type { MessagePart, SourcePart } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import type { Delta, TextDelta } from './draft-feed.ts'
import type { Agent, AgentChunk, AgentContext } from './port.ts'
import type { Timers } from '../../shared/timers.ts'

export type Finish = Extract<AgentChunk, { type: 'finish' }>

export type Outcome =
  | { kind: 'finished', finish: Finish | null }
  | { kind: 'failed', error: unknown }
  | { kind: 'aborted' }

/** Node's `fetch` waits 300 s for a silent server; this ends a little earlier and says why. Reasoning models may be silent for minutes. */
const PATIENCE_MS = 240_000
/** For a model that says a word now and then and never ends. */
const LONGEST_MS = 2 * 60 * 60 * 1000

export interface GenerateOptions {
  agent: Agent
  context: AgentContext
  /** Parts that this reply begins with: they count to what one message may hold. */
  seen?: readonly MessagePart[]
  signal: AbortSignal
  timers: Timers
  /** Called with every delta; the agent is asked for the next one when it resolves. */
  onDelta: (delta: Delta) => Promise<void>
}

/** Never throws: every way to end is an outcome. An agent is not trusted to end when it is told to. */
export const generate = async ({ agent, context, seen = [], signal, timers, onDelta }: GenerateOptions): Promise<Outcome> => {
  const [upstream, tooLong] = [new AbortController(), new AbortController()]
  const cancel = timers.after(LONGEST_MS, () => tooLong.abort())
  const over = AbortSignal.any([signal, tooLong.signal])
  const allowance = new Allowance(seen)
  let chunks: AsyncIterator<AgentChunk> | null = null
  try {
    chunks = agent.reply(context, AbortSignal.any([over, upstream.signal]))[Symbol.asyncIterator]()
    for (;;) {
      const next = await nextChunk(chunks, over, timers)
      if (next === 'aborted') {
        if (signal.aborted) return { kind: 'aborted' }
        throw new SkeinError('agent-failed', `The model had not ended its reply after ${LONGEST_MS / 3_600_000} hours. What had arrived is kept; try again.`)
      }
      if (next.done) throw new SkeinError('agent-failed', 'The reply ended before it was finished. What had arrived is kept; try again.')
      const chunk = next.value
      if (chunk.type === 'finish') return { kind: 'finished', finish: chunk }
      const fitting = allowance.take(chunk)
      if (fitting) await onDelta(fitting)
      if (allowance.isFull) return { kind: 'finished', finish: null }
    }
  } catch (error) {
    return signal.aborted ? { kind: 'aborted' } : { kind: 'failed', error }
  } finally {
    cancel()
    upstream.abort()
    // Lets the agent clean up; what comes of it is nobody's concern any more.
    chunks?.return?.().catch(() => undefined)
  }
}

/** What one message may still hold. */
class Allowance {
  isFull = false
  #bytes: number
  #parts: number
  #sources: number
  #type: MessagePart['type'] | null

  constructor(seen: readonly MessagePart[]) {
    this.#bytes = limits.messageBytes - replyBytes(seen)
    this.#parts = seen.length
    this.#sources = seen.filter(({ type }) => type === 'source-url').length
    this.#type = seen.at(-1)?.type ?? null
  }

  /** @returns what there is room for; null: nothing of it */
  take(delta: Delta): Delta | null {
    // The text tells what a source only proves.
    if (delta.type === 'source-url' && this.#sources >= limits.sourcesPerReply) return null
    const isNew = delta.type === 'source-url' || delta.type !== this.#type
    this.isFull = isNew && this.#parts >= limits.partsPerReply
    const fitting = this.isFull ? null : delta.type === 'source-url' ? this.#whole(delta) : this.#cut(delta)
    if (!fitting) return null
    if (isNew) this.#parts++
    if (delta.type === 'source-url') this.#sources++
    this.#type = delta.type
    return fitting
  }

  #whole(source: SourcePart): SourcePart | null {
    const bytes = Buffer.byteLength(JSON.stringify(source))
    this.isFull = bytes > this.#bytes
    if (this.isFull) return null
    this.#bytes -= bytes
    return source
  }

  /** Never within a character. */
  #cut({ type, text }: TextDelta): TextDelta | null {
    const bytes = Buffer.byteLength(text)
    this.isFull = bytes > this.#bytes
    if (!this.isFull) {
      this.#bytes -= bytes
      return { type, text }
    }
    const { read } = new TextEncoder().encodeInto(text, new Uint8Array(Math.max(0, this.#bytes)))
    return read === 0 ? null : { type, text: text.slice(0, read) }
  }
}

/** The next one that says something: what is empty comes to no end by itself, and nobody waits longer for it. */
const nextChunk = (chunks: AsyncIterator<AgentChunk>, signal: AbortSignal, timers: Timers): Promise<IteratorResult<AgentChunk> | 'aborted'> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return resolve('aborted')
    let isSettled = false
    const onAbort = (): void => settle(() => resolve('aborted'))
    const cancel = timers.after(PATIENCE_MS, () => settle(() => reject(
      new SkeinError('agent-failed', `The model sent nothing for ${PATIENCE_MS / 1000} seconds. What had arrived is kept; try again.`)
    )))
    const settle = (end: () => void): void => {
      isSettled = true
      cancel()
      signal.removeEventListener('abort', onAbort)
      end()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const ask = (): void => {
      chunks.next().then(result => {
        if (isSettled) return
        if (!result.done && isEmpty(result.value)) ask()
        else settle(() => resolve(result))
      }, error => settle(() => reject(error as Error)))
    }
    ask()
  })

const isEmpty = (chunk: AgentChunk): boolean => (chunk.type === 'text' || chunk.type === 'reasoning') && chunk.text === ''
