/** Bots that speak in conversations, over real sockets: under their own name, as far as their person may, and as nobody else. */
import * as Y from 'yjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodePresence, encodePresence } from '../../server/connection/presence-codec.ts'
import { openRoots, reactionKey } from '../../shared/conversation/document.ts'
import { readMessages, readReactions, readRedactions } from '../../shared/conversation/read.ts'
import { proposeReact, proposeRedact, proposeSend, proposeSetMeta, putRequest, putSharedDraft } from '../../shared/conversation/write.ts'
import { removeMember, setMember } from '../../server/directory/membership.ts'
import { routes } from '../../shared/api/routes.ts'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import type { AgentId, DraftId, UserId } from '../../shared/ids.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { limits } from '../../shared/limits.ts'
import { BotWorld, outcomeOf } from '../rig/bot-world.ts'
import type { ActingBot } from '../rig/bot-world.ts'
import { messageTexts, newConversationId, newRequestId } from '../rig/conversation.ts'
import type { Peer } from '../rig/peer.ts'
import { ScriptedAgent } from '../rig/scripted-agent.ts'
import { until } from '../rig/until.ts'

let world: BotWorld
let agent: ScriptedAgent
let deploys: ActingBot
let ada: Peer
let bot: Peer

beforeEach(async () => {
  agent = new ScriptedAgent('seal', 'scripted')
  world = await BotWorld.start({ agents: [agent] })
  deploys = await world.register('Deploys')
  ada = await world.join('ada')
  bot = await world.join(deploys)
})
afterEach(() => world.close())

const roleOf = ({ controls }: Peer) => controls.flatMap(control => control.kind === 'hello' ? [control.role] : [])[0]
const propose = async (peer: Peer, request: Request) => {
  const requestId = newRequestId()
  putRequest(peer.doc, requestId, request)
  await peer.allSaved()
  return until('the outcome', () => outcomeOf(peer, requestId))
}
const statesIn = (peer: Peer) => peer.frames.flatMap(frame => frame.type === 'awareness' ? decodePresence(frame.update) ?? [] : [])
const refusedWith = (code: string) => ({ status: 'refused', code })

describe('what a bot says', () => {
  it('is sealed as what the bot said, for its person, under a name that says so to everybody', async () => {
    const { role, metadata } = await world.sayAs(bot, 'It is out.')
    expect(role).toBe('user')
    expect(metadata).toMatchObject({
      authorId: `agent:${deploys.id}`, authorName: 'Deploys · bot of ada', bot: { id: deploys.id, name: 'Deploys', of: { id: 'ada', name: 'ada' } }
    })
    expect(metadata).not.toHaveProperty('agentId')
    await until('Ada reads it', () => messageTexts(ada.doc).includes('It is out.'))
    const page = await world.ask<{ messages: object[] }>('ada', 'GET', routes.messages(world.id))
    expect(page.messages).toMatchObject([{ metadata: { authorName: 'Deploys · bot of ada' } }])
    expect(ada.doc.getMap('members').size).toBe(0)
  })

  it('is said under its new name at once when its person renames it, by sockets that are open too', async () => {
    await world.sayAs(bot, 'before')
    await world.ask('ada', 'PATCH', routes.bot(deploys.id), { name: 'Releases' })
    const { metadata } = await world.sayAs(bot, 'after')
    expect(metadata).toMatchObject({ authorName: 'Releases · bot of ada', bot: { id: deploys.id, name: 'Releases' } })
    expect(readMessages(ada.doc)[0]!.metadata.authorName).toBe('Deploys · bot of ada')
  })

  it('asks nobody by itself, and whom it mentions is told it as what somebody else said', async () => {
    const alone = await world.sayAs(bot, 'Nobody has to answer this.', {})
    expect(alone.metadata.unasked).toBe('not-mentioned')
    await world.sayAs(bot, '@Scripted what went wrong?', {})
    const { context } = await until('the agent is asked', () => agent.replies[0])
    expect(context.messages.map(({ role, metadata }) => [role, metadata.bot?.name])).toEqual([['user', 'Deploys'], ['user', 'Deploys']])
    expect([...openRoots(bot.doc).runs.values()]).toMatchObject([{ askedBy: 'ada', agentId: 'scripted' }])
    agent.reply1.say('The disk.')
    agent.reply1.finish()
    await until('it is answered', () => messageTexts(ada.doc).includes('The disk.'))
  })

  it('is not a person\'s to say: neither words nor marks of a bot are taken from anybody', async () => {
    const written = [...[ada, bot].map(peer => ({ peer, message: { parts: [{ type: 'text', text: 'no' }], parentId: null, to: [] } }))]
    for (const { peer, message } of written) {
      for (const more of [{ bot: { id: deploys.id, name: 'Deploys', of: { id: 'ada', name: 'ada' } } }, { authorId: `agent:${deploys.id}` }, { role: 'assistant' }]) {
        expect(await propose(peer, { type: 'send', createdAt: 1, message: { ...message, ...more } } as never)).toMatchObject(refusedWith('invalid-request'))
      }
    }
    expect(await propose(bot, proposeSend({ parts: [{ type: 'reasoning', text: 'thinking' }], parentId: null, to: [] }, 1))).toMatchObject(refusedWith('invalid-request'))
    expect(messageTexts(ada.doc)).toEqual([])
    for (const peer of [await world.join('ada'), await world.join(deploys)]) {
      peer.doc.getArray('messages').push([{ id: 'x', role: 'user', parts: [], metadata: { authorId: `agent:${deploys.id}` } }])
      expect(await world.closeOf(peer)).toBe('4403 forged')
    }
  })

  it('is the same by HTTP', async () => {
    const message = { parts: [{ type: 'text', text: 'It is out.' }], parentId: null, to: [] }
    const answer = await fetch(world.server.url + routes.requests(world.id), {
      method: 'POST', headers: { ...deploys.headers, 'content-type': 'application/json', [IDEMPOTENCY_KEY]: newRequestId() },
      body: JSON.stringify({ type: 'send', message }),
    })
    expect(await answer.json()).toMatchObject({ message: { metadata: { authorId: `agent:${deploys.id}`, authorName: 'Deploys · bot of ada' } } })
  })

  it('stays what it is when the bot is renamed, and has its new name from the next connection on', async () => {
    await world.sayAs(bot, 'first')
    await world.ask('ada', 'PATCH', routes.bot(deploys.id), { name: 'Releases' })
    const { metadata } = await world.sayAs(await world.join(deploys), 'second')
    expect(metadata.authorName).toBe('Releases · bot of ada')
    expect(readMessages(ada.doc)[0]!.metadata.authorName).toBe('Deploys · bot of ada')
  })
})

describe('a bot is itself', () => {
  it('in presence, whatever it says of itself, and its person is not shown by it', async () => {
    bot.send({ type: 'awareness', update: encodePresence([{ clientId: bot.doc.clientID, clock: 1, state: { user: { id: 'ada', name: 'ada', kind: 'user' } } }]) })
    const { state } = await until('Ada sees it', () => statesIn(ada)[0])
    expect(state).toEqual({ user: { id: `agent:${deploys.id}`, name: 'Deploys · bot of ada', kind: 'agent' } })
  })

  it('in its reactions, in what it changes, and in the drafts that it opens', async () => {
    const { id } = await world.sayAs(ada, 'Shall we?')
    await until('it is read', () => messageTexts(bot.doc).length > 0)
    await propose(bot, proposeReact(id, '👍', true, 1))
    expect(readReactions(bot.doc)).toMatchObject([{ userId: `agent:${deploys.id}` }])
    expect(openRoots(bot.doc).reactions.has(reactionKey(id, 'ada', '👍'))).toBe(false)
    const head = { kind: 'shared' as const, parentId: null, createdAt: 1 }
    const draftId = newRequestId() as string as DraftId
    putSharedDraft(bot.doc, draftId, { ...head, authorId: `agent:${deploys.id}` })
    await bot.allSaved()
    putSharedDraft(bot.doc, newRequestId() as string as DraftId, { ...head, authorId: 'ada' })
    expect(await world.closeOf(bot)).toBe('4403 forged')
  })

  it('in what it edits and takes out: its own words, and neither its person\'s nor another bot\'s', async () => {
    const watcher = await world.join(await world.register('Watcher'))
    const hers = await world.sayAs(ada, 'Ada said this')
    const others = await world.sayAs(watcher, 'Watcher said this')
    const own = await world.sayAs(bot, 'tpyo')
    await until('all is read', () => messageTexts(bot.doc).length === 3)
    const edit = (replaces: typeof own.id) => proposeSend({ parts: [{ type: 'text', text: 'typo' }], parentId: null, replaces, to: [] }, 1)
    for (const { id } of [hers, others]) {
      expect(await propose(bot, proposeRedact(id, 1))).toMatchObject(refusedWith('not-author'))
      expect(await propose(bot, edit(id))).toMatchObject(refusedWith('not-author'))
    }
    expect(await propose(bot, edit(own.id))).toEqual({ status: 'accepted' })
    expect(await propose(bot, proposeRedact(own.id, 1))).toEqual({ status: 'accepted' })
  })

  it('under Yjs client ids of its own: its person writes under none of them, nor it under theirs', async () => {
    await world.sayAs(ada, 'mine')
    const doc = new Y.Doc()
    await until('the bot has it', () => messageTexts(bot.doc).length > 0)
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(bot.doc))
    doc.clientID = ada.doc.clientID
    const before = Y.encodeStateVector(doc)
    doc.getMap('requests').set(newRequestId(), proposeSend({ parts: [{ type: 'text', text: 'not hers' }], parentId: null, to: [] }, 1))
    bot.sendUpdate(Y.encodeStateAsUpdate(doc, before))
    expect(await world.closeOf(bot)).toBe('4403 client-id-taken')
  })
})

describe('what a bot said may be taken out', () => {
  beforeEach(async () => {
    await world.letIn('bob', 'editor')
    await world.letIn('eve', 'editor')
  })

  it('by its person, who only writes there, and by no other editor; and with an answer to it it is the same', async () => {
    const bobs = await world.register('Watcher', 'bob')
    const [watcher, bob, eve] = [await world.join(bobs), await world.join('bob'), await world.join('eve')]
    const said = await world.sayAs(watcher, 'from the bot of Bob')
    const asked = await world.sayAs(watcher, 'Answer me', { to: ['scripted' as AgentId] })
    await until('it is asked', () => agent.replies.length === 1)
    agent.reply1.say('An answer.')
    agent.reply1.finish()
    const answer = await until('it is answered', () => readMessages(bob.doc).find(({ metadata }) => metadata.parentId === asked.id))
    await until('Eve has it too', () => readMessages(eve.doc).length === 3)
    for (const { id } of [said, answer]) {
      expect(await propose(eve, proposeRedact(id, 1))).toMatchObject(refusedWith('not-author'))
      expect(await propose(bob, proposeRedact(id, 1))).toEqual({ status: 'accepted' })
      expect(readRedactions(bob.doc).get(id)).toMatchObject({ by: 'bob' })
    }
  })

  it('by an owner of the conversation', async () => {
    const watcher = await world.join(await world.register('Watcher', 'bob'))
    const { id } = await world.sayAs(watcher, 'from the bot of Bob')
    await until('Ada has it', () => messageTexts(ada.doc).length === 1)
    expect(await propose(ada, proposeRedact(id, 1))).toEqual({ status: 'accepted' })
  })
})

describe('a bot may what its person may, now', () => {
  let bobs: ActingBot
  let watcher: Peer

  beforeEach(async () => {
    await world.letIn('bob', 'editor')
    bobs = await world.register('Watcher', 'bob')
    watcher = await world.join(bobs)
    expect(roleOf(watcher)).toBe('editor')
  })

  it('a person made viewer has a bot that reads, at once and on the same socket', async () => {
    await world.ask('ada', 'PATCH', routes.member(world.id, 'bob'), { role: 'viewer' })
    await until('it is told', () => watcher.controls.some(control => control.kind === 'role' && control.role === 'viewer'))
    expect(await propose(watcher, proposeSend({ parts: [{ type: 'text', text: 'late' }], parentId: null, to: [] }, 1))).toMatchObject(refusedWith('viewer'))
    await world.ask('ada', 'PATCH', routes.member(world.id, 'bob'), { role: 'editor' })
    await world.sayAs(watcher, 'again')
  })

  it.each<[string, () => Promise<unknown>]>([
    ['is removed', () => world.ask('ada', 'DELETE', routes.member(world.id, 'bob'))],
    ['leaves', () => world.ask('bob', 'POST', routes.leave(world.id), {})],
  ])('a person who %s takes it along, at once', async (_, go) => {
    await go()
    expect(await world.closeOf(watcher)).toBe('4404 not-found')
    expect(await world.closeOf(bobs)).toBe('4404 not-found')
    expect((await world.fetch(bobs.headers, 'GET', routes.messages(world.id))).status).toBe(404)
  })

  it('a person who proves nobody any more has no bot that does', async () => {
    world.identity.revoke({ user: 'bob' as UserId })
    expect(await world.closeOf(watcher)).toBe('4401 signed-out')
    await until('the token is gone', async () => (await world.fetch(bobs.headers, 'GET', routes.me())).status === 401)
  })

  it('a bot that is deleted is gone from the room before the answer comes, with all of its tokens, and others stay', async () => {
    const second = await world.tokenFor(bobs.id, 'bob')
    const peers = [watcher, await world.join(second)]
    const other = await world.join(await world.register('Another', 'bob'))
    await world.ask('bob', 'DELETE', routes.bot(bobs.id))
    for (const peer of peers) expect(await world.closeOf(peer)).toBe('4401 signed-out')
    for (const acting of [bobs, second]) expect(await world.closeOf(acting)).toBe('4401 unauthenticated')
    await world.sayAs(other, 'still here')
  })

  it('never owns: what only an owner does, and what nobody has begun, is not for the bot of one', async () => {
    expect(roleOf(bot)).toBe('editor')
    for (const name of [`conversation/${newConversationId()}`, `artifact/${newConversationId()}`, 'home/ada', `home/agent:${deploys.id}`]) {
      expect(await world.closeOf(deploys, name)).toBe('4404 not-found')
    }
    await world.join('ada', 'home/ada')
    expect(await world.closeOf(deploys, 'home/ada')).toBe('4404 not-found')
    expect((await world.fetch(deploys.headers, 'DELETE', routes.conversation(world.id))).status).toBe(403)
  })

  it('reaches the documents that its token names, and reads where that only reads', async () => {
    const other = newConversationId()
    await world.ask('ada', 'POST', routes.conversations(), { id: other })
    const narrow = await world.register('Narrow', 'ada', { documents: [`conversation/${other}`] })
    expect(await world.closeOf(narrow)).toBe('4404 not-found')
    await world.sayAs(await world.join(narrow, `conversation/${other}`), 'here')
    const reads = await world.join(await world.register('Reader', 'ada', { write: false }))
    expect(roleOf(reads)).toBe('viewer')
    expect(await propose(reads, proposeSend({ parts: [{ type: 'text', text: 'no' }], parentId: null, to: [] }, 1))).toMatchObject(refusedWith('viewer'))
  })

  it('uses up what is its person\'s: a second bot brings no second hour of requests', async () => {
    const second = await world.join(await world.register('Second', 'bob'))
    const ask = async (peer: Peer, count: number): Promise<string[]> => {
      const ids = Array.from({ length: count }, () => newRequestId())
      for (let at = 0; at < count; at += 200) {
        const some = ids.slice(at, at + 200)
        peer.doc.transact(() => some.forEach(id => putRequest(peer.doc, id, proposeSend({ parts: [{ type: 'text', text: '.' }], parentId: null, to: [] }, 1))))
        await peer.allSaved()
      }
      return until('all are taken', () => {
        const outcomes = ids.map(id => outcomeOf(peer, id))
        return outcomes.every(outcome => outcome) ? outcomes.map(outcome => outcome!.status === 'refused' ? outcome!.code : 'accepted') : null
      })
    }
    expect(new Set(await ask(watcher, limits.requestsPerHour))).toEqual(new Set(['accepted']))
    expect(await ask(second, 200)).toContain('rate-limited')
  })
})

describe('names', () => {
  it('a bot that is called like somebody in the conversation, or like a model by now, is refused with the reason until it is renamed', async () => {
    await world.server.directory.change(world.name, setMember({ id: 'zoe' as UserId, role: 'viewer', name: 'DepIoys' }))
    await until('she is shown', () => ada.doc.getMap('members').has('zoe'))
    const outcome = await propose(bot, proposeSend({ parts: [{ type: 'text', text: 'I am Zoe' }], parentId: null, to: [] }, 1))
    expect(outcome).toMatchObject(refusedWith('name-taken'))
    await world.server.directory.change(world.name, removeMember({ kind: 'user', id: 'ada' as UserId, name: 'ada' }, 'zoe' as UserId, 2))
    await until('she has gone', () => !ada.doc.getMap('members').has('zoe'))
    await world.sayAs(bot, 'I am the bot')
    // Registered before the server had that model.
    const [own] = await world.server.bots.listOf(['ada' as UserId])
    await world.server.bots.change(['ada' as UserId], own!.id, { name: 'Scripted' })
    const late = await world.join(deploys)
    expect(await propose(late, proposeSend({ parts: [{ type: 'text', text: 'I am a model' }], parentId: null, to: [] }, 1))).toMatchObject(refusedWith('name-taken'))
    await world.ask('ada', 'PATCH', routes.bot(deploys.id), { name: 'Deploys' })
    await world.sayAs(await world.join(deploys), 'It is me')
  })

  it('a conversation takes no bot for its agent', async () => {
    expect(await propose(ada, proposeSetMeta('agent', deploys.id, 1))).toMatchObject(refusedWith('agent-unknown'))
  })
})
