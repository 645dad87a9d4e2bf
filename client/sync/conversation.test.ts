/** A conversation on one device: what was written is kept, sent once, and shown as far as it got. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { memoryStore } from './store/memory.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import type { DraftMap } from '../../shared/conversation/document.ts'
import { textOf } from '../../shared/conversation/read.ts'
import type { AgentId, DraftId, MessageId } from '../../shared/ids.ts'
import { ManualTime } from '../../test/rig/manual-time.ts'
import { until } from '../../test/rig/until.ts'
import { answered, conversationsForEachTest, deliveries, last, synced, texts } from '../../test/sync/conversations-for-each-test.ts'

const world = conversationsForEachTest()
const { open } = world

describe('sending', () => {
  it('shows a message at once, then on the device, then saved', async () => {
    const conversation = open()
    await synced(conversation)
    const sent = conversation.send('hello')
    expect(texts(conversation)).toEqual(['hello'])
    expect(last(conversation).delivery).toEqual({ state: 'writing' })
    world.server.holdsResults = true
    await sent
    expect(['on-device', 'saved']).toContain(last(conversation).delivery.state)
    await until('it is saved', () => last(conversation).delivery.state === 'saved')
    expect(last(conversation).message.metadata).toMatchObject({ authorId: 'ada', parentId: null })
    expect(world.server.messages.map(({ id }) => id)).toEqual([await sent])
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
    expect(world.server.messages.map(({ id }) => id)).toEqual(ids)
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
    world.server.judge = () => ({ status: 'refused', code: 'rate-limited', reason: 'Wait.' })
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
    expect(world.server.messages.map(({ metadata }) => [metadata.to, metadata.parentId])).toEqual([[[], null], [['echo'], null]])
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

it('shows replies while they are written, and the runs behind them', async () => {
  const conversation = open()
  await synced(conversation)
  const draftId = '01890000-0000-8000-8000-000000000003' as DraftId
  const question = '01890000-0000-7000-8000-000000000004' as MessageId
  world.server.change(doc => {
    const part = new Y.Map<string | Y.Text>([['type', 'text'], ['text', new Y.Text('Once')]])
    const draft: DraftMap = new Y.Map()
    openRoots(doc).drafts.set(draftId, draft)
    draft.set('head', { kind: 'shared', authorId: 'bob', parentId: question, createdAt: 1 })
    draft.set('parts', Y.Array.from([part]))
  })
  await until('the draft is there', () => conversation.view().drafts[0])
  const before = conversation.view().messages
  world.server.change(doc => {
    const parts = openRoots(doc).drafts.get(draftId)?.get('parts')
    if (parts instanceof Y.Array) (parts.get(0).get('text') as Y.Text).insert(4, ' upon')
  })
  await until('it grew', () => textOf(conversation.view().drafts[0]!.parts) === 'Once upon')
  expect(conversation.view().messages).toBe(before)
  expect(conversation.view().runs).toEqual([])
})

it('sends nothing of one person when the server takes this browser for another one now', async () => {
  const conversation = open({ userId: 'ann', userName: 'Ann', connect: false })
  await conversation.ready
  await conversation.send('written by Ann', { to: [] })
  conversation.connect()
  await until('the page says why', () => conversation.view().closedBy !== null)
  expect(conversation.view()).toMatchObject({ pending: 1, closedBy: { code: 4401, reason: expect.stringContaining('somebody else') } })
  expect(world.server.doc.getMap('requests').size + world.server.doc.getArray('messages').length).toBe(0)
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
