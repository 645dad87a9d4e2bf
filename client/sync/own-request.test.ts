/** What a device asks for: refused, taken back, not answered yet, and asked again. */
import { beforeEach, describe, expect, it } from 'vitest'
import { memoryStore } from './store/memory.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { textOf } from '../../shared/conversation/read.ts'
import type { MessageId, RequestId, RunId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { until } from '../../test/rig/until.ts'
import { answered, conversationsForEachTest, last, online, synced, texts } from '../../test/sync/conversations-for-each-test.ts'

const world = conversationsForEachTest()
const { open } = world

describe('a refused message', () => {
  beforeEach(() => {
    world.server.judge = () => ({ status: 'refused', code: 'viewer', reason: 'You may only read.' })
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
    world.server.judge = () => ({ status: 'accepted' })
    const before = await conversation.send('meanwhile')
    const again = await conversation.resend(refused)
    await answered(conversation)
    expect(texts(conversation)).toEqual(['meanwhile', 'please'])
    expect(again).not.toBe(refused)
    expect(world.server.messages.at(-1)).toMatchObject({ id: again, metadata: { parentId: before } })
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
    world.server.judge = () => ({ status: 'accepted' })
    await conversation.send('next')
    await answered(conversation)
    expect(world.server.messages[0]?.metadata.parentId).toBe(null)
  })
})

it('refuses on the device what no frame can carry, and keeps its text', async () => {
  const conversation = open()
  await synced(conversation)
  const text = 'x'.repeat(limits.messageBytes)
  await conversation.send(text)
  expect(last(conversation)).toMatchObject({ delivery: { state: 'refused', code: 'message-too-long' } })
  expect(texts(conversation)).toEqual([text])
  expect(world.server.proposed).toEqual([])
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
  expect(world.server.messages.map(({ parts }) => textOf(parts))).toEqual(['this'])
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
    world.server.judge = (_id, request) => request.type === 'redact'
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
    world.server.judge = (_id, request) => {
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

describe('what the server did not answer', () => {
  it('is proposed again under the same id after a reload, and has one effect', async () => {
    world.server.holdsResults = true
    const store = memoryStore()
    const first = open({ store })
    await synced(first)
    const id = await first.setMeta('title', 'Once')
    await until('the server took it', () => world.server.proposed.length === 1)
    await first.close()
    world.server.holdsResults = false
    const second = open({ store })
    await answered(second)
    expect(world.server.proposed).toEqual([id, id])
    expect((await store.load()).outbox).toEqual([])
  })

  it('is proposed again when the server had taken it just before the connection broke', async () => {
    const conversation = open()
    await synced(conversation)
    world.server.mute = true
    const id = await conversation.setMeta('title', 'Once')
    await until('the server took it', () => world.server.proposed.length === 1)
    expect(conversation.view().pending).toBe(1)
    world.server.mute = false
    world.server.cut()
    await answered(conversation)
    expect(world.server.proposed).toEqual([id, id])
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
    expect(world.server.messages.map(message => message.id)).toEqual([id])
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
    world.server.judge = () => ({ status: 'accepted' })
    const deaf = world.server
    deaf.deaf = true
    const id = await conversation.send('hello')
    world.server.tell({ kind: 'result', requestId: id, outcome: { status: 'accepted' } })
    await until('it is accepted', () => last(conversation).delivery.state === 'saved')
    expect(conversation.view().pending).toBe(0)
    deaf.deaf = false
    world.server.cut()
    await until('it is sealed', () => world.server.messages.length === 1)
    await until('it is shown once', () => texts(conversation).join() === 'hello')
  })

  it('does not disturb the results of other devices', async () => {
    const conversation = open()
    await online(conversation)
    world.server.tell({ kind: 'result', requestId: '01890000-0000-7000-8000-000000000009' as RequestId, outcome: { status: 'accepted' } })
    await conversation.send('hello')
    await answered(conversation)
    expect(texts(conversation)).toEqual(['hello'])
  })
})
