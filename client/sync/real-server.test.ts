/** The SDK against the server as it is: what no stand-in for it can prove. */
import 'fake-indexeddb/auto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { openConversation } from './conversation.ts'
import type { Conversation, ConversationOptions } from './conversation.ts'
import { openDeviceStore } from './store/indexeddb.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { openDocument } from './synced-document.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { conversationName, parseDocumentName } from '../../shared/ids.ts'
import type { AgentId, MessageId, RunId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { newConversationId } from '../../test/rig/conversation.ts'
import { startInProcess } from '../../test/rig/in-process.ts'
import type { InProcessServer } from '../../test/rig/in-process.ts'
import { until } from '../../test/rig/until.ts'

let server: InProcessServer
let opened: Conversation[] = []
let devices: DeviceStore[] = []

beforeAll(async () => {
  server = await startInProcess()
})

afterEach(async () => {
  await Promise.all(opened.map(conversation => conversation.close()))
  await Promise.all(devices.map(device => device.close()))
  opened = []
  devices = []
})

afterAll(() => server.close())

/** A device with its own storage; the same name is the same device. */
const device = (name: string): DeviceStore => {
  const store = openDeviceStore({ userId: name })
  devices.push(store)
  return store
}

const open = (id: string, on: DeviceStore, options: Partial<ConversationOptions> = {}): Conversation => {
  const name = conversationName(id)!
  const store = on.document(name)
  const conversation = openConversation({ name, url: server.syncUrl, store, userId: 'local', userName: 'Local', ...options })
  opened.push(conversation)
  return conversation
}

const texts = (conversation: Conversation): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
const deliveries = (conversation: Conversation): string[] =>
  [...new Set(conversation.view().messages.map(({ delivery }) => delivery.state))]
const answered = (conversation: Conversation) => until('all is answered', () => conversation.view().synced && conversation.view().pending === 0)
const nobody = { to: [] as AgentId[] }

describe('a conversation with the real server', () => {
  it('reaches another device, and the reply streams into both', async () => {
    const id = newConversationId()
    const ada = open(id, device('a1'))
    const bob = open(id, device('b1'))
    await ada.send('hello there')
    for (const conversation of [ada, bob]) {
      await until('the reply is sealed', () => conversation.view().messages.some(({ message }) => message.role === 'assistant'))
      expect(texts(conversation)[0]).toBe('hello there')
      expect(deliveries(conversation)).toEqual(['saved'])
      expect(conversation.view()).toMatchObject({ drafts: [], connection: 'online', role: 'owner' })
    }
    expect(ada.view().title).toBe('hello there')
    await until('both see both', () => ada.view().people.length === 2 && bob.view().people.length === 2)
    expect(ada.view().people.filter(({ self }) => self)).toHaveLength(1)
  })

  it('carries what was written offline by two devices, in one order, once, and through a reload', async () => {
    const id = newConversationId()
    const shared = open(id, device('a2'))
    await shared.send('first', nobody)
    await answered(shared)
    const bob = open(id, device('b2'))
    await until('Bob has it', () => texts(bob).length === 1)
    shared.disconnect()
    bob.disconnect()
    for (const text of ['a1', 'a2', 'a3']) await shared.send(text, nobody)
    for (const text of ['b1', 'b2']) await bob.send(text, nobody)
    expect(deliveries(shared)).toEqual(['saved', 'on-device'])
    await shared.close()
    const ada = open(id, device('a2'), { connect: false })
    await ada.ready
    expect(texts(ada)).toEqual(['first', 'a1', 'a2', 'a3'])
    bob.connect()
    await answered(bob)
    ada.connect()
    await answered(ada)
    await until('Bob has all', () => texts(bob).length === 6)
    expect(texts(ada)).toEqual(['first', 'b1', 'b2', 'a1', 'a2', 'a3'])
    expect(texts(bob)).toEqual(texts(ada))
    expect(deliveries(ada)).toEqual(['saved'])
  })

  it('is sent once by two tabs that both hold it', async () => {
    const id = newConversationId()
    const offline = open(id, device('a3'), { connect: false })
    const sent = [await offline.send('one', nobody), await offline.send('two', nobody)]
    await offline.close()
    const tabs = [open(id, device('a3')), open(id, device('a3'))]
    for (const tab of tabs) await answered(tab)
    for (const tab of tabs) {
      await until('both are there', () => texts(tab).length === 2)
      expect(tab.view().messages.map(({ message }) => message.id)).toEqual(sent)
    }
  })

  it('tells why a message was refused and keeps its text until it is sent again', async () => {
    const id = newConversationId()
    const ada = open(id, device('a4'))
    const unknown = '01890000-0000-7000-8000-000000000001' as MessageId
    const refused = await ada.send('lost thread', { ...nobody, parentId: unknown })
    await until('it is refused', () => ada.view().messages[0]?.delivery.state === 'refused')
    expect(ada.view().messages[0]!.delivery).toMatchObject({ code: 'parent-unknown' })
    await ada.close()
    const again = open(id, device('a4'))
    await answered(again)
    expect(texts(again)).toEqual(['lost thread'])
    await again.resend(refused)
    await until('it is saved', () => deliveries(again).join() === 'saved')
    expect(texts(again)).toEqual(['lost thread'])
  })

  it('keeps a text that is too long for the server', async () => {
    const ada = open(newConversationId(), device('a5'))
    await ada.send('x'.repeat(limits.messageBytes + 1), nobody)
    expect(ada.view().messages[0]).toMatchObject({ delivery: { state: 'refused', code: 'message-too-long' } })
    await ada.send('short', nobody)
    await answered(ada)
    expect(ada.view().messages.map(({ delivery }) => delivery.state)).toEqual(['saved', 'refused'])
  })

  it('does everything else that a person can ask for', async () => {
    const ada = open(newConversationId(), device('a6'))
    const id = await ada.send('hello', nobody) as string as MessageId
    await answered(ada)
    await ada.setMeta('title', 'A talk')
    await ada.react(id, '👍', true)
    await answered(ada)
    expect(ada.view()).toMatchObject({ title: 'A talk', reactions: [{ messageId: id, userId: 'local', kind: '👍' }] })
    const edit = await ada.send('hello!', { ...nobody, replaces: id })
    await answered(ada)
    expect(texts(ada)).toEqual(['hello!'])
    await ada.regenerate(edit as string as MessageId)
    await until('there is a reply', () => ada.view().messages.some(({ message }) => message.role === 'assistant'))
    await ada.stop('01890000-0000-8000-8000-000000000002' as RunId)
    await until('there is nothing to stop', () => ada.view().refused[0]?.refusal?.code === 'target-unknown')
    await ada.redact(edit as string as MessageId)
    await answered(ada)
    expect(texts(ada)).not.toContain('hello!')
    expect(ada.view().refused).toHaveLength(1)
  })

  it('keeps what is written while another version of the reply is made', async () => {
    const ada = open(newConversationId(), device('a9'))
    const question = await ada.send('hello')
    const replies = () => ada.view().messages.filter(({ message }) => message.role === 'assistant')
    await until('there is a reply', () => replies().length === 1)
    const another = ada.regenerate(replies()[0]!.message.id)
    const meanwhile = await ada.send('meanwhile', nobody)
    expect(ada.view().messages.at(-1)!.message.metadata.parentId).toBe(question)
    await another
    await until('there is the other version', () => replies()[0]?.alternatives.length === 2)
    expect(ada.view().messages.map(({ message }) => message.id)).toContain(meanwhile)
  })

  it('comes back when the server threw the room away over a failed write, and says saved only then', async () => {
    const ada = open(newConversationId(), device('a7'))
    await ada.send('one', nobody)
    await answered(ada)
    server.failNextWrite('before')
    await ada.send('two', nobody)
    await answered(ada)
    expect(texts(ada)).toEqual(['one', 'two'])
    expect(deliveries(ada)).toEqual(['saved'])
  })
})

it('syncs a free document between two devices', async () => {
  const name = parseDocumentName(`artifact/${newConversationId()}`)!
  const [a, b] = ['a8', 'b8'].map(user => openDocument({ name, url: server.syncUrl, store: device(user).document(name) }))
  try {
    a!.doc.getText('body').insert(0, 'written early')
    await until('it arrived', () => b!.doc.getText('body').toString() === 'written early')
    await until('it is saved', () => !a!.hasUnsaved)
  } finally {
    await a!.close()
    await b!.close()
  }
})
