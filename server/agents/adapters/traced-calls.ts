/**
 * A span of each call of a model, as a middleware of the AI SDK: it is called for each try, so a 429 and the try after it are two spans.
 * The SDK's own integration is not used; docs/decisions/0001-dependencies.md says why.
 */
import { APICallError } from 'ai'
import type { LanguageModelMiddleware } from 'ai'
import { limits } from '../../../shared/limits.ts'
import type { AgentContext } from '../port.ts'
import type { Provider } from '../models.ts'
import type { Span, SpanAttributes } from '../../telemetry/tracing-port.ts'

type WrapStream = NonNullable<LanguageModelMiddleware['wrapStream']>
type CallOptions = Parameters<WrapStream>[0]['params']
type Streamed = Awaited<ReturnType<WrapStream>>
type Part = Streamed['stream'] extends ReadableStream<infer T> ? T : never

export interface TracedModel {
  provider: Provider
  /** As the provider calls it. */
  model: string
  url: URL
}

/** As OpenTelemetry calls them; who speaks OpenAI's protocol goes by its name, and by the server's address. */
const PROVIDER_NAMES = { 'openai': 'openai', 'anthropic': 'anthropic', 'google': 'gcp.gemini', 'openai-compatible': 'openai' } as const
const USUAL_PORT = { 'http:': 80, 'https:': 443 } as const

export const traceCalls = ({ provider, model, url }: TracedModel, { span: run, withContent }: NonNullable<AgentContext['trace']>) => {
  const about = { 'gen_ai.provider.name': PROVIDER_NAMES[provider], 'gen_ai.request.model': model }
  run.set(about)
  const destination = {
    'server.address': url.hostname,
    'server.port': url.port === '' ? USUAL_PORT[url.protocol as keyof typeof USUAL_PORT] : Number(url.port),
  }
  return {
    specificationVersion: 'v4',
    async wrapStream({ doStream, params }) {
      const span = run.call(`chat ${model}`, {
        'gen_ai.operation.name': 'chat', ...about, 'gen_ai.request.stream': true, ...destination, ...withContent && inputOf(params),
      })
      try {
        const { stream, ...rest } = await doStream()
        return { ...rest, stream: streamOf(watched(stream, span, params.abortSignal, withContent)) }
      } catch (error) {
        endWith(span, error, params.abortSignal)
        throw error
      }
    },
  } satisfies LanguageModelMiddleware
}

const streamOf = <T>(items: AsyncGenerator<T, void, undefined>): ReadableStream<T> => new ReadableStream<T>({
  async pull(controller) {
    const { done, value } = await items.next()
    if (done) controller.close()
    else controller.enqueue(value)
  },
  cancel: async () => void await items.return(),
})

async function* watched(
  stream: ReadableStream<Part>, span: Span, signal: AbortSignal | undefined, withContent: boolean,
): AsyncGenerator<Part, void, undefined> {
  const since = performance.now()
  let finished = false
  let failure: { error: unknown } | null = null
  let text = ''
  let isFirst = true
  try {
    for await (const part of stream) {
      if (isFirst && (part.type === 'text-delta' || part.type === 'reasoning-delta')) {
        isFirst = false
        span.set({ 'gen_ai.response.time_to_first_chunk': (performance.now() - since) / 1000 })
      }
      if (part.type === 'text-delta' && withContent) text += part.delta
      if (part.type === 'response-metadata') span.set({ 'gen_ai.response.id': cut(part.id), 'gen_ai.response.model': cut(part.modelId) })
      if (part.type === 'error') failure ??= { error: part.error }
      if (part.type === 'finish') {
        // So ends what the SDK reads of a stream that was cut off.
        finished = part.finishReason.unified !== 'interrupted'
        span.set(endOf(part))
      }
      yield part
    }
  } catch (error) {
    if (!signal?.aborted) failure ??= { error }
    throw error
  } finally {
    if (withContent) span.set({ 'gen_ai.output.messages': JSON.stringify([{ role: 'assistant', parts: [{ type: 'text', content: text }] }]) })
    if (failure) span.end(errorType(failure.error))
    else if (finished) span.end()
    else endWith(span, null, signal)
  }
}

const cut = (name: string | undefined): string | undefined => name?.slice(0, limits.providersNameLength)

const endOf = ({ usage, finishReason }: Extract<Part, { type: 'finish' }>): SpanAttributes => ({
  'gen_ai.response.finish_reasons': [finishReason.unified],
  'gen_ai.usage.input_tokens': usage.inputTokens.total,
  'gen_ai.usage.output_tokens': usage.outputTokens.total,
  'gen_ai.usage.cache_read.input_tokens': usage.inputTokens.cacheRead,
  'gen_ai.usage.reasoning.output_tokens': usage.outputTokens.reasoning,
})

/**
 * That this server let it go, because somebody stopped the reply, is no failure. What an error says is left out: providers quote what they
 * were sent.
 */
const endWith = (span: Span, error: unknown, signal: AbortSignal | undefined): void => {
  if (!signal?.aborted) return span.end(errorType(error))
  span.set({ 'skein.call.aborted': true })
  span.end()
}

/** The status of the answer, else the system's word for what broke, else that it was within the stream. */
const errorType = (error: unknown): string => {
  if (APICallError.isInstance(error) && (error.statusCode ?? 0) >= 300) return String(error.statusCode)
  for (let each: unknown = error, depth = 0; isObject(each) && depth < 5; each = each.cause, depth++) {
    if (typeof each.code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(each.code)) return each.code
  }
  return 'stream'
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

const inputOf = ({ prompt }: CallOptions): SpanAttributes => ({
  'gen_ai.input.messages': JSON.stringify(prompt.map(({ role, content }) => ({
    role,
    parts: typeof content === 'string' ? [{ type: 'text', content }]
      : content.map(part => ({ type: part.type, ...'text' in part && { content: part.text } })),
  }))),
})
