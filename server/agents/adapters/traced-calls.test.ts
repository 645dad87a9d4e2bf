/** What a call of a model tells of itself while it streams. Over real HTTP, to a real collector: `test/server/tracing.test.ts`. */
import { ReadableStream } from 'node:stream/web'
import { expect, it } from 'vitest'
import type { Span, SpanAttributes } from '../../telemetry/tracing-port.ts'
import { traceCalls } from './traced-calls.ts'

it('how long the first words took is told once, and never again as more come', async () => {
  const told: SpanAttributes[] = []
  let ended = 0
  const span: Span = { set: attributes => void told.push(attributes), call: () => span, end: () => void ended++ }
  const { wrapStream } = traceCalls({ provider: 'openai', model: 'tiny', url: new URL('https://example.org/v1') }, { span, withContent: false })
  const parts = ['One', ' two', ' three'].map(delta => ({ type: 'text-delta', id: '1', delta }))
  const options = { doStream: async () => ({ stream: ReadableStream.from(parts) }), params: { prompt: [] } }
  const { stream } = await wrapStream(options as never)
  expect(await Array.fromAsync(stream)).toEqual(parts)
  expect(told.filter(attributes => 'gen_ai.response.time_to_first_chunk' in attributes)).toHaveLength(1)
  expect(ended).toBe(1)
})
