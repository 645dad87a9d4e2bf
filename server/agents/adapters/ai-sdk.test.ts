/** The adapter of language models, against a real HTTP server that speaks their protocol. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startModelServer } from '../../../test/rig/model-server.ts'
import type { ModelServer } from '../../../test/rig/model-server.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import { SkeinError } from '../../../shared/errors.ts'
import type { MessageId } from '../../../shared/ids.ts'
import type { ModelSetup } from '../models.ts'
import type { AgentChunk } from '../port.ts'
import { AgentWorld, textOfParts } from '../../../test/rig/agent-world.ts'
import { systemTimers } from '../../../shared/timers.ts'
import { until } from '../../../test/rig/until.ts'
import { createAiSdkAgent } from './ai-sdk.ts'

let server: ModelServer

beforeEach(async () => {
  server = await startModelServer()
})
afterEach(() => server.close())

const message = (role: Message['role'], text: string, n: number): Message => ({
  id: `01890a5d-ac96-774b-bcce-b302099a800${n}` as MessageId,
  role,
  parts: [{ type: 'text', text }],
  metadata: { parentId: null, authorId: 'ann', createdAt: 1, acceptedAt: 1, status: 'complete' }
})

const tiny = (): ModelSetup => ({ id: 'assistant', name: 'tiny', provider: 'openai-compatible', model: 'tiny', baseUrl: server.baseURL })

const start = (options: { apiKey?: string, baseUrl?: string, maxRetries?: number } = {}) => {
  const { maxRetries = 0, ...setup } = options
  const agent = createAiSdkAgent({ ...tiny(), apiKey: 'sk-very-secret-key', ...setup }, { maxRetries })
  const control = new AbortController()
  const messages = [message('user', 'First', 1), message('assistant', 'Second', 2), message('user', 'Third', 3)]
  const chunks = agent.reply({ messages, earlier: '', system: 'Be brief.', mode: 'chat', files: [], already: '' }, control.signal)[Symbol.asyncIterator]()
  return { agent, control, next: () => chunks.next() }
}

const failureOf = async (next: () => Promise<IteratorResult<AgentChunk>>): Promise<SkeinError> => {
  try {
    while (!(await next()).done);
  } catch (error) {
    if (error instanceof SkeinError) return error
    throw error
  }
  throw new Error('the reply did not fail')
}

describe('the AI SDK agent', () => {
  it('passes each token on as it is released', async () => {
    const { next } = start()
    let chunk = next()
    const exchange = await server.next()
    for (const token of ['One', ' two', ' three']) {
      await exchange.token(token)
      expect((await chunk).value).toEqual({ type: 'text', text: token })
      chunk = next()
    }
    await exchange.finish({ usage: { input: 7, output: 3 } })
    const usage = { inputTokens: 7, outputTokens: 3, totalTokens: 10 }
    expect((await chunk).value).toEqual({ type: 'finish', finishReason: 'stop', model: 'tiny', usage })
    expect((await next()).done).toBe(true)
  })

  it('sends the system prompt, the conversation in order, the model and the key', async () => {
    const { next } = start()
    const chunk = next()
    const { body, headers, finish } = await server.next()
    expect(body.model).toBe('tiny')
    expect(body.stream).toBe(true)
    expect(body.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'First' },
      { role: 'assistant', content: 'Second' },
      { role: 'user', content: 'Third' }
    ])
    expect(headers.authorization).toBe('Bearer sk-very-secret-key')
    await finish()
    await chunk
  })

  it('passes reasoning on as reasoning', async () => {
    const { next } = start()
    const chunk = next()
    const exchange = await server.next()
    await exchange.reasoning('Hm.')
    expect((await chunk).value).toEqual({ type: 'reasoning', text: 'Hm.' })
    const text = next()
    await exchange.token('Yes')
    expect((await text).value).toEqual({ type: 'text', text: 'Yes' })
    await exchange.finish()
  })

  it('turns an HTTP error into agent-failed with the status and the provider\'s words, without the key', async () => {
    const { next } = start()
    const failure = failureOf(next)
    await (await server.next()).fail(401, 'Incorrect API key provided: sk-very-secret-key. Also sk-ver***key.')
    const error = await failure
    expect(error.code).toBe('agent-failed')
    expect(error.message).toContain('status 401: Incorrect API key provided')
    expect(error.message).not.toMatch(/secret-key|sk-ver/)
  })

  it('turns an error within the stream into agent-failed, after the text that came before it', async () => {
    const { next } = start()
    const chunk = next()
    const exchange = await server.next()
    await exchange.token('Half')
    expect((await chunk).value).toEqual({ type: 'text', text: 'Half' })
    const failure = failureOf(next)
    await exchange.failInStream({ message: 'The provider is overloaded', code: 502 })
    expect((await failure).message).toContain('The provider is overloaded')
  })

  it.each(['cut', 'endEarly'] as const)('does not take a stream that ends in the middle (%s) for a finished reply', async how => {
    const { next } = start()
    const chunk = next()
    const exchange = await server.next()
    await exchange.token('Half')
    expect((await chunk).value).toEqual({ type: 'text', text: 'Half' })
    const failure = failureOf(next)
    exchange[how]()
    const error = await failure
    expect(error.code).toBe('agent-failed')
    expect(error.message).toContain('ended the reply before it was finished')
  })

  it('names the host and not the credentials when nobody listens there', async () => {
    const port = server.port
    await server.close()
    const { agent, next } = start({ apiKey: undefined, baseUrl: `http://ann:pass-word@127.0.0.1:${port}/v1` })
    const error = await failureOf(next)
    expect(error.message).toContain(`127.0.0.1:${port}`)
    expect(error.message).toContain('ECONNREFUSED')
    expect(`${error.message} ${agent.description}`).not.toMatch(/ann|pass-word/)
    server = await startModelServer()
  })

  it('sends credentials of the URL as Basic authorization', async () => {
    const { next } = start({ apiKey: undefined, baseUrl: server.baseURL.replace('//', '//ann:pass%20word@') })
    const chunk = next()
    const { headers, finish } = await server.next()
    expect(headers.authorization).toBe(`Basic ${btoa('ann:pass word')}`)
    await finish()
    await chunk
  })

  it('tries again when the server is overloaded before the first word', async () => {
    const { next } = start({ maxRetries: 1 })
    const chunk = next()
    await (await server.next()).fail(503, 'busy')
    const exchange = await server.next()
    await exchange.token('Here')
    expect((await chunk).value).toEqual({ type: 'text', text: 'Here' })
    await exchange.finish()
  })

  it('ends the request upstream when it is aborted in the middle of a reply', async () => {
    const { next, control } = start()
    const chunk = next()
    const exchange = await server.next()
    await exchange.token('Half')
    await chunk
    const rest = next()
    control.abort()
    await exchange.aborted
    expect((await rest).done).toBe(true)
    expect(exchange.abortedAt).not.toBeNull()
  })

  it('ends the request upstream when it is aborted while the server is silent', async () => {
    const { next, control } = start()
    const chunk = next()
    const exchange = await server.next()
    control.abort()
    await exchange.aborted
    expect((await chunk).done).toBe(true)
  })
})

describe('the AI SDK agent in a run', () => {
  const inRun = async () => {
    const agent = createAiSdkAgent(tiny(), { maxRetries: 0 })
    const world = await AgentWorld.start([agent], { timers: systemTimers })
    const { runIds } = await world.say('Hello')
    return { world, runId: runIds[0]!, exchange: await server.next() }
  }

  it('shows tokens to readers as they come and seals them with model and usage', async () => {
    const { world, exchange } = await inRun()
    await exchange.token('One')
    await until('the first token is seen', () => world.draftTexts[0] === 'One')
    await exchange.token(' two')
    await until('the second token is seen', () => world.draftTexts[0] === 'One two')
    await exchange.finish({ usage: { input: 7, output: 2 } })
    await until('the reply is sealed', () => world.replies.length === 1)
    const usage = { inputTokens: 7, outputTokens: 2, totalTokens: 9 }
    expect(world.replies[0]).toMatchObject({ metadata: { status: 'complete', authorName: 'tiny', model: 'tiny', usage, finishReason: 'stop' } })
  })

  it('ends the request upstream when a person stops the run, and keeps what was seen', async () => {
    const { world, exchange, runId } = await inRun()
    await exchange.token('Seen')
    await until('the token is seen', () => world.draftTexts[0] === 'Seen')
    await world.stop(runId)
    await exchange.aborted
    expect(world.replies.map(({ parts, metadata }) => [textOfParts(parts), metadata.status])).toEqual([['Seen', 'cancelled']])
  })

  it('puts the model\'s error into the run, for people to read', async () => {
    const { world, exchange } = await inRun()
    await exchange.fail(429, 'You are out of quota')
    await until('the reply is sealed', () => world.replies.length === 1)
    expect(world.run).toMatchObject({ state: 'error', error: { code: 'agent-failed', message: expect.stringContaining('429: You are out of quota') } })
  })
})
