/** The desk at which runs wait for bots. With a server around it: `test/server/bot-runs.test.ts`. */
import { beforeEach, expect, it } from 'vitest'
import { messageOf } from '../../test/rig/api-world.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { ScriptedAgent } from '../../test/rig/scripted-agent.ts'
import { codeOf } from '../../test/contract/code-of.ts'
import { runId } from '../../test/contract/samples.ts'
import { conversationName, parseBotId } from '../../shared/ids.ts'
import type { RunId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { RunDesk } from './bot-desk.ts'
import { createAgentRegistry } from './registry.ts'

const [bot, other] = ['0', '1'].map(digit => parseBotId(`bot-${digit.repeat(24)}`)!) as [never, never]

let time: ManualTime
let desk: RunDesk
let control: AbortController

beforeEach(() => {
  time = new ManualTime()
  desk = new RunDesk(time.after)
  control = new AbortController()
})

const agentOf = (id: never) => desk.beside(createAgentRegistry([new ScriptedAgent()])).find(id)!
/** The run is taken up; what the bot says is read as it is asked for. */
const ask = (id: RunId = runId(1)) => {
  const run = { id, conversation: conversationName('a')! }
  const context = { messages: [messageOf(1)], earlier: '', system: '', mode: 'chat' as const, files: [], already: '', run }
  return agentOf(bot).reply(context, control.signal)[Symbol.asyncIterator]()
}

it('every bot is an agent that is no language model, and what is no bot is none', () => {
  expect(agentOf(bot)).toMatchObject({ id: bot, isLanguageModel: false, onInterruption: 'seal' })
  const registry = desk.beside(createAgentRegistry([new ScriptedAgent()]))
  expect([registry.find('bot-x' as never), registry.find('guide' as never), registry.find('scripted' as never)?.name]).toEqual([undefined, undefined, 'Scripted'])
  expect(registry.all).toHaveLength(1)
})

it('a run waits for its bot so long and no longer, unless a reply has begun', async () => {
  const ended = ask().next()
  const failing = codeOf(ended)
  await time.advance(limits.botBeginsSeconds * 1000 - 1)
  expect(desk.find(bot, runId(1))).not.toBeNull()
  await time.advance(1)
  expect(await failing).toBe('bot-away')
  expect(desk.find(bot, runId(1))).toBeNull()
  const chunk = ask(runId(2)).next()
  const reply = desk.begin(bot, runId(2))
  await time.advance(limits.botBeginsSeconds * 1000)
  void reply.say('late, but here')
  expect((await chunk).value).toEqual({ type: 'text', text: 'late, but here' })
})

it('more is said when what was said before is read', async () => {
  const chunks = ask()
  const first = chunks.next()
  const reply = desk.begin(bot, runId(1))
  let said = 0
  const saying = (async () => {
    for (const word of ['a', 'b', 'c']) {
      await reply.say(word)
      said++
    }
    reply.finish()
  })()
  expect((await first).value).toMatchObject({ text: 'a' })
  expect((await chunks.next()).value).toMatchObject({ text: 'b' })
  expect(said).toBeLessThan(3)
  expect((await chunks.next()).value).toMatchObject({ text: 'c' })
  expect((await chunks.next()).value).toMatchObject({ type: 'finish', model: '' })
  await saying
})

it('the bot that is asked hears of it, and that it is over; nobody else does', async () => {
  const heard: string[] = []
  const listen = (id: never, name: string) => desk.listen(id, { asked: ({ run }) => heard.push(`${name} ${run}`), over: run => heard.push(`${name} over ${run}`) })
  listen(other, 'other')
  const early = listen(bot, 'early')
  const chunks = ask()
  const next = codeOf(chunks.next())
  listen(bot, 'late')
  early()
  control.abort()
  expect(await next).toBe('run-finished')
  expect(heard).toEqual([`early ${runId(1)}`, `late ${runId(1)}`, `late over ${runId(1)}`])
})

it('of two programs one gives the reply, and what is of another bot is not there', () => {
  void ask().next()
  expect(() => desk.begin(other, runId(1))).toThrow(expect.objectContaining({ code: 'not-found' }))
  desk.begin(bot, runId(1))
  expect(() => desk.begin(bot, runId(1))).toThrow(expect.objectContaining({ code: 'run-taken' }))
})

it('whoever gave the reply hears how the run ended when that is durable, or that the server stops', async () => {
  const [one, two] = [runId(1), runId(2)].map(id => {
    void ask(id).next()
    return desk.begin(bot, id)
  }) as [ReturnType<RunDesk['begin']>, ReturnType<RunDesk['begin']>]
  const event = { type: 'run.changed' as const, runId: runId(1), attempt: 1, actor: 'x', at: 1 }
  desk.onEvents(conversationName('a')!, 1, [{ ...event, state: 'processing' }])
  desk.onEvents(conversationName('a')!, 2, [{ ...event, state: 'completed' }])
  expect(await one.ended).toBe('completed')
  desk.close()
  expect(await codeOf(two.ended)).toBe('unavailable')
})

it('whoever gave a reply in a conversation that is deleted hears that, and nobody begins one that is over', async () => {
  const next = codeOf(ask().next())
  const reply = desk.begin(bot, runId(1))
  desk.abandon(conversationName('b')!)
  desk.abandon(conversationName('a')!)
  expect(await codeOf(reply.ended)).toBe('gone')
  void codeOf(ask(runId(2)).next())
  control.abort()
  expect(() => desk.begin(bot, runId(2))).toThrow(expect.objectContaining({ code: 'not-found' }))
  expect(await next).toBe('run-finished')
})

it('an attempt that is over leaves the place to the one that took over', async () => {
  const first = ask().next()
  const failing = codeOf(first)
  const control1 = control
  control = new AbortController()
  const heard: string[] = []
  desk.listen(bot, { asked: () => heard.push('asked'), over: () => heard.push('over') })
  const second = ask().next()
  control1.abort()
  expect(await failing).toBe('run-finished')
  expect(desk.find(bot, runId(1))).not.toBeNull()
  expect(heard).toEqual(['asked', 'asked'])
  void desk.begin(bot, runId(1)).say('Here')
  expect((await second).value).toEqual({ type: 'text', text: 'Here' })
})

it('whoever says something that nobody reads any more hears that the run is over', async () => {
  const chunks = ask()
  const first = chunks.next()
  const reply = desk.begin(bot, runId(1))
  await reply.say('One')
  expect((await first).value).toEqual({ type: 'text', text: 'One' })
  const unread = codeOf(reply.say(' two'))
  control.abort()
  expect(await unread).toBe('run-finished')
  expect(await codeOf(reply.say(' three'))).toBe('run-finished')
})

it('a program that comes later is told what waits, and nothing of what another one replies to', async () => {
  const chunks = [ask(runId(1)).next(), ask(runId(2)).next()]
  desk.begin(bot, runId(1))
  const heard: RunId[] = []
  desk.listen(bot, { asked: ({ run }) => heard.push(run), over: () => {} })
  expect(heard).toEqual([runId(2)])
  control.abort()
  expect(await Promise.all(chunks.map(codeOf))).toEqual(['run-finished', 'run-finished'])
})
