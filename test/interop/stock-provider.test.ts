/** Stock y-websocket against a real server. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { readMessages } from '../../shared/conversation/read.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const providers: WebsocketProvider[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path)
})

afterEach(async () => {
  for (const provider of providers.splice(0)) provider.destroy()
  await server.stop()
  await folder.remove()
})

/** npm's provider as anybody would use it: no subprotocol, nothing of ours. */
const stock = (name: string, doc = new Y.Doc(), options = {}): WebsocketProvider => {
  const provider = new WebsocketProvider(server.syncUrl, name, doc, { WebSocketPolyfill: WebSocket as never, disableBc: true, ...options })
  providers.push(provider)
  return provider
}

const synced = (provider: WebsocketProvider): Promise<unknown> => until('the provider is synced', () => provider.synced)

describe('stock y-websocket providers', () => {
  it('converge on an artifact', async () => {
    const [a, b] = [stock('artifact/notes'), stock('artifact/notes')]
    await Promise.all([synced(a), synced(b)])
    a.doc.getText('body').insert(0, 'Hello from a. ')
    b.doc.getText('body').insert(0, 'Hello from b. ')
    a.doc.getMap('meta').set('by', 'a')
    await until('both hold both texts', () => {
      const [left, right] = [a.doc.getText('body').toString(), b.doc.getText('body').toString()]
      return left === right && left.includes('from a') && left.includes('from b') && b.doc.getMap('meta').get('by') === 'a'
    })
    const late = stock('artifact/notes')
    await synced(late)
    expect(late.doc.getText('body').toString()).toBe(a.doc.getText('body').toString())
  })

  it('read a conversation and send a message by putting a request', async () => {
    const name = `conversation/${newConversationId()}`
    const [a, b] = [stock(name), stock(name)]
    await Promise.all([synced(a), synced(b)])
    const id = say(a.doc, 'Sent by a stock client', { to: [] })
    await until('both read the sealed message', () => [a, b].every(({ doc }) => messageTexts(doc).includes('Sent by a stock client')))
    expect(readMessages(b.doc)[0]).toMatchObject({ id, role: 'user', metadata: { authorId: 'local' } })
    expect(a.doc.getMap('requests').size).toBe(0)
    expect(a.wsconnected && b.wsconnected).toBe(true)
  })

  it('may type before the server\'s step 1 arrives: what misses something is kept, asked for and merged', async () => {
    const doc = new Y.Doc()
    const body = doc.getText('body')
    body.insert(0, 'Written offline. ')
    const provider = stock('artifact/early', doc, { connect: false })
    let closes = 0
    provider.on('connection-close', () => { closes++ })
    let typed = 0
    // As soon as the socket is open, long before anything came back: each of these updates builds on text that the server lacks.
    provider.on('status', ({ status }: { status: string }) => {
      if (status === 'connected' && typed === 0) for (; typed < 5; typed++) body.insert(body.length, `early ${typed}. `)
    })
    provider.connect()
    const reader = stock('artifact/early')
    await until('the reader has it all', () => reader.doc.getText('body').toString() === body.toString() && typed === 5)
    expect(closes).toBe(0)
  })

  it('see each other\'s presence under the name that the server knows', async () => {
    const [a, b] = [stock('artifact/room'), stock('artifact/room')]
    a.awareness.setLocalStateField('user', { name: 'Somebody else', color: '#30bced' })
    const seen = await until('b sees a', () => b.awareness.getStates().get(a.doc.clientID)?.['user'] as { name: string } | undefined)
    expect(seen).toMatchObject({ name: 'Local', color: '#30bced' })
    a.destroy()
    await until('b sees a leave', () => !b.awareness.getStates().has(a.doc.clientID))
  })

  it('read a document that no server has in memory, say that they are synced when all of it is there, and write on', async () => {
    const name = `conversation/${newConversationId()}`
    const writer = stock(name)
    await synced(writer)
    const texts = Array.from({ length: 40 }, (_, n) => `message ${n}`)
    for (const text of texts) say(writer.doc, text, { to: [] })
    await until('all are sealed', () => messageTexts(writer.doc).length === texts.length)
    await server.stop()
    server = await startServer(folder.path)
    // One comes back, two have nothing.
    const before = new Y.Doc()
    Y.applyUpdate(before, Y.encodeStateAsUpdate(writer.doc))
    const readers = [stock(name), stock(name, before), stock(name)]
    const whenSynced = readers.map(reader => new Promise<string[]>(resolve => reader.on('sync', () => resolve(messageTexts(reader.doc)))))
    for (const seen of await Promise.all(whenSynced)) expect(seen.toSorted()).toEqual(texts.toSorted())
    say(readers[0]!.doc, 'written on', { to: [] })
    await until('all read it', () => readers.every(({ doc }) => messageTexts(doc).includes('written on')))
    for (const { doc } of readers) expect(Y.encodeStateVector(doc)).toEqual(Y.encodeStateVector(readers[0]!.doc))
  })
})
