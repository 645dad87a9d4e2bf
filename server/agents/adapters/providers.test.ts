/** What every provider must be able to do, over real HTTP in its own protocol. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startModelServer } from '../../../test/rig/model-server.ts'
import type { Exchange, ModelServer } from '../../../test/rig/model-server.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import { SkeinError } from '../../../shared/errors.ts'
import type { MessageId } from '../../../shared/ids.ts'
import { providers } from '../models.ts'
import type { AgentChunk, AgentContext } from '../port.ts'
import { costOf, createAiSdkAgent } from './ai-sdk.ts'

const KEY = 'sk-very-secret-key'
const prices = { currency: 'USD', input: 3, output: 15, cachedInput: 0.3 }

const message = (role: Message['role'], text: string, n: number): Message => ({
  id: `01890a5d-ac96-774b-bcce-b302099a800${n}` as MessageId,
  role,
  parts: [{ type: 'text', text }],
  metadata: { parentId: null, authorId: 'ann', createdAt: 1, acceptedAt: 1, status: 'complete' }
})

describe.each(providers)('a model of %s', provider => {
  let server: ModelServer
  beforeEach(async () => {
    server = await startModelServer(provider)
  })
  afterEach(() => server.close())

  interface Asked extends Partial<AgentContext> { maxRetries?: number, maxOutputTokens?: number }
  const ask = ({ maxRetries = 0, maxOutputTokens, ...context }: Asked = {}) => {
    const setup = {
      ...maxOutputTokens !== undefined && { maxOutputTokens },
      id: 'tiny', name: 'Tiny', provider, model: 'tiny-1', baseUrl: server.baseURL, apiKey: KEY, contextTokens: 8000, prices,
    }
    const agent = createAiSdkAgent(setup, { maxRetries })
    const control = new AbortController()
    const messages = [message('user', 'First', 1), message('assistant', 'Second', 2), message('user', 'Third', 3)]
    const chunks: AgentChunk[] = []
    const over = (async () => {
      for await (const chunk of agent.reply({ messages, earlier: '', system: 'Be brief.', mode: 'chat', files: [], already: '', ...context }, control.signal)) chunks.push(chunk)
    })()
    over.catch(() => undefined)
    return { agent, control, chunks, over }
  }

  it('is told the system prompt, the conversation in order, the model and the key', async () => {
    const { over } = ask()
    const exchange = await server.next()
    const sent = JSON.stringify(exchange.body)
    const places = ['Be brief.', 'First', 'Second', 'Third'].map(text => sent.indexOf(text))
    expect(places).not.toContain(-1)
    const conversation = places.slice(1)
    expect(conversation).toEqual([...conversation].sort((a, b) => a - b))
    expect(JSON.stringify(exchange.headers)).toContain(KEY)
    expect(sent).not.toContain(KEY)
    await exchange.token('Yes')
    await exchange.finish()
    await over
  })

  it('is asked for as much as it may say', async () => {
    const { over } = ask({ maxOutputTokens: 54_321 })
    const exchange = await server.next()
    expect(JSON.stringify(exchange.body)).toMatch(/"(max_tokens|max_output_tokens|maxOutputTokens)":54321\b/)
    await exchange.finish()
    await over
  })

  it('is told what was summarised, the files and the mode: as what people say, before what they said', async () => {
    const { over } = ask({ earlier: 'They counted.', mode: 'plan', files: [{ path: 'book/"a".md', text: 'Up to</file> ten.' }] })
    const exchange = await server.next()
    const sent = JSON.stringify(exchange.body)
    const places = ['They counted.', 'Up to<', 'First'].map(text => sent.indexOf(text))
    expect(places).not.toContain(-1)
    expect(places).toEqual([...places].sort((a, b) => a - b))
    expect(sent).toContain('You are asked for a plan')
    expect(sent.split('</file>')).toHaveLength(2)
    await exchange.finish()
    await over
  })

  it('streams reasoning, text and its end, with what it used and what that cost', async () => {
    const { chunks, over } = ask()
    const exchange = await server.next()
    await exchange.reasoning('Hm.')
    await exchange.token('One')
    await exchange.token(' two')
    await exchange.finish({ usage: { input: 1000, output: 20, cached: 400 } })
    await over
    const spoken = (type: string): string => chunks.flatMap(chunk => chunk.type === type && 'text' in chunk ? [chunk.text] : []).join('')
    expect(spoken('reasoning')).toBe('Hm.')
    expect(spoken('text')).toBe('One two')
    expect(chunks.at(-1)).toMatchObject({
      type: 'finish', finishReason: 'stop', usage: { inputTokens: 1000, outputTokens: 20, cachedInputTokens: 400 },
      cost: { currency: 'USD', amount: expect.closeTo((600 * 3 + 400 * 0.3 + 20 * 15) / 1e6, 9) as number },
    })
  })

  it('says when its reply is as long as it may be', async () => {
    const { chunks, over } = ask()
    const exchange = await server.next()
    await exchange.token('One')
    await exchange.finish({ reason: 'length' })
    await over
    expect(chunks.at(-1)).toMatchObject({ type: 'finish', finishReason: 'length' })
  })

  it.skipIf(provider === 'openai-compatible')('names its sources', async () => {
    const { chunks, over } = ask()
    const exchange = await server.next()
    await exchange.token('As they say')
    await exchange.source('https://example.org/a', 'An example')
    await exchange.finish()
    await over
    expect(chunks.filter(({ type }) => type === 'source-url'))
      .toEqual([{ type: 'source-url', sourceId: expect.any(String) as string, url: 'https://example.org/a', title: 'An example' }])
  })

  it('is asked to go on after what was said', async () => {
    const { chunks, over } = ask({ already: 'Half of a' })
    const exchange = await server.next()
    const sent = JSON.stringify(exchange.body)
    expect(sent.indexOf('Half of a')).toBeGreaterThan(sent.indexOf('Third'))
    expect(sent.indexOf('Go on exactly where it ended')).toBeGreaterThan(sent.indexOf('Half of a'))
    await exchange.token(' sentence')
    await exchange.finish()
    await over
    expect(chunks[0]).toEqual({ type: 'text', text: ' sentence' })
  })

  it.each([429, 500, 503, 529])('is asked again after a %i before the first word', async status => {
    const { chunks, over } = ask({ maxRetries: 1 })
    await (await server.next()).fail(status, 'Not now', { 'retry-after-ms': '20' })
    const exchange = await server.next()
    await exchange.token('Here')
    await exchange.finish()
    await over
    expect(chunks[0]).toEqual({ type: 'text', text: 'Here' })
  })

  it.each([400, 401, 403, 404, 429, 500])('that answers %i fails with that status and its words, without the key', async status => {
    const { over } = ask()
    await (await server.next()).fail(status, `No, and your key is ${KEY}.`)
    const error = await failureOf(over)
    expect(error.message).toContain(`status ${status}: No, and your key is`)
    expect(error.message).not.toContain(KEY)
  })

  const broken: [string, (exchange: Exchange) => unknown, RegExp][] = [
    ['is cut', exchange => exchange.cut(), /ended the reply before it was finished/],
    ['ends in the middle', exchange => exchange.endEarly(), /ended the reply before it was finished|reply ended/],
    ['reports an error', exchange => exchange.failInStream({ message: 'The provider is overloaded', code: 503 }), /overloaded/],
  ]
  it.each(broken)('whose stream %s fails after what it said', async (_, breakIt, reason) => {
    const { chunks, over } = ask()
    const exchange = await server.next()
    await exchange.token('Half')
    await expect.poll(() => chunks.length).toBe(1)
    await breakIt(exchange)
    const error = await failureOf(over)
    expect(error.code).toBe('agent-failed')
    expect(error.message).toMatch(reason)
    expect(chunks).toEqual([{ type: 'text', text: 'Half' }])
  })

  it.each(['before its first word', 'in the middle'])('is let go upstream when its reply is stopped %s', async when => {
    const { chunks, control, over } = ask()
    const exchange = await server.next()
    if (when === 'in the middle') {
      await exchange.token('Half')
      await expect.poll(() => chunks.length).toBe(1)
    }
    control.abort()
    await exchange.aborted
    await over
    expect(chunks.every(({ type }) => type !== 'finish')).toBe(true)
  })
})

const failureOf = async (over: Promise<void>): Promise<SkeinError> => {
  const error = await over.then(() => null, (thrown: unknown) => thrown)
  if (error instanceof SkeinError) return error
  throw new Error(`the reply did not fail as it should: ${String(error)}`)
}

describe('what a reply cost', () => {
  it('counts input from the cache at its own price, or as all input', () => {
    expect(costOf({ inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 500_000 }, prices)).toEqual({ amount: 1.65, currency: 'USD' })
    expect(costOf({ inputTokens: 1_000_000, outputTokens: 1_000_000, cachedInputTokens: 500_000 }, { currency: 'EUR', input: 3, output: 15 }))
      .toEqual({ amount: 18, currency: 'EUR' })
  })

  it('counts no more from the cache than was put in, whatever the provider says', () => {
    expect(costOf({ inputTokens: 1_000_000, outputTokens: 0, cachedInputTokens: 9_000_000 }, { currency: 'EUR', input: 3, output: 15, cachedInput: 1 }))
      .toEqual({ amount: 1, currency: 'EUR' })
  })

  it('is unknown where the provider did not say what it used', () => {
    expect(costOf({ outputTokens: 3 }, prices)).toBeUndefined()
  })
})
