/** A conversation on one device: what was written is kept, sent once, and shown as far as it got. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openConversation } from './conversation.ts'
import type { Conversation, ConversationOptions } from './conversation.ts'
import { memoryStore } from './store/memory.ts'
import type { ViewMessage } from './view.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import type { DraftMap } from '../../shared/conversation/document.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'
import type { AgentId, DraftId, MessageId, RequestId, RunId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { until } from '../../test/rig/until.ts'
import { TinyServer } from '../../test/sync/tiny-server.ts'

const NAME = conversationName('c1')!
let server: TinyServer
let opened: Conversation[]

beforeEach(async () => {
  server = await TinyServer.start()
  opened = []
})

afterEach(async () => {
  await Promise.all(opened.map(conversation => conversation.close()))
  await server.stop()
})

const open = (options: Partial<ConversationOptions> = {}): Conversation => {
  const conversation = openConversation({
    name: NAME, url: server.url, userId: 'ada', userName: 'Ada', store: memoryStore(), ...options
  })
  opened.push(conversation)
  return conversation
}

const texts = (conversation: Conversation): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
const deliveries = (conversation: Conversation): string[] => conversation.view().messages.map(({ delivery }) => delivery.state)
const last = (conversation: Conversation): ViewMessage => conversation.view().messages.at(-1)!
const synced = (conversation: Conversation) => until('it is synced', () => conversation.view().synced)
const answered = (conversation: Conversation) => until('every request is answered', () => conversation.view().synced && conversation.view().pending === 0)
const online = (conversation: Conversation) => until('it is online', () => conversation.view().connection === 'online')

describe('sending', () => {
  it('shows a message at once, then on the device, then saved', async () => {
    const conversation = open()
    await synced(conversation)
    const sent = conversation.send('hello')
    expect(texts(conversation)).toEqual(['hello'])
    expect(last(conversation).delivery).toEqual({ state: 'writing' })
    server.holdsResults = true
    await sent
    expect(['on-device', 'saved']).toContain(last(conversation).delivery.state)
    await until('it is saved', () => last(conversation).delivery.state === 'saved')
    expect(last(conversation).message.metadata).toMatchObject({ authorId: 'ada', parentId: null })
    expect(server.messages.map(({ id }) => id)).toEqual([await sent])
  })

  it('chains what is written offline, keeps it in order and sends it when there is a connection', async () => {
    const conversation = open({ connect: false })
    await conversation.ready
    const ids = [await conversation.send('one'), await conversation.send('two'), await conversation.send('three')]
    expect(deliveries(conversation)).toEqual(['on-device', 'on-device', 'on-device'])
    expect(conversation.view().messages.map(({ message }) => message.metadata.parentId)).toEqual([null, ids[0], ids[1]])
    expect(conversation.view()).toMatchObject({ pending: 3, connection: 'offline', synced: false, loaded: true })
    conversation.connect()
    await answered(conversation)
    expect(server.messages.map(({ id }) => id)).toEqual(ids)
    expect(deliveries(conversation)).toEqual(['saved', 'saved', 'saved'])
  })

  it('keeps the order of what was written when the clock was set back between two visits', async () => {
    const store = memoryStore()
    const first = open({ store, connect: false, now: () => 2_000_000_000_000 })
    await first.send('before')
    await first.close()
    const second = open({ store, connect: false, now: () => 1_000_000_000_000 })
    await second.ready
    await second.send('after')
    expect(texts(second)).toEqual(['before', 'after'])
  })

  it('lets an edit take the place of what it replaces, on the way already, under the same parent', async () => {
    const conversation = open()
    const first = await conversation.send('teh')
    await answered(conversation)
    server.judge = () => ({ status: 'refused', code: 'rate-limited', reason: 'Wait.' })
    const edit = conversation.send('the', { replaces: first as string as MessageId })
    expect(texts(conversation)).toEqual(['the'])
    expect(last(conversation)).toMatchObject({ message: { metadata: { parentId: null } }, alternatives: [first, await edit] })
    await until('it is refused', () => last(conversation).delivery.state === 'refused')
    expect(texts(conversation)).toEqual(['teh', 'the'])
  })

  it('shows the version that the person chose, until there is a newer one of their own asking', async () => {
    const conversation = open()
    const first = await conversation.send('one') as string as MessageId
    await answered(conversation)
    const second = await conversation.send('two', { replaces: first }) as string as MessageId
    await answered(conversation)
    expect(texts(conversation)).toEqual(['two'])
    conversation.choose(first)
    expect(texts(conversation)).toEqual(['one'])
    conversation.choose(second)
    expect(texts(conversation)).toEqual(['two'])
    conversation.choose(first)
    await conversation.send('three', { replaces: first })
    expect(texts(conversation)).toEqual(['three'])
  })

  it('carries whom it is for', async () => {
    const conversation = open()
    await conversation.send('only us', { to: [] })
    await conversation.send('you', { to: ['echo' as AgentId], parentId: null })
    await answered(conversation)
    expect(server.messages.map(({ metadata }) => [metadata.to, metadata.parentId])).toEqual([[[], null], [['echo'], null]])
  })

  it('shows the same objects again for what did not change', async () => {
    const conversation = open()
    await conversation.send('one')
    await answered(conversation)
    const before = conversation.view()
    expect(conversation.view()).toBe(before)
    await conversation.send('two')
    expect(conversation.view().messages[0]).toBe(before.messages[0])
    conversation.setTyping(true)
    const messages = conversation.view().messages
    conversation.setTyping(false)
    expect(conversation.view().messages).toBe(messages)
  })
})

describe('a refused message', () => {
  beforeEach(() => {
    server.judge = () => ({ status: 'refused', code: 'viewer', reason: 'You may only read.' })
  })

  it('stays at the end with its text and the reason, also after a reload', async () => {
    const store = memoryStore()
    const first = open({ store })
    await first.send('please')
    await until('it is refused', () => last(first).delivery.state === 'refused')
    await first.close()
    const second = open({ store, connect: false })
    await second.ready
    expect(texts(second)).toEqual(['please'])
    expect(last(second).delivery).toEqual({ state: 'refused', code: 'viewer', reason: 'You may only read.' })
    expect(second.view().pending).toBe(0)
  })

  it('is asked for again under a new id, after what is now the last message', async () => {
    const conversation = open()
    const refused = await conversation.send('please')
    await until('it is refused', () => last(conversation).delivery.state === 'refused')
    server.judge = () => ({ status: 'accepted' })
    const before = await conversation.send('meanwhile')
    const again = await conversation.resend(refused)
    await answered(conversation)
    expect(texts(conversation)).toEqual(['meanwhile', 'please'])
    expect(again).not.toBe(refused)
    expect(server.messages.at(-1)).toMatchObject({ id: again, metadata: { parentId: before } })
    await expect(conversation.resend(refused)).rejects.toMatchObject({ code: 'target-unknown' })
  })

  it('goes when it is discarded, for good', async () => {
    const store = memoryStore()
    const conversation = open({ store })
    const refused = await conversation.send('please')
    await until('it is refused', () => last(conversation).delivery.state === 'refused')
    await conversation.discard(refused)
    expect(texts(conversation)).toEqual([])
    expect((await store.load()).outbox).toEqual([])
  })

  it('is no parent of what is written next', async () => {
    const conversation = open()
    await conversation.send('please')
    await until('it is refused', () => last(conversation).delivery.state === 'refused')
    server.judge = () => ({ status: 'accepted' })
    await conversation.send('next')
    await answered(conversation)
    expect(server.messages[0]?.metadata.parentId).toBe(null)
  })
})

it('refuses on the device what no frame can carry, and keeps its text', async () => {
  const conversation = open()
  await synced(conversation)
  const text = 'x'.repeat(limits.messageBytes)
  await conversation.send(text)
  expect(last(conversation)).toMatchObject({ delivery: { state: 'refused', code: 'message-too-long' } })
  expect(texts(conversation)).toEqual([text])
  expect(server.proposed).toEqual([])
})

it('takes back a request that the server has not seen', async () => {
  const conversation = open({ connect: false })
  const id = await conversation.send('no, wait')
  await conversation.discard(id)
  expect(texts(conversation)).toEqual([])
  conversation.connect()
  await synced(conversation)
  await conversation.send('this')
  await answered(conversation)
  expect(server.messages.map(({ parts }) => textOf(parts))).toEqual(['this'])
})

describe('other requests', () => {
  it('are shown as done at once, and taken back when the server refuses', async () => {
    const conversation = open()
    const id = await conversation.send('hello') as string as MessageId
    await answered(conversation)
    conversation.disconnect()
    await conversation.setMeta('title', 'Greetings')
    await conversation.setMeta('agent', 'echo')
    await conversation.setMeta('system', 'Be brief.')
    await conversation.react(id, '👍', true)
    await conversation.react(id, '👎', true)
    await conversation.react(id, '👎', false)
    await conversation.redact(id)
    expect(conversation.view()).toMatchObject({ title: 'Greetings', agent: 'echo', messages: [], pending: 7 })
    expect(conversation.view().reactions).toMatchObject([{ messageId: id, userId: 'ada', kind: '👍' }])
    server.judge = (_id, request) => request.type === 'redact'
      ? { status: 'refused', code: 'not-author', reason: 'It is not yours.' }
      : { status: 'accepted' }
    conversation.connect()
    await answered(conversation)
    expect(conversation.view()).toMatchObject({ title: 'Greetings', reactions: [] })
    expect(texts(conversation)).toEqual(['hello'])
    const { refused } = conversation.view()
    expect(refused).toMatchObject([{ request: { type: 'redact' }, refusal: { code: 'not-author' } }])
    await conversation.discard(refused[0]!.id)
    expect(conversation.view().refused).toEqual([])
  })

  it('stop a run and ask for another reply', async () => {
    const asked: unknown[] = []
    server.judge = (_id, request) => {
      asked.push(request)
      return { status: 'refused', code: 'target-unknown', reason: 'No such thing.' }
    }
    const conversation = open()
    const runId = '01890000-0000-8000-8000-000000000001' as RunId
    const messageId = '01890000-0000-8000-8000-000000000002' as MessageId
    await conversation.stop(runId)
    const refused = await conversation.regenerate(messageId)
    await answered(conversation)
    expect(asked).toMatchObject([{ type: 'stop', runId }, { type: 'regenerate', messageId }])
    await conversation.resend(refused)
    await until('it was asked for again', () => asked.length === 3)
  })
})

it('shows replies while they are written, and the runs behind them', async () => {
  const conversation = open()
  await synced(conversation)
  const draftId = '01890000-0000-8000-8000-000000000003' as DraftId
  const question = '01890000-0000-7000-8000-000000000004' as MessageId
  server.change(doc => {
    const part = new Y.Map<string | Y.Text>([['type', 'text'], ['text', new Y.Text('Once')]])
    const draft: DraftMap = new Y.Map()
    openRoots(doc).drafts.set(draftId, draft)
    draft.set('head', { kind: 'shared', authorId: 'bob', parentId: question, createdAt: 1 })
    draft.set('parts', Y.Array.from([part]))
  })
  await until('the draft is there', () => conversation.view().drafts[0])
  const before = conversation.view().messages
  server.change(doc => {
    const parts = openRoots(doc).drafts.get(draftId)?.get('parts')
    if (parts instanceof Y.Array) (parts.get(0).get('text') as Y.Text).insert(4, ' upon')
  })
  await until('it grew', () => textOf(conversation.view().drafts[0]!.parts) === 'Once upon')
  expect(conversation.view().messages).toBe(before)
  expect(conversation.view().runs).toEqual([])
})

describe('what the server did not answer', () => {
  it('is proposed again under the same id after a reload, and has one effect', async () => {
    server.holdsResults = true
    const store = memoryStore()
    const first = open({ store })
    await synced(first)
    const id = await first.setMeta('title', 'Once')
    await until('the server took it', () => server.proposed.length === 1)
    await first.close()
    server.holdsResults = false
    const second = open({ store })
    await answered(second)
    expect(server.proposed).toEqual([id, id])
    expect((await store.load()).outbox).toEqual([])
  })

  it('is proposed again when the server had taken it just before the connection broke', async () => {
    const conversation = open()
    await synced(conversation)
    server.mute = true
    const id = await conversation.setMeta('title', 'Once')
    await until('the server took it', () => server.proposed.length === 1)
    expect(conversation.view().pending).toBe(1)
    server.mute = false
    server.cut()
    await answered(conversation)
    expect(server.proposed).toEqual([id, id])
  })

  it('is proposed even if only its entry in the outbox reached the disk', async () => {
    const store = memoryStore()
    const first = open({ store: { ...store, append: async () => {} }, connect: false })
    const id = await first.send('hello')
    await first.close()
    const second = open({ store, connect: false })
    await second.ready
    expect([...openRoots(second.doc).requests.keys()]).toEqual([id])
    second.connect()
    await answered(second)
    expect(server.messages.map(message => message.id)).toEqual([id])
  })

  it('is taken up from the document even if its entry in the outbox did not reach the disk', async () => {
    const store = memoryStore()
    const first = open({ store: { ...store, putOutbox: async () => {} }, connect: false })
    await first.send('hello')
    await first.close()
    const second = open({ store, connect: false })
    await second.ready
    expect(texts(second)).toEqual(['hello'])
    second.connect()
    await answered(second)
    expect(texts(second)).toEqual(['hello'])
  })

  it('counts as saved when it was accepted, before its message has arrived', async () => {
    const conversation = open()
    await synced(conversation)
    server.judge = () => ({ status: 'accepted' })
    const deaf = server
    deaf.deaf = true
    const id = await conversation.send('hello')
    server.tell({ kind: 'result', requestId: id, outcome: { status: 'accepted' } })
    await until('it is accepted', () => last(conversation).delivery.state === 'saved')
    expect(conversation.view().pending).toBe(0)
    deaf.deaf = false
    server.cut()
    await until('it is sealed', () => server.messages.length === 1)
    await until('it is shown once', () => texts(conversation).join() === 'hello')
  })

  it('does not disturb the results of other devices', async () => {
    const conversation = open()
    await online(conversation)
    server.tell({ kind: 'result', requestId: '01890000-0000-7000-8000-000000000009' as RequestId, outcome: { status: 'accepted' } })
    await conversation.send('hello')
    await answered(conversation)
    expect(texts(conversation)).toEqual(['hello'])
  })
})

it('sends nothing of one person when the server takes this browser for another one now', async () => {
  const conversation = open({ userId: 'ann', userName: 'Ann', connect: false })
  await conversation.ready
  await conversation.send('written by Ann', { to: [] })
  conversation.connect()
  await until('the page says why', () => conversation.view().closedBy !== null)
  expect(conversation.view()).toMatchObject({ pending: 1, closedBy: { code: 4401, reason: expect.stringContaining('somebody else') } })
  expect(server.doc.getMap('requests').size + server.doc.getArray('messages').length).toBe(0)
})

describe('people', () => {
  it('see one another, who types, and who is oneself', async () => {
    const ada = open()
    const bob = open({ userName: 'Bob' })
    await Promise.all([synced(ada), synced(bob)])
    bob.setTyping(true)
    await until('Ada sees that Bob types', () => ada.view().people.some(({ name, typing }) => name === 'Bob' && typing))
    expect(ada.view().people.find(({ self }) => self)).toMatchObject({ userId: 'ada', name: 'Ada', typing: false })
    await bob.close()
    await until('Ada sees that Bob left', () => ada.view().people.length === 1)
  })

  it('see one another again after a broken connection', async () => {
    const ada = open()
    const bob = open({ userName: 'Bob' })
    await Promise.all([synced(ada), synced(bob)])
    bob.disconnect()
    await until('Ada sees that Bob left', () => ada.view().people.every(({ name }) => name !== 'Bob'))
    bob.connect()
    // Sooner than the renewal that y-protocols does by itself.
    await until('Ada sees Bob again', () => ada.view().people.some(({ name }) => name === 'Bob'), 5_000)
  })
})

it('tells of changes once per tick', async () => {
  const time = new ManualTime()
  const scheduled: (() => void)[] = []
  const conversation = open({ connect: false, now: time.now, after: time.after, schedule: task => scheduled.push(task) })
  await conversation.ready
  scheduled.splice(0)
  let told = 0
  const stop = conversation.subscribe(() => told++)
  void conversation.send('one')
  void conversation.send('two')
  expect(scheduled).toHaveLength(1)
  scheduled[0]!()
  expect(told).toBe(1)
  stop()
  await conversation.send('three')
  expect(told).toBe(1)
})
