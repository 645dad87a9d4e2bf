/** The last messages of a conversation as they are painted before the document is read. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openConversation } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import { latestOf, parseLatest, showGlance } from './latest.ts'
import type { Glance } from './latest.ts'
import { openDeviceStore } from './store/indexeddb.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import type { OutboxEntry, ViewMessage } from './view.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { textOf } from '../../shared/conversation/read.ts'
import type { Message, Request } from '../../shared/conversation/schema.ts'
import { proposeReact, proposeRedact, proposeSend, proposeSetMeta } from '../../shared/conversation/write.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { MessageId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { until } from '../../test/rig/until.ts'
import { TinyServer } from '../../test/sync/tiny-server.ts'

const NAME = conversationName('c1')!
const idOf = (number: number) => `01890000-0000-7000-8000-${String(number).padStart(12, '0')}` as MessageId & RequestId

const sealed = (number: number, text = `message ${number}`): Message => ({
  id: messageIdOf(idOf(number)), role: 'user', parts: [{ type: 'text', text }],
  metadata: { parentId: number > 0 ? idOf(number - 1) : null, authorId: 'ada', createdAt: number, acceptedAt: number, status: 'complete' }
})
const shown = (number: number, text?: string): ViewMessage =>
  ({ message: sealed(number, text), alternatives: [idOf(number)], delivery: { state: 'saved' } })
const asked = (number: number, request: Request): OutboxEntry => ({ id: idOf(number), request, stored: true, refusal: null })
const texts = (messages: readonly { message: Message }[]): string[] => messages.map(({ message }) => textOf(message.parts))
const meta = { title: 'Plans', agent: null }

describe('what is kept of the end of a conversation', () => {
  it('is the last messages that the server has, how many stand before them, and the reactions to them', () => {
    const many = Array.from({ length: 120 }, (_, i) => shown(i))
    const own: ViewMessage = { ...shown(120, 'unsent'), delivery: { state: 'on-device' } }
    const reactions = [3, 100].map(number => ({ messageId: idOf(number) as string, userId: 'bob', kind: '👍', at: 1 }))
    const latest = latestOf([...many, own], meta, reactions)
    expect(texts(latest.messages)).toEqual(texts(many.slice(-limits.latestMessages)))
    expect(latest).toMatchObject({ title: 'Plans', earlier: 120 - limits.latestMessages, reactions: [{ messageId: idOf(100) }] })
    expect(parseLatest(structuredClone(latest))).toEqual(latest)
  })

  it('is bounded, and holds one message however long that is', () => {
    const long = 'x'.repeat(limits.latestLength / 2)
    expect(texts(latestOf([shown(0, long), shown(1, long), shown(2, 'short')], meta, []).messages)).toEqual([long, 'short'])
    expect(latestOf([shown(0), shown(1, long + long)], meta, []).messages).toHaveLength(1)
  })

  it('is not shown when another version of the app kept something else', () => {
    expect(parseLatest(undefined)).toBe(null)
    expect(parseLatest({ messages: [{ text: 'hello' }] })).toBe(null)
  })

  it('is shown with own requests on their way, as the document will be', () => {
    const latest = latestOf([shown(0), shown(1), shown(2)], meta, [])
    const glance: Glance = {
      latest, role: 'owner', outbox: [
        asked(10, proposeSend({ parts: [{ type: 'text', text: 'unsent' }], parentId: idOf(2) }, 1)),
        asked(11, proposeRedact(idOf(0), 1)),
        asked(12, proposeSend({ parts: [{ type: 'text', text: 'edited' }], parentId: idOf(1), replaces: idOf(2) }, 1)),
        asked(13, proposeSetMeta('title', 'New plans', 1)),
        asked(14, proposeReact(idOf(1), '👍', true, 1)),
        { ...asked(15, proposeSend({ parts: [{ type: 'text', text: 'refused' }], parentId: null }, 1)), refusal: { code: 'viewer', reason: 'No.' } }
      ]
    }
    const seen = showGlance(glance, [], { id: 'ada', name: 'Ada' })
    expect(seen).toMatchObject({ title: 'New plans', role: 'owner', reactions: [{ messageId: idOf(1) }] })
    expect(texts(seen.messages)).toEqual(['message 1', 'unsent', 'edited', 'refused'])
    expect(seen.messages.map(({ delivery }) => delivery.state)).toEqual(['saved', 'on-device', 'on-device', 'refused'])
  })
})

describe('opening a conversation', () => {
  let user = 0
  let opened: (Conversation | DeviceStore)[] = []
  beforeEach(() => { user++ })
  afterEach(async () => {
    for (const one of opened.reverse()) await one.close()
    opened = []
  })

  /** @param gate reading the document waits for it */
  const open = (userId = `glances${user}`, gate: Promise<void> = Promise.resolve()) => {
    const device = openDeviceStore({ userId })
    const store = device.document(NAME)
    const events: string[] = []
    const load = store.load.bind(store)
    store.load = async () => {
      await gate
      const stored = await load()
      events.push('document read')
      return stored
    }
    const conversation = openConversation({
      name: NAME, url: 'ws://127.0.0.1:1/sync', connect: false, store, userId: 'ada', userName: 'Ada', glance: () => device.glance(NAME)
    })
    opened.push(device, conversation)
    conversation.subscribe(() => {
      const { loaded, messages } = conversation.view()
      const event = `${loaded ? 'loaded' : 'not loaded'}: ${messages.length}`
      if (events.at(-1) !== event) events.push(event)
    })
    return { device, store, conversation, events }
  }

  const fill = async (count: number): Promise<Y.Doc> => {
    const { device, store, conversation } = open()
    await conversation.ready
    const doc = new Y.Doc()
    doc.transact(() => openRoots(doc).messages.push(Array.from({ length: count }, (_, i) => sealed(i))))
    Y.applyUpdate(conversation.doc, Y.encodeStateAsUpdate(doc))
    await store.setEpoch('e1', 'owner')
    await conversation.close()
    await device.close()
    opened = []
    return doc
  }

  it('of 10,000 messages shows the last ones before the document is read, and what is asked for then waits or fits', async () => {
    await fill(10_000)
    const gate = Promise.withResolvers<void>()
    const { store, conversation, events } = open(undefined, gate.promise)
    let kept = 0
    store.keepLatest = async () => void kept++
    await until('something is shown', () => conversation.view().messages.length > 0)
    expect(conversation.doc.store.clients.size).toBe(0)
    expect(conversation.view()).toMatchObject({ loaded: false, earlier: 10_000 - limits.latestMessages, role: 'owner' })
    expect(texts(conversation.view().messages)).toEqual(Array.from({ length: limits.latestMessages }, (_, i) => `message ${9_950 + i}`))
    // A message follows what is shown; what needs the document or the outbox waits for them.
    const sent = conversation.send('at once')
    expect(texts(conversation.view().messages.slice(-1))).toEqual(['at once'])
    expect(conversation.view().messages.at(-1)!.message.metadata.parentId).toBe(idOf(9_999))
    let resent = false
    const resending = conversation.resend(idOf(77)).catch(() => { resent = true })
    await sent
    expect(resent).toBe(false)
    gate.resolve()
    await conversation.ready
    await resending
    expect(conversation.view()).toMatchObject({ loaded: true, earlier: 0 })
    expect(kept).toBe(0)
    expect(conversation.view().messages).toHaveLength(10_001)
    await until('the listeners are told', () => events.some(event => event.startsWith('loaded')))
    expect(events.indexOf('not loaded: 50')).toBeGreaterThanOrEqual(0)
    expect(events.indexOf('not loaded: 50')).toBeLessThan(events.indexOf('document read'))
    expect(events.findLastIndex(event => event.startsWith('not loaded'))).toBeLessThan(events.indexOf('loaded: 10001'))
  })

  it('shows nothing of another person, of another generation, or of a deleted conversation', async () => {
    await fill(3)
    expect(await open(`somebody else ${user}`).device.glance(NAME)).toBe(null)
    const { device, store, conversation } = open()
    await conversation.ready
    expect((await device.glance(NAME))?.latest.messages).toHaveLength(3)
    await store.rebuild('e2', false)
    expect(await device.glance(NAME)).toBe(null)
  })

  it('keeps nothing of a life of the document that it has left with the next one', async () => {
    const server = await TinyServer.start()
    const device = openDeviceStore({ userId: `glances${user}` })
    const store = device.document(NAME)
    const gate = Promise.withResolvers<void>()
    const rebuild = store.rebuild.bind(store)
    let begun = false
    store.rebuild = async (...args) => {
      await rebuild(...args)
      begun = true
      await gate.promise
    }
    server.change(doc => openRoots(doc).messages.push([sealed(0, 'of the first life')]))
    const conversation = openConversation({ name: NAME, url: server.url, store, userId: 'ada', userName: 'Ada' })
    opened.push(device, conversation)
    await until('the end is kept', async () => (await device.glance(NAME))?.latest.messages.length === 1)
    conversation.disconnect()
    server.beginEpoch('epoch-2')
    conversation.connect()
    await until('a new life begins on the device', () => begun)
    openRoots(conversation.doc).messages.push([sealed(1)])
    conversation.choose(idOf(0))
    await Promise.resolve()
    await store.noteWriter!(1)
    expect(await device.glance(NAME)).toBe(null)
    gate.resolve()
    await until('the new one is there', () => conversation.view().synced && conversation.view().messages.length === 0)
    await conversation.close()
    await server.stop()
  })

  it('leaves nothing that was taken out in an earlier life that is kept for its edits', async () => {
    await fill(3)
    const { store, conversation } = open()
    await conversation.ready
    await store.rebuild('e2', true)
    await store.load()
    const saidIn = async () =>
      (await store.kept!.list()).flatMap(({ updates }) => updates).map(update => new TextDecoder().decode(update)).join()
    expect(await saidIn()).toContain('message 1')
    await store.scrub!([idOf(1)])
    expect(await saidIn()).not.toContain('message 1')
    expect(await saidIn()).toContain('message 2')
  })

  it('shows nothing that was taken out: it goes with the update that took it out, in one write, from everything stored', async () => {
    const doc = await fill(3)
    const { device, store, conversation } = open()
    await conversation.ready
    const { transaction } = IDBDatabase.prototype
    let writes = 0
    IDBDatabase.prototype.transaction = function (...args) {
      if (args[1] === 'readwrite') writes++
      return transaction.apply(this, args)
    }
    doc.transact(() => {
      openRoots(doc).messages.delete(1)
      openRoots(doc).redactions.set(idOf(1), { parentId: idOf(0), by: 'ada', at: 5 })
    })
    Y.applyUpdate(conversation.doc, Y.encodeStateAsUpdate(doc))
    await store.append(new Uint8Array([0, 0]))
    IDBDatabase.prototype.transaction = transaction
    expect(writes).toBe(1)
    expect(texts((await device.glance(NAME))!.latest.messages)).toEqual(['message 0', 'message 2'])
    const { updates } = await store.load()
    expect(updates.map(update => new TextDecoder().decode(update)).join()).not.toContain('message 1')
    expect(updates.map(update => new TextDecoder().decode(update)).join()).toContain('message 2')
  })
})
