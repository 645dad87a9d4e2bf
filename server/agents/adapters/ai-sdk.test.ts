/** The adapter of language models, against a real HTTP server that speaks their protocol. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startModelServer } from '../../../test/rig/model-server.ts'
import type { ModelServer } from '../../../test/rig/model-server.ts'
import type { Message } from '../../../shared/conversation/schema.ts'
import { SkeinError } from '../../../shared/errors.ts'
import type { MessageId } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
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

/** A reply of which this much has come. */
const begun = async (text: string) => {
  const { next, control } = start()
  const chunk = next()
  const exchange = await server.next()
  await exchange.token(text)
  expect((await chunk).value).toEqual({ type: 'text', text })
  return { next, control, exchange }
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
    const { next, exchange } = await begun('Half')
    const failure = failureOf(next)
    await exchange.failInStream({ message: 'The provider is overloaded', code: 502 })
    expect((await failure).message).toContain('The provider is overloaded')
  })

  it.each(['cut', 'endEarly'] as const)('does not take a stream that ends in the middle (%s) for a finished reply', async how => {
    const { next, exchange } = await begun('Half')
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

  it('shows no password of the URL that is quoted, as it is or as it was sent', async () => {
    const { next } = start({ apiKey: undefined, baseUrl: server.baseURL.replace('//', '//ann:pass%20word@') })
    const failure = failureOf(next)
    await (await server.next()).fail(401, `Not "pass word" (Basic ${btoa('ann:pass word')})`)
    expect((await failure).message).toMatch(/status 401: Not "\[secret\]" \(Basic \[secret\]\)/)
  })

  it('sends the key and no credentials of the URL where it has both', async () => {
    const { next } = start({ baseUrl: server.baseURL.replace('//', '//ann:pass-word@') })
    const chunk = next()
    const { headers, finish } = await server.next()
    expect(headers.authorization).toBe('Bearer sk-very-secret-key')
    await finish()
    await chunk
  })

  it('takes a sign that encodes nothing in the credentials of the URL for itself', async () => {
    const { next } = start({ apiKey: undefined, baseUrl: server.baseURL.replace('//', '//ann:100%@') })
    const chunk = next()
    const { headers, finish } = await server.next()
    expect(headers.authorization).toBe(`Basic ${btoa('ann:100%')}`)
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
    const { next, control, exchange } = await begun('Half')
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

describe('a provider that is not to be trusted', () => {
  it('puts no part of a key into what is shown, wherever its words are cut', async () => {
    const key = `key-${'0123456789abcdef'.repeat(4)}`
    for (const before of [280, 290, 296]) {
      const { next } = start({ apiKey: key })
      const failure = failureOf(next)
      await (await server.next()).fail(401, `${'x'.repeat(before)} ${key}`)
      expect((await failure).message).not.toContain('key-')
    }
  })

  it('quotes an address with a name and a password, and neither is shown', async () => {
    const { next } = start()
    const failure = failureOf(next)
    await (await server.next()).fail(502, 'No answer from http://gate:open-sesame@10.0.0.7:8080/v1')
    expect((await failure).message).toMatch(/No answer from http:\/\/10\.0\.0\.7:8080\/v1/)
  })

  it('says its errors on one line, and hides nothing in them', async () => {
    const { next } = start()
    const failure = failureOf(next)
    await (await server.next()).fail(500, 'One\u0000\u001b[31m\r\n two \u202egnp.exe\u2066 sk-\u200bvery-\u200bsecret-key')
    const { message } = await failure
    expect(message).toContain('status 500: One [31m two gnp.exe [secret]')
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('answers with a page of HTML, or with a nest of objects, and none of it is shown', async () => {
    const page = start()
    const failure = failureOf(page.next)
    await (await server.next()).fail(502, '<html><body>Bad gateway<pre>at Server.handle (/srv/app.js:1:1)</pre></body></html>'.repeat(10_000), {}, true)
    expect((await failure).message).toMatch(/answered with status 502: Bad Gateway\. Your message is saved; try again, or choose another model\.$/)
    const nested = start()
    const deep = failureOf(nested.next)
    await (await server.next()).fail(500, `${'{"error":'.repeat(5000)}"x"${'}'.repeat(5000)}`, {}, true)
    expect((await deep).message).toContain('status 500')
  })

  it('redirects, and is not followed', async () => {
    const { next } = start()
    const failure = failureOf(next)
    await (await server.next()).fail(307, 'Elsewhere', { location: `${server.baseURL}/chat/completions` })
    expect((await failure).message).toContain('status 307')
    expect(server.exchanges).toHaveLength(1)
  })

  it('sends an event without an end', async () => {
    const { next } = start()
    const failure = failureOf(next)
    const exchange = await server.next()
    await exchange.token('x'.repeat(5 * 1024 * 1024))
    expect((await failure).message).toContain('far more than a reply takes')
    await exchange.aborted
  })

  it.each([
    [{ input: -5, output: 7 }, { outputTokens: 7 }],
    [{ input: 1e300, output: 1e308 }, {}],
    [{ input: 1.5, output: 2 }, { outputTokens: 2 }]
  ])('counts wrongly (%j): what is no count is left out', async (usage, told) => {
    const { next, exchange } = await begun('Yes')
    const end = next()
    await exchange.finish({ usage })
    const { value } = await end
    expect(value).toMatchObject({ type: 'finish' })
    const { totalTokens: _, ...counts } = (value as { usage: Record<string, number> }).usage
    expect(counts).toEqual(told)
    expect(JSON.stringify(value)).not.toMatch(/null|-5|e\+/)
  })

  it('calls a tool that nobody offered: nothing is called, and what it said stands', async () => {
    const { next, exchange } = await begun('Let me see.')
    const end = next()
    await exchange.raw({
      id: 'x', object: 'chat.completion.chunk', created: 1, model: 'tiny',
      choices: [{ index: 0, finish_reason: 'tool_calls', delta: { tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'rm', arguments: '{"path":"/"}' } }] } }]
    })
    await exchange.raw('[DONE]')
    exchange.endEarly()
    expect((await end).value).toMatchObject({ type: 'finish', finishReason: 'tool-calls' })
    expect((await next()).done).toBe(true)
    expect(server.exchanges).toHaveLength(1)
  })

  it('calls itself something very long', async () => {
    const { next } = start()
    const chunk = next()
    const exchange = await server.next()
    await exchange.raw({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm'.repeat(100_000), choices: [{ index: 0, delta: { content: 'Yes' }, finish_reason: null }] })
    await chunk
    const end = next()
    await exchange.finish()
    expect(((await end).value as { model: string }).model).toBe('m'.repeat(limits.providersNameLength))
  })
})

describe('a source', () => {
  it('is a page of the web, and no other kind of link', async () => {
    const responses = await startModelServer('openai')
    const agent = createAiSdkAgent({ id: 'assistant', name: 'tiny', provider: 'openai', model: 'tiny', baseUrl: responses.baseURL, apiKey: 'k' }, { maxRetries: 0 })
    const context = { messages: [message('user', 'First', 1)], earlier: '', system: '', mode: 'chat' as const, files: [], already: '' }
    const chunks: AgentChunk[] = []
    const over = (async () => { for await (const chunk of agent.reply(context, new AbortController().signal)) chunks.push(chunk) })()
    const exchange = await responses.next()
    await exchange.token('See')
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'no url', 'https://example.org/a']) await exchange.source(url, 'A')
    await exchange.finish()
    await over
    expect(chunks.flatMap(chunk => chunk.type === 'source-url' ? [chunk.url] : [])).toEqual(['https://example.org/a'])
    await responses.close()
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
