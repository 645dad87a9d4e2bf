/** Runs and calls of models as spans, at a real receiver of OTLP over HTTP. */
import { mkdir, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readDrafts, readMessages, readRuns, textOf } from '../../shared/conversation/read.ts'
import { proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { Exchange, ModelServer } from '../rig/model-server.ts'
import { startOtlpReceiver } from '../rig/otlp-receiver.ts'
import type { OtlpReceiver, ReceivedSpan } from '../rig/otlp-receiver.ts'
import { Peer } from '../rig/peer.ts'
import { openServerFolder } from '../rig/server-process.ts'
import type { ServerFolder, ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const KEY = 'sk-key-of-the-operator'
const ASKED = 'What is the meaning of blue-whale-42?'

let folder: ServerFolder
let model: ModelServer
let receiver: OtlpReceiver
let server: ServerProcess
const peers: Peer[] = []

beforeEach(async () => {
  [folder, model, receiver] = await Promise.all([openServerFolder(), startModelServer(), startOtlpReceiver()])
})

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await folder.close()
  await Promise.all([model.close(), receiver.close()])
})

const start = async (environment: Record<string, string> = {}): Promise<void> => {
  server = await folder.start({
    OPENAI_BASE_URL: model.baseURL, OPENAI_API_KEY: KEY, SKEIN_MODEL: 'tiny-1', OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, ...environment
  })
}

/** Asks in a conversation of its own and answers as the model. @returns the run's spans can be found by */
const ask = async (answer: (exchange: Exchange, peer: Peer) => Promise<unknown>): Promise<{ conversation: string, peer: Peer }> => {
  const conversation = newConversationId()
  const peer = await Peer.join(server.syncUrl, `conversation/${conversation}`)
  peers.push(peer)
  say(peer.doc, ASKED)
  await answer(await model.next(), peer)
  await until('the reply is sealed', () => readMessages(peer.doc).length === 2)
  return { conversation, peer }
}

const shown = (peer: Peer, text: string): Promise<unknown> =>
  until(`${text} is shown`, () => readDrafts(peer.doc).some(({ parts }) => textOf(parts).includes(text)))

const spansOf = (conversation: string): { run: ReceivedSpan, calls: ReceivedSpan[] } => {
  const runs = receiver.spans.filter(({ attributes }) => attributes['gen_ai.conversation.id'] === conversation)
  expect(runs).toHaveLength(1)
  const [run] = runs
  const calls = receiver.spans.filter(({ parentSpanId }) => parentSpanId === run!.spanId)
  for (const { traceId } of calls) expect(traceId).toBe(run!.traceId)
  return { run: run!, calls }
}

const runLines = (conversation: string): Record<string, unknown>[] =>
  server.log.filter(({ msg, conversation: of }) => msg === 'run' && of === `conversation/${conversation}`)

describe('with a collector', () => {
  it('each run is a span, each call of the model one within it, with what they used and how they ended', { timeout: 60_000 }, async () => {
    await start({ OTEL_SERVICE_NAME: 'chat', OTEL_EXPORTER_OTLP_HEADERS: 'x-team=blue' })
    const tried = await ask(async exchange => {
      await exchange.fail(429, `Slow down: ${ASKED}`, { 'retry-after-ms': '5' })
      const again = await model.next()
      await again.token('Forty-two')
      await again.finish({ usage: { input: 100, output: 7, cached: 40, reasoning: 3 } })
    })
    const broken = await ask(async exchange => {
      await exchange.token('Half')
      await exchange.failInStream({ message: `Too hard: ${ASKED}` })
    })
    const cut = await ask(async (exchange, peer) => {
      await exchange.token('Half')
      await shown(peer, 'Half')
      exchange.cut()
    })
    const refused = await ask(exchange => exchange.fail(401, `Not with ${KEY}: ${ASKED}`))
    const stopped = await ask(async (exchange, peer) => {
      await exchange.token('Begun')
      await shown(peer, 'Begun')
      putRequest(peer.doc, newRequestId(), proposeStop(readRuns(peer.doc)[0]!.id, 1))
      await exchange.aborted
    })
    await server.stop()

    const { run, calls } = spansOf(tried.conversation)
    const messageRun = readMessages(tried.peer.doc)[1]!.metadata.runId!
    expect(run).toMatchObject({ name: 'invoke_agent tiny-1', parentSpanId: '', kind: 1, status: 0, traceId: messageRun.replaceAll('-', '') })
    expect(run.attributes).toEqual({
      'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.id': 'assistant', 'gen_ai.agent.name': 'tiny-1',
      'gen_ai.conversation.id': tried.conversation, 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'tiny-1',
      'gen_ai.response.model': 'tiny-1', 'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.output_tokens': 7,
      'skein.run.id': messageRun, 'skein.run.state': 'completed', 'skein.run.attempt': 1,
    })
    expect(calls.map(({ name, kind, status }) => ({ name, kind, status }))).toEqual([{ name: 'chat tiny-1', kind: 3, status: 2 }, { name: 'chat tiny-1', kind: 3, status: 0 }])
    const about = {
      'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'tiny-1', 'gen_ai.request.stream': true,
      'server.address': '127.0.0.1', 'server.port': model.port,
    }
    expect(calls[0]!.attributes).toEqual({ ...about, 'error.type': '429' })
    expect(calls[1]!.attributes).toEqual({
      ...about, 'gen_ai.response.id': expect.any(String) as string, 'gen_ai.response.model': 'tiny-1', 'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.time_to_first_chunk': expect.any(Number) as number, 'gen_ai.usage.input_tokens': 100, 'gen_ai.usage.output_tokens': 7,
      'gen_ai.usage.cache_read.input_tokens': 40, 'gen_ai.usage.reasoning.output_tokens': 3,
    })
    for (const call of calls) {
      expect(call.startNanos >= run.startNanos && call.endNanos >= call.startNanos).toBe(true)
    }

    for (const [{ conversation }, type] of [[broken, 'stream'], [cut, /^(ECONNRESET|UND_ERR_SOCKET|stream)$/], [refused, '401']] as const) {
      const failed = spansOf(conversation)
      expect(failed.run).toMatchObject({ status: 2, attributes: { 'skein.run.state': 'error', 'error.type': 'agent-failed' } })
      expect(failed.calls.map(({ status }) => status)).toEqual([2])
      expect(failed.calls[0]!.attributes['error.type']).toMatch(type)
    }
    const { run: stoppedRun, calls: [stoppedCall] } = spansOf(stopped.conversation)
    expect(stoppedRun).toMatchObject({ status: 0, attributes: { 'skein.run.state': 'cancelled' } })
    expect(stoppedCall).toMatchObject({ status: 0, attributes: { 'skein.call.aborted': true } })

    expect(receiver.resource).toMatchObject({ 'service.name': 'chat', 'service.version': expect.any(String) as string })
    expect(receiver.headers[0]).toMatchObject({ 'x-team': 'blue' })
    for (const each of [tried, broken, cut, refused, stopped]) {
      expect(new Set(runLines(each.conversation).map(line => line['trace_id']))).toEqual(new Set([spansOf(each.conversation).run.traceId]))
      expect(runLines(each.conversation).length).toBeGreaterThanOrEqual(3)
    }
    // What people and models say, and what is secret, is in no span.
    for (const text of ['blue-whale', 'Forty-two', 'Half', 'Begun', KEY, 'Too hard', 'Slow down']) expect(receiver.raw).not.toContain(text)
  })

  it('what was said stands in the spans of calls when that is switched on', { timeout: 60_000 }, async () => {
    await start({ SKEIN_TRACE_CONTENT: 'true' })
    const { conversation } = await ask(async exchange => {
      await exchange.token('Forty')
      await exchange.token('-two')
      await exchange.finish()
    })
    await server.stop()
    const { calls: [call] } = spansOf(conversation)
    const messages = (name: string): unknown => JSON.parse(call!.attributes[name] as string)
    expect(messages('gen_ai.input.messages')).toEqual(expect.arrayContaining([{ role: 'user', parts: [{ type: 'text', content: ASKED }] }]))
    expect(messages('gen_ai.output.messages')).toEqual([{ role: 'assistant', parts: [{ type: 'text', content: 'Forty-two' }] }])
    expect(receiver.raw).not.toContain(KEY)
  })

  it('a run that a crash interrupted goes on in the trace that its first lines of the log named', { timeout: 60_000 }, async () => {
    await start()
    const conversation = newConversationId()
    const peer = await Peer.join(server.syncUrl, `conversation/${conversation}`)
    peers.push(peer)
    say(peer.doc, ASKED)
    await (await model.next()).token('Half')
    await shown(peer, 'Half')
    const before = runLines(conversation).map(line => line['trace_id'])
    await server.stop('SIGKILL')
    await start()
    const again = await Peer.join(server.syncUrl, `conversation/${conversation}`, { doc: new Y.Doc() })
    peers.push(again)
    await until('it is sealed', () => readMessages(again.doc).length === 2)
    await server.stop()
    const { run, calls } = spansOf(conversation)
    expect(run).toMatchObject({ status: 2, attributes: { 'skein.run.state': 'error', 'error.type': 'interrupted' } })
    expect(calls).toEqual([])
    expect(new Set(before)).toEqual(new Set([run.traceId]))
  })

  it('that takes nothing, replies go on, and the operator is told once', { timeout: 60_000 }, async () => {
    receiver.answer(400)
    await start()
    const { peer } = await ask(async exchange => {
      await exchange.token('Fine')
      await exchange.finish()
    })
    expect(readMessages(peer.doc)[1]!.metadata.status).toBe('complete')
    await server.stop()
    expect(server.log.filter(({ msg }) => String(msg).startsWith('traces are not exported'))).toEqual([expect.objectContaining({ url: `${receiver.endpoint}/v1/traces` })])
  })
})

describe('with a collector that does not answer', () => {
  it('the server stops all the same', { timeout: 60_000 }, async () => {
    receiver.answer(null)
    await start()
    await ask(async exchange => {
      await exchange.token('Fine')
      await exchange.finish()
    })
    expect(await server.stop()).toBe(0)
    expect(receiver.headers).toHaveLength(1)
  })
})

describe('without a collector', () => {
  /** Packages that the process loaded any file of, by what V8 knows of its scripts. */
  const loaded = async (environment: Record<string, string>): Promise<boolean> => {
    const scripts = join(folder.path, `scripts-${newRequestId()}`)
    await mkdir(scripts)
    await start({ SKEIN_AUTH: 'accounts', NODE_V8_COVERAGE: scripts, ...environment })
    await fetch(`${server.url}/api/auth/options`)
    await fetch(`${server.url}/api/auth/sign-in`, { method: 'POST', headers: { 'content-type': 'application/json', origin: server.url }, body: JSON.stringify({ email: 'a@example.org', password: 'x'.repeat(12) }) })
    await server.stop()
    const files = await Promise.all((await readdir(scripts)).map(file => readFile(join(scripts, file), 'utf8')))
    return files.some(file => file.includes('node_modules/@opentelemetry/api/'))
  }

  it('nothing of OpenTelemetry is loaded, by accounts neither', { timeout: 60_000 }, async () => {
    expect(await loaded({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBe(false)
    expect(await loaded({})).toBe(true)
  })
})
