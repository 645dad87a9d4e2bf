/** Bots that are asked: their runs are like any agent's, and their replies come by HTTP, over a real server. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openRoots } from '../../shared/conversation/document.ts'
import { isFinished, readDrafts, readMessages, readRuns, textOf } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { proposeRetry, proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { routes } from '../../shared/api/routes.ts'
import type { AgentId } from '../../shared/ids.ts'
import { limits, serverLimits } from '../../shared/limits.ts'
import { systemTimers } from '../../shared/timers.ts'
import type { Timers } from '../../shared/timers.ts'
import { BotProgram, BotWorld, outcomeOf } from '../rig/bot-world.ts'
import type { ActingBot, BotReply } from '../rig/bot-world.ts'
import { newConversationId, newRequestId, say } from '../rig/conversation.ts'
import type { Peer } from '../rig/peer.ts'
import { openRaw } from '../rig/raw-socket.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

/** Time passes by itself, but for how long a bot is waited for: that is over when the test says so. */
class Patience implements Timers {
  readonly #waiting = new Set<() => void>()
  readonly after = (milliseconds: number, run: () => void): (() => void) => {
    if (milliseconds !== limits.botBeginsSeconds * 1000) return systemTimers.after(milliseconds, run)
    this.#waiting.add(run)
    return () => void this.#waiting.delete(run)
  }
  runOut(): void {
    for (const run of [...this.#waiting]) {
      this.#waiting.delete(run)
      run()
    }
  }
}

let world: BotWorld
let patience: Patience
let deploys: ActingBot
let ada: Peer
const programs: BotProgram[] = []

const program = async (bot = deploys): Promise<BotProgram> => {
  const running = new BotProgram(world, bot)
  programs.push(running)
  return running.listen()
}
const replyIn = ({ doc }: Peer): Message | undefined => readMessages(doc).find(({ role }) => role === 'assistant')
const draftIn = ({ doc }: Peer): string => readDrafts(doc).map(({ parts }) => textOf(parts)).join('')
/** A program that was asked, by this text, and begins to reply. */
const beginReply = async (bot = deploys, text = '@Deploys hello') => {
  const running = await program(bot)
  await world.sayAs(ada, text, {})
  const { run } = await running.next()
  return { running, run, reply: running.reply(run) }
}
/** Says it, and waits until it is in front of people. */
const sayFirst = async (reply: BotReply, words: string): Promise<void> => {
  reply.say(words)
  await until('it is seen', () => draftIn(ada) === words)
}

beforeEach(async () => {
  patience = new Patience()
  world = await BotWorld.start({ timers: patience })
  deploys = await world.register('Deploys')
  ada = await world.join('ada')
})
afterEach(async () => {
  for (const running of programs.splice(0)) running.leave()
  await world.close()
})

describe('a bot that is mentioned', () => {
  it('hears of it, and its words grow in front of everybody until they are sealed as its reply', async () => {
    const running = await program()
    const { id } = await world.sayAs(ada, '@Deploys what went out?', {})
    const asked = await running.next()
    expect(asked).toMatchObject({ conversation: world.id, already: '', message: { id, parts: [{ text: '@Deploys what went out?' }] } })
    const reply = running.reply(asked.run)
    reply.say('Version ')
    await until('the first words are seen', () => draftIn(ada) === 'Version ')
    expect(readRuns(ada.doc)).toMatchObject([{ state: 'processing', agentId: deploys.id, bot: { name: 'Deploys', of: { id: 'ada' } } }])
    reply.say('2, with an ü.')
    reply.end()
    expect(await reply.answer).toEqual({ status: 200, body: { run: asked.run, state: 'completed' } })
    const sealed = await until('it is sealed', () => replyIn(ada))
    expect(textOf(sealed.parts)).toBe('Version 2, with an ü.')
    expect(sealed.metadata).toMatchObject({
      parentId: id, status: 'complete', agentId: deploys.id, authorId: `agent:${deploys.id}`, authorName: 'Deploys · bot of ada',
      bot: { id: deploys.id, name: 'Deploys', of: { id: 'ada', name: 'ada' } }
    })
    expect(sealed.metadata).not.toHaveProperty('model')
    await until('it hears that it is over', () => running.over.includes(asked.run))
    expect(readDrafts(ada.doc)).toEqual([])
  })

  it('is told what was asked before it came, and only what is open', async () => {
    await world.sayAs(ada, '@Deploys first', {})
    const asked = await (await program()).next()
    const reply = (await program()).reply(asked.run)
    reply.say('Here.')
    reply.end()
    await reply.answer
    const late = await program()
    const { id } = await world.sayAs(ada, '@deploys, second', {})
    expect((await late.next()).message.id).toBe(id)
  })

  it('may be asked by name of its id, again, and by somebody else who writes there; of two that are called the same one\'s own is meant', async () => {
    await world.letIn('bob', 'editor')
    const bobs = await world.register('Deploys', 'bob')
    const [adas, his] = [await program(), await program(bobs)]
    await until('both are shown', () => ada.doc.getMap('members').size === 2)
    await world.sayAs(ada, 'to mine: @Deploys', {})
    expect((await adas.next()).message.parts).toMatchObject([{ text: 'to mine: @Deploys' }])
    await world.sayAs(await world.join('bob'), 'to mine: @Deploys', {})
    await his.next()
    await world.sayAs(ada, 'outright', { to: [bobs.id as AgentId] })
    expect((await his.next(1)).message.parts).toMatchObject([{ text: 'outright' }])
    expect([adas.asked.length, his.asked.length]).toEqual([1, 2])
  })

  it('is not there where its person is not, or does not write, and no bot asks one', async () => {
    await world.letIn('vic', 'viewer')
    const [vics, strangers] = [await world.register('Reads', 'vic'), await world.register('Afar', 'eve')]
    for (const { id } of [vics, strangers]) {
      const requestId = say(ada.doc, 'outright', { to: [id as AgentId] })
      expect(await until('the outcome', () => outcomeOf(ada, requestId))).toMatchObject({ status: 'refused', code: 'agent-unknown' })
    }
    const bot = await world.join(await world.register('Watcher'))
    const { metadata } = await world.sayAs(bot, '@Deploys are you there?', {})
    expect(metadata.unasked).toBe('not-mentioned')
    const requestId = say(bot.doc, 'outright', { to: [deploys.id as AgentId] })
    expect(await until('the outcome', () => outcomeOf(bot, requestId))).toMatchObject({ status: 'refused', code: 'agent-unknown' })
    expect(readRuns(ada.doc)).toEqual([])
  })
})

describe('a reply that does not come, or not whole', () => {
  it('without a program the run ends after its time, says why, and another try is answered', async () => {
    await world.sayAs(ada, '@Deploys hello', {})
    // Rooms are given as long, so what runs out may not be the bot's time yet.
    const ended = await until('the run has ended', () => {
      patience.runOut()
      return readRuns(ada.doc).find(isFinished)
    })
    expect(ended).toMatchObject({ state: 'error', error: { code: 'bot-away' } })
    const failed = await until('that is said', () => replyIn(ada))
    expect(failed.metadata).toMatchObject({ status: 'error', authorName: 'Deploys · bot of ada', error: { code: 'bot-away', message: expect.stringMatching(/may not be running/) } })
    const running = await program()
    putRequest(ada.doc, newRequestId(), proposeRetry(failed.id, 1))
    const reply = running.reply((await running.next()).run)
    reply.say('Here now.')
    reply.end()
    await reply.answer
    await until('it is answered', () => readMessages(ada.doc).some(({ parts }) => textOf(parts) === 'Here now.'))
  })

  it('once it has begun nobody waits for it to begin', async () => {
    const { reply } = await beginReply()
    await sayFirst(reply, 'slowly')
    patience.runOut()
    reply.end()
    expect((await reply.answer).body).toMatchObject({ state: 'completed' })
  })

  it('stopped by a person it keeps what there is, and the program is told', async () => {
    const { running, run, reply } = await beginReply()
    await sayFirst(reply, 'On and ')
    putRequest(ada.doc, newRequestId(), proposeStop(run as never, 1))
    expect(await reply.answer).toEqual({ status: 200, body: { run, state: 'cancelled' } })
    await until('it is told', () => running.over.includes(run))
    expect((await until('it is sealed', () => replyIn(ada))).metadata).toMatchObject({ status: 'cancelled', authorName: 'Deploys · bot of ada' })
    expect(await running.reply(run).answer).toMatchObject({ status: 404 })
  })

  it('broken off by its program it is kept, and not called whole', async () => {
    const { reply } = await beginReply()
    await sayFirst(reply, 'I was about to')
    reply.breakOff()
    const sealed = await until('it is sealed', () => replyIn(ada))
    expect([textOf(sealed.parts), sealed.metadata.status, sealed.metadata.error?.message]).toEqual(['I was about to', 'error', expect.stringMatching(/broke off/)])
  })

  it('in a conversation that is deleted meanwhile its program is told', async () => {
    const running = await program()
    await world.sayAs(ada, '@Deploys hello', {})
    const reply = running.reply((await running.next()).run)
    reply.say('So far')
    await until('it is seen', () => draftIn(ada) === 'So far')
    await world.ask('ada', 'DELETE', routes.conversation(world.id))
    expect(await reply.answer).toMatchObject({ status: 410, body: { code: 'gone' } })
  })

  it('takes its time, longer than any other body may', async () => {
    await world.close()
    world = await BotWorld.start({ limits: { ...serverLimits, bodySeconds: 1 } })
    deploys = await world.register('Deploys')
    ada = await world.join('ada')
    const running = await program()
    await world.sayAs(ada, '@Deploys hello', {})
    const reply = running.reply((await running.next()).run)
    reply.say('It takes ')
    await until('it is seen', () => draftIn(ada) === 'It takes ')
    const slow = await openRaw(world.server.port)
    slow.socket.write(`POST ${routes.conversations()} HTTP/1.1\r\nHost: localhost:${world.server.port}\r\nCookie: ${world.as('ada').cookie}\r\n`
      + 'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{')
    await until('a body that does not come is not waited for', () => slow.isClosed())
    reply.say('longer.')
    reply.end()
    expect((await reply.answer).body).toMatchObject({ state: 'completed' })
    expect(textOf((await until('it is sealed', () => replyIn(ada))).parts)).toBe('It takes longer.')
  })

  it('without a word it is no reply', async () => {
    const { reply } = await beginReply()
    reply.end()
    expect((await reply.answer).body).toMatchObject({ state: 'error' })
  })

  it('is as long as a message at most', async () => {
    const { reply } = await beginReply()
    reply.say('x'.repeat(limits.messageBytes - 1))
    reply.say('yy')
    expect((await reply.answer).body).toMatchObject({ state: 'completed' })
    expect((await until('it is sealed', () => replyIn(ada))).metadata.finishReason).toBe('length')
  })
})

describe('who gives a reply', () => {
  it('is one program at a time', async () => {
    const [one, two] = [await program(), await program()]
    await world.sayAs(ada, '@Deploys hello', {})
    const { run } = await one.next()
    await two.next()
    const reply = one.reply(run)
    await sayFirst(reply, 'mine')
    expect(await two.reply(run).answer).toMatchObject({ status: 409, body: { code: 'run-taken' } })
    reply.end()
    expect((await reply.answer).status).toBe(200)
  })

  it('is the bot that was asked: no other one, no person and no other token', async () => {
    const running = await program()
    await world.sayAs(ada, '@Deploys hello', {})
    const { run } = await running.next()
    const other = new BotProgram(world, await world.register('Other'))
    expect(await other.reply(run).answer).toMatchObject({ status: 404 })
    const send = (headers: Record<string, string>, type = 'text/markdown') =>
      fetch(world.server.url + routes.botReply(run), { method: 'POST', headers: { ...headers, 'content-type': type }, body: 'forged' })
    expect([(await send(world.as('ada'))).status, (await send({})).status]).toEqual([403, 401])
    expect((await send(deploys.headers, 'text/plain')).status).toBe(422)
    const reads = new BotProgram(world, await world.tokenFor(deploys.id, 'ada', { write: false }))
    expect(await reads.reply(run).answer).toMatchObject({ status: 403, body: { code: 'viewer' } })
    expect((await fetch(world.server.url + routes.botRuns(), { headers: world.as('ada') })).status).toBe(403)
    expect(readMessages(ada.doc)).toHaveLength(1)
  })

  it.each<[string, () => Promise<unknown>]>([
    ['whose person is made viewer', () => world.ask('ada', 'PATCH', routes.member(world.id, 'bob'), { role: 'viewer' })],
    ['whose person is removed', () => world.ask('ada', 'DELETE', routes.member(world.id, 'bob'))],
    ['that is deleted', async () => world.ask('bob', 'DELETE', routes.bot((await world.server.bots.listOf(['bob' as never]))[0]!.id))],
  ])('a bot %s in the middle of it says nothing more', async (_, go) => {
    await world.letIn('bob', 'editor')
    const watcher = await world.register('Watcher', 'bob')
    await until('he is shown', () => ada.doc.getMap('members').has('bob'))
    const { reply } = await beginReply(watcher, '@Watcher hello')
    await sayFirst(reply, 'So far')
    await go()
    reply.say(' and further')
    const sealed = await until('it is sealed', () => replyIn(ada))
    expect([textOf(sealed.parts), sealed.metadata.status]).toEqual(['So far', 'error'])
  })

  it('hears nothing of conversations that its token does not reach', async () => {
    const other = newConversationId()
    await world.ask('ada', 'POST', routes.conversations(), { id: other })
    const narrow = await program(await world.tokenFor(deploys.id, 'ada', { documents: [`conversation/${other}`] }))
    await world.sayAs(ada, '@Deploys here', {})
    await (await program()).next()
    await world.sayAs(await world.join('ada', `conversation/${other}`), '@Deploys there', {})
    expect((await narrow.next()).conversation).toBe(other)
    expect(narrow.asked).toHaveLength(1)
  })
})

describe('a server that stops meanwhile', () => {
  it('asks the bot again when it is back, and seals what was half said', async () => {
    await world.close()
    const folder = await temporaryFolder()
    const options = { dataFolder: folder.path, timers: patience }
    world = await BotWorld.start(options)
    deploys = await world.register('Deploys')
    ada = await world.join('ada')
    const before = await program()
    await world.sayAs(ada, '@Deploys first', {})
    const half = before.reply((await before.next()).run)
    await sayFirst(half, 'Half')
    await world.sayAs(ada, '@Deploys second', {})
    await before.next(1)
    const { id } = world
    await world.close()
    world = await BotWorld.start(options, id)
    const after = await program()
    const asked = await after.next()
    expect(asked.message.parts).toMatchObject([{ text: '@Deploys second' }])
    const reply = after.reply(asked.run)
    reply.say('Again.')
    reply.end()
    await reply.answer
    const again = await world.join('ada')
    await until('both are sealed', () => readMessages(again.doc).length === 4)
    const endings = readMessages(again.doc).filter(({ role }) => role === 'assistant').map(({ parts, metadata }) => [textOf(parts), metadata.status, metadata.authorName])
    expect(endings).toEqual([['Half', 'incomplete', 'Deploys · bot of ada'], ['Again.', 'complete', 'Deploys · bot of ada']])
    expect([...openRoots(again.doc).drafts.keys()]).toEqual([])
    await world.close()
    await folder.remove()
    world = await BotWorld.start()
  })
})
