/** npm's provider, on a device that was offline for so long that what it sends at once is more than one update may be. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import type { MessageId, RequestId } from '../../shared/ids.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { seededRandom } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>
const ended: (() => void)[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path)
})

afterEach(async () => {
  for (const end of ended.splice(0)) end()
  await server.stop()
  await folder.remove()
})

const artifact = (): string => `artifact/${newConversationId()}`

/** A stock client that comes online with all that stands in its document. */
const online = (name: string, doc: Y.Doc): { provider: WebsocketProvider, closes: (string | undefined)[] } => {
  const provider = new WebsocketProvider(server.syncUrl, name, doc, { WebSocketPolyfill: WebSocket as never, disableBc: true })
  const closes: (string | undefined)[] = []
  provider.on('connection-close', event => closes.push(event?.reason))
  ended.push(() => provider.destroy())
  return { provider, closes }
}

/** What the server has of a document: whoever is new gets all of it, and nothing before it is on the disk. */
const readDocument = async (name: string): Promise<Y.Doc> => {
  const peer = await Peer.join(server.syncUrl, name)
  peer.close()
  return peer.doc
}

const arrives = (name: string, doc: Y.Doc): Promise<Y.Doc> => until('the server has all of it', async () => {
  const there = await readDocument(name)
  return Y.equalSnapshots(Y.snapshot(there), Y.snapshot(doc)) ? there : null
}, 60_000)

/**
 * Somebody in another room, who writes and waits for the acknowledgement, over and over.
 * @returns how often that came while a part of the document was there for its readers, and not all of it
 */
const neighbourOf = async (name: string): Promise<() => number> => {
  const [reader, peer] = [await Peer.join(server.syncUrl, name), await Peer.join(server.syncUrl, artifact())]
  const seen: number[] = []
  const updates = (): number => reader.frames.filter(({ type }) => type === 'update').length
  let isOver = false
  void (async () => {
    for (; !isOver; seen.push(updates())) {
      peer.doc.getText('body').insert(0, 'x')
      await peer.allSaved()
    }
  })().catch(() => {}) // closed meanwhile
  ended.push(() => { isOver = true }, () => peer.close(), () => reader.close())
  return () => seen.filter(count => count > 0 && count < updates()).length
}

/** Nobody can take it as one. */
const isMuch = (doc: Y.Doc): void => expect(Y.decodeUpdate(Y.encodeStateAsUpdate(doc)).structs.length).toBeGreaterThan(10_000)

describe('a stock client that was offline for long', () => {
  it('and inserted 20,000 times here and there is merged, while others are answered', { timeout: 90_000 }, async () => {
    const name = artifact()
    const doc = new Y.Doc()
    const body = doc.getText('body')
    const random = seededRandom(1)
    for (let n = 0; n < 20_000; n++) body.insert(Math.floor(random() * body.length), String.fromCharCode(97 + n % 26))
    isMuch(doc)
    const answered = await neighbourOf(name)
    const { provider, closes } = online(name, doc)
    const there = await arrives(name, doc)
    expect(answered()).toBeGreaterThan(0)
    expect(there.getText('body').toString()).toBe(body.toString())
    expect([provider.wsconnected, closes]).toEqual([true, []])
    body.insert(0, 'and goes on')
    await until('it goes on', async () => (await readDocument(name)).getText('body').toString() === body.toString())
  })

  it('and wrote 5 MB of text is merged', { timeout: 90_000 }, async () => {
    const name = artifact()
    const doc = new Y.Doc()
    const text = 'ä🙂 and so on, '.repeat(280_000)
    doc.getText('body').insert(0, text)
    expect(Y.encodeStateAsUpdate(doc).length).toBeGreaterThan(5_000_000)
    const { closes } = online(name, doc)
    const there = await arrives(name, doc)
    expect(there.getText('body').toString() === text).toBe(true)
    expect(closes).toEqual([])
  })

  it('and deleted here and there in a long list that was written as one is merged', { timeout: 90_000 }, async () => {
    const name = artifact()
    const doc = new Y.Doc()
    const list = doc.getArray('list')
    list.push(Array.from({ length: 6000 }, (_, n) => n))
    const first = online(name, doc)
    await arrives(name, doc)
    first.provider.disconnect()
    for (let n = list.length - 2; n > 0; n -= 3) list.delete(n)
    const { closes } = online(name, doc)
    expect((await arrives(name, doc)).getArray('list').toJSON()).toEqual(list.toJSON())
    expect(closes).toEqual([])
  })

  it('and sent 1,000 messages on two pages, one after the other, has them sealed once in order, but for those that it cancelled', { timeout: 90_000 }, async () => {
    const name = `conversation/${newConversationId()}`
    // The higher client id is written first: the second page's here, whose messages follow on from the first one's.
    // What they cancel they keep, and send.
    const [first, second] = [new Y.Doc({ gc: false }), new Y.Doc({ gc: false })]
    first.clientID = 1000
    second.clientID = 2000
    let last: RequestId | null = null
    const cancelled: RequestId[] = []
    const send = (doc: Y.Doc, n: number): void => {
      last = say(doc, `message ${n}`, { to: [], parentId: last as MessageId | null })
      if (n % 10 === 0) cancelled.push(say(doc, 'never mind', { to: [], parentId: null }))
    }
    for (let n = 0; n < 500; n++) send(first, n)
    Y.applyUpdate(second, Y.encodeStateAsUpdate(first))
    for (let n = 500; n < 1000; n++) send(second, n)
    for (const id of cancelled) second.getMap('requests').delete(id)
    expect(second.getMap('requests').size).toBeGreaterThan(3 * limits.requestsPerUpdate)
    const { provider, closes } = online(name, second)
    await until('nothing is left to send', () => provider.synced && second.getMap('requests').size === 0, 60_000)
    expect(closes).toEqual([])
    const texts = messageTexts(await readDocument(name))
    expect(texts).toEqual(Array.from({ length: 1000 }, (_, n) => `message ${n}`))
    expect(messageTexts(second)).toEqual(texts)
  })
})
