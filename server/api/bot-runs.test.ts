/** What a bot's program is told, and when not. Over a real server: `test/server/bot-runs.test.ts`. */
import { Hono } from 'hono'
import { beforeEach, expect, it } from 'vitest'
import { bytesInUse, collectGarbage } from '../../test/fuzz/decision-cost.ts'
import { messageOf } from '../../test/rig/api-world.ts'
import { ManualTime, settle } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { runId } from '../../test/contract/samples.ts'
import { BOT_REPLY_TYPE } from '../../shared/api/bot-schemas.ts'
import type { RunState } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { conversationName, parseBotId } from '../../shared/ids.ts'
import type { RunId, UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { RunDesk } from '../agents/bot-desk.ts'
import { createAgentRegistry } from '../agents/registry.ts'
import { botRunRoutes } from './bot-runs.ts'
import type { Paced } from './context.ts'
import { EventStreams } from './event-streams.ts'

const id = parseBotId(`bot-${'0'.repeat(24)}`)!
const of = { id: 'ada' as UserId, name: 'Ada' }
const principal = { kind: 'agent' as const, id: `agent:${id}` as UserId, name: 'Bot', bot: { id, name: 'Bot', of } }
const decoder = new TextDecoder()

let time: ManualTime
let desk: RunDesk
let endProof: () => void
let left: number
let app: Hono<Paced>
/** Whom each call counts against. */
let admitted: string[]

beforeEach(() => {
  time = new ManualTime()
  desk = new RunDesk(time.after)
  left = 0
  admitted = []
  app = new Hono<Paced>()
  app.use(async (c, next) => {
    c.set('admitPerson', person => {
      if (admitted.push(person) > 2) throw new SkeinError('rate-limited')
    })
    await next()
  })
  app.onError(error => new Response(error instanceof SkeinError ? error.code : String(error), { status: 500 }))
  app.route('/', botRunRoutes({
    desk,
    proofs: { enter: async () => ({
      principal, whenRenamed: () => {}, whenEnded: end => { endProof = () => end('signed-out') }, leave: () => void left++,
    }) },
    roles: { enter: async () => ({ role: 'editor', whenChanged: () => {}, leave: () => {} }) },
    gatekeeper: { enterDocument: async () => ({ role: 'editor' }) as never },
    streams: new EventStreams(time, 10),
  }))
})

const ask = (run: RunId): void => {
  const about = { id: run, conversation: conversationName('a')! }
  const context = { messages: [messageOf(1)], earlier: '', system: '', mode: 'chat' as const, files: [], already: '', run: about }
  const agent = desk.beside(createAgentRegistry([new ScriptedAgent()])).find(id)!
  agent.reply(context, new AbortController().signal)[Symbol.asyncIterator]().next().catch(() => undefined)
}
const listen = async () => {
  const reader = (await app.request('/')).body!.getReader()
  await settle()
  return reader
}

it('one that did not read hears how things stand by then: nothing of what came and went, and no heartbeats', async () => {
  const reader = await listen()
  // What is under way when it stops reading is told; of the rest ids alone collect.
  ask(runId(1))
  await settle()
  ask(runId(2))
  await time.advance(limits.botBeginsSeconds * 1000)
  await time.advance(60 * 60 * 1000)
  expect([desk.find(id, runId(1)), desk.find(id, runId(2))]).toEqual([null, null])
  ask(runId(3))
  const heard: string[] = []
  while (!heard.at(-1)?.includes(runId(3))) heard.push(decoder.decode((await reader.read()).value))
  await reader.cancel()
  expect(heard.filter(text => text === ':\n\n').length).toBeLessThan(4)
  expect(heard.filter(text => text.includes(runId(2)))).toEqual([])
})

it('hears nothing more when its proof ends', async () => {
  const reader = await listen()
  await reader.read()
  endProof()
  ask(runId(1))
  expect((await reader.read()).done).toBe(true)
  await settle()
  expect([left, time.pending]).toEqual([1, 1])
})

it('leaves nothing behind of each piece of a reply, however many there are', async () => {
  const heap = (): number => {
    collectGarbage()
    return bytesInUse()
  }
  ask(runId(1))
  const pieces = 50_000
  const { promise: rest, resolve: end } = Promise.withResolvers<void>()
  const { promise: said, resolve: saidAll } = Promise.withResolvers<void>()
  let given = 0
  const body = new ReadableStream<Uint8Array>({
    pull: async controller => {
      if (given++ < pieces) return controller.enqueue(Uint8Array.of(0x61))
      saidAll()
      await rest
      controller.close()
    },
  })
  const before = heap()
  const ended = Promise.withResolvers<RunState>()
  desk.begin = () => ({ say: async () => {}, finish: () => ended.resolve('completed'), fail: () => {}, ended: ended.promise })
  const streamed = { method: 'POST', headers: { 'Content-Type': BOT_REPLY_TYPE }, body, duplex: 'half' } as RequestInit
  const answer = app.request(`/${runId(1)}/reply`, streamed)
  await said
  await settle()
  // A hundred bytes each would be more.
  expect(heap() - before).toBeLessThan(100 * pieces)
  end()
  expect(await (await answer).json()).toEqual({ run: runId(1), state: 'completed' })
})

it('is not waited for when it has left before the end of the run is on the disk', async () => {
  ask(runId(1))
  const { promise: waited, resolve: waits } = Promise.withResolvers<void>()
  desk.begin = () => ({ say: async () => {}, finish: waits, fail: () => {}, ended: new Promise(() => {}) })
  const control = new AbortController()
  const streamed = { method: 'POST', headers: { 'Content-Type': BOT_REPLY_TYPE }, body: 'Well', signal: control.signal }
  const answer = app.request(`/${runId(1)}/reply`, streamed)
  await waited
  expect(left).toBe(0)
  control.abort()
  await answer
  expect(left).toBe(1)
})

it('calls as often as its person may', async () => {
  const readers = [await listen(), await listen()]
  const refused = await app.request('/')
  expect(refused.status).toBe(500)
  expect(await refused.text()).toBe('rate-limited')
  expect([admitted, left]).toEqual([['ada', 'ada', 'ada'], 1])
  for (const reader of readers) await reader.cancel()
})
