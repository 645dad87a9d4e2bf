/** Limits of a server, from both sides; what an operator may set is set low here. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { deflateRawSync } from 'node:zlib'
import * as Y from 'yjs'
import { readMessages, readRuns } from '../../shared/conversation/read.ts'
import { proposeRedact, proposeStop, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import type { MessageId, RequestId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { guestCookie, startForTest, upgradeStatus } from '../rig/for-one-test.ts'
import { startModelServer } from '../rig/model-server.ts'
import { Peer } from '../rig/peer.ts'
import type { PeerOptions } from '../rig/peer.ts'
import { clientFrame, openRaw, openRawWebSocket, upgradeHead } from '../rig/raw-socket.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const NAME = 'artifact/limited'

const join = async (server: ServerProcess, options?: PeerOptions): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, NAME, options)
  onTestFinished(() => peer.close())
  return peer
}

describe('connections', () => {
  it('of one address are opened so fast and no faster; pages are served all the same', async () => {
    const server = await startForTest({ SKEIN_MAX_CONNECTS_PER_SECOND_PER_ADDRESS: '1' })
    const statuses: number[] = []
    for (let i = 0; i < 10; i++) statuses.push(await upgradeStatus(server))
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 101))
    const more = await Promise.all(Array.from({ length: 10 }, () => upgradeStatus(server)))
    expect(more).toContain(429)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it('of one person are so many and no more, until one of them ends; others are not concerned', async () => {
    const server = await startForTest({ SKEIN_AUTH: 'accounts', SKEIN_MAX_CONNECTIONS_PER_PERSON: '2' })
    const [ada, bob] = [await guestCookie(server), await guestCookie(server)]
    const [hers, his] = [`conversation/${newConversationId()}`, `conversation/${newConversationId()}`]
    const first = await Peer.join(server.syncUrl, hers, { cookie: ada })
    const second = await Peer.join(server.syncUrl, hers, { cookie: ada })
    const third = await Peer.open(server.syncUrl, hers, { cookie: ada })
    const other = await Peer.join(server.syncUrl, his, { cookie: bob })
    onTestFinished(() => [first, second, third, other].forEach(peer => peer.close()))
    expect(await third.closed()).toMatchObject({ code: 1013, reason: expect.stringMatching(/^too-many-connections: /) })
    first.close()
    const again = await until('there is room again', async () => Peer.join(server.syncUrl, hers, { cookie: ada }).catch(() => null))
    again.close()
    expect(second.closedBy ?? other.closedBy).toBeNull()
  })

  it('of everybody are so many and no more', async () => {
    const server = await startForTest({ SKEIN_MAX_CONNECTIONS: '2' })
    const [first, second] = [await join(server), await join(server)]
    const third = await openRaw(server.port)
    await until('it is turned away', () => third.isClosed())
    first.doc.getText('body').insert(0, 'still here')
    await until('the others go on', () => String(second.doc.getText('body')) === 'still here')
  })

  it('that say too slowly what they want are ended, and those that say nothing', async () => {
    const server = await startForTest({ SKEIN_HEAD_SECONDS: '1' })
    const silent = await openRaw(server.port)
    const slow = await openRaw(server.port)
    const head = upgradeHead(server.port, NAME)
    let at = 0
    let turns = 0
    await until('both are ended', () => {
      if (turns++ % 20 === 0 && !slow.isClosed()) slow.socket.write(head[at++]!)
      return silent.isClosed() && slow.isClosed()
    })
    expect(at).toBeLessThan(head.length - 4)
    await join(server)
  })

  it('that answer no ping are ended, those that do are not', async () => {
    const server = await startForTest({ SKEIN_PING_SECONDS: '1' })
    const alive = await join(server)
    const dead = await openRawWebSocket(server.port, NAME)
    await until('the dead one is ended', () => dead.isClosed())
    expect(alive.closedBy).toBeNull()
  })
})

describe('replies', () => {
  it('go on so many at once for one person; another message is kept, its reply says why, and the next begins when one has ended', async () => {
    const model = await startModelServer()
    onTestFinished(() => model.close())
    const server = await startForTest({
      SKEIN_AUTH: 'accounts', SKEIN_MAX_REPLIES_AT_ONCE_PER_PERSON: '1',
      OPENAI_BASE_URL: model.baseURL, OPENAI_API_KEY: 'sk', SKEIN_MODEL: 'tiny',
    })
    const peer = await Peer.join(server.syncUrl, `conversation/${newConversationId()}`, { cookie: await guestCookie(server) })
    onTestFinished(() => peer.close())
    const ask = (text: string) => messageIdOf(say(peer.doc, text))
    const answerTo = (id: MessageId) =>
      readMessages(peer.doc).find(({ metadata }) => metadata.parentId === id && metadata.agentId)?.metadata
    const finish = async (id: MessageId): Promise<unknown> => {
      const exchange = await model.next()
      await exchange.token('Well')
      await exchange.finish()
      return (await until('it is answered', () => answerTo(id))).status
    }
    const first = ask('first')
    await until('it is being given', () => model.exchanges.length === 1)
    const second = ask('one too many')
    expect((await until('that is said', () => answerTo(second))).error?.code).toBe('too-many-replies')
    expect(messageTexts(peer.doc)).toContain('one too many')
    expect([await finish(first), await finish(ask('now'))]).toEqual(['complete', 'complete'])
  })
})

describe('frames', () => {
  it('may be as large as the limit, and one byte more closes with 1009', async () => {
    const server = await startForTest()
    const [fits, over, honest] = [await join(server), await join(server), await join(server)]
    fits.socket.send(new Uint8Array(limits.frameBytes))
    over.socket.send(new Uint8Array(limits.frameBytes + 1))
    expect((await fits.closed()).code).toBe(4400)
    expect((await over.closed()).code).toBe(1009)
    expect(honest.closedBy).toBeNull()
  })

  it('may come in single bytes', async () => {
    const server = await startForTest()
    const raw = await openRawWebSocket(server.port, NAME)
    onTestFinished(() => void raw.socket.destroy())
    const reader = await join(server)
    const doc = new Y.Doc()
    doc.getText('body').insert(0, 'byte by byte')
    const bytes = clientFrame(encodeFrame({ type: 'update', update: Y.encodeStateAsUpdate(doc) }))
    raw.socket.setNoDelay(true)
    for (const byte of bytes) await new Promise(resolve => raw.socket.write(Buffer.of(byte), resolve))
    await until('it has arrived', () => String(reader.doc.getText('body')) === 'byte by byte')
  })

  it('are not compressed: a bomb is refused unread, however small it is', async () => {
    const server = await startForTest()
    const raw = await openRawWebSocket(server.port, NAME, ['Sec-WebSocket-Extensions: permessage-deflate'])
    expect(raw.received().toString('latin1')).not.toMatch(/sec-websocket-extensions/i)
    const bomb = deflateRawSync(Buffer.alloc(100 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(limits.frameBytes)
    raw.socket.write(clientFrame(bomb, 0xc2))
    await until('it is closed', () => raw.isClosed())
    // A close frame with 1002, protocol error.
    expect(raw.received().includes(Buffer.of(0x03, 0xea))).toBe(true)
    await join(server)
  })
})

describe('a document', () => {
  it('that is as large as it may be takes no more, says so, and takes deletions; what was replaced does not count', async () => {
    const server = await startForTest({ SKEIN_MAX_DOCUMENT_BYTES: '100000' })
    const writer = await join(server)
    const state = writer.doc.getMap('state')
    // Far more than the limit in all, never more than half of it at a time.
    for (let n = 0; n < 50; n++) {
      state.set('value', `${n}${'x'.repeat(50_000)}`)
      await writer.allSaved()
    }
    state.set('more', 'y'.repeat(60_000))
    await writer.allSaved()
    const full = await until('it is refused', async () => {
      const peer = await join(server)
      peer.doc.getMap('state').set(`another ${Math.random()}`, 'z'.repeat(20_000))
      await until('it is answered', () => peer.closedBy ?? peer.saved === peer.sent)
      return peer.closedBy
    })
    expect(full).toMatchObject({ code: 4413, reason: expect.stringMatching(/^document-full: This document has reached/) })
    const keeper = await join(server)
    for (const key of [...keeper.doc.getMap('state').keys()]) keeper.doc.getMap('state').delete(key)
    await keeper.allSaved()
    expect(keeper.closedBy).toBeNull()
    // As soon as that is folded there is room again.
    await until('it takes something again', async () => {
      const peer = await join(server)
      peer.doc.getMap('state').set('fresh', 'start')
      await until('it is answered', () => peer.closedBy ?? peer.saved === peer.sent)
      return peer.closedBy === null
    })
  })
})

describe('a conversation', () => {
  it('that is as large as it may be takes no message, but lets replies be stopped and messages be taken out, and then has room again', async () => {
    const server = await startForTest({ SKEIN_MAX_DOCUMENT_BYTES: '100000', SKEIN_OFFLINE_PACE: '60000' })
    const name = `conversation/${newConversationId()}`
    const ids: RequestId[] = []
    const enter = async (): Promise<Peer> => {
      const peer = await Peer.join(server.syncUrl, name)
      onTestFinished(() => peer.close())
      return peer
    }
    const sends = async (length: number): Promise<{ code: number, reason: string } | null> => {
      const peer = await enter()
      ids.push(say(peer.doc, 'x'.repeat(length), { to: [], parentId: null }))
      await until('it is answered', () => peer.closedBy ?? peer.saved === peer.sent)
      return peer.closedBy
    }
    const asking = await enter()
    say(asking.doc, 'Take your time', { parentId: null })
    await until('a reply begins', () => readRuns(asking.doc)[0]?.state === 'processing')
    const full = await until('it is full', () => sends(40_000))
    expect(full).toMatchObject({ code: 4413, reason: expect.stringMatching(/^document-full/) })
    expect(ids.length).toBeGreaterThan(2)

    // What makes it larger goes with nothing that makes it smaller.
    const both = await enter()
    both.doc.transact(() => {
      putRequest(both.doc, newRequestId(), proposeRedact(messageIdOf(ids[0]!), Date.now()))
      say(both.doc, 'x'.repeat(100), { to: [], parentId: null })
    })
    expect(await both.closed()).toMatchObject({ code: 4413 })

    putRequest(asking.doc, newRequestId(), proposeStop(readRuns(asking.doc)[0]!.id, Date.now()))
    await until('it is stopped', () => readRuns(asking.doc)[0]?.state === 'cancelled')

    const person = await enter()
    const asked = ids.slice(0, 2).map(id => [newRequestId(), id] as const)
    for (const [redact, id] of asked) putRequest(person.doc, redact, proposeRedact(messageIdOf(id), Date.now()))
    await person.allSaved()
    for (const [requestId] of asked) expect(person.controls).toContainEqual({ kind: 'result', requestId, outcome: { status: 'accepted' } })
    expect(readMessages(person.doc).filter(({ role }) => role === 'user')).toHaveLength(ids.length - 2)
    await until('it takes a message again', async () => await sends(100) === null)
  })
})

describe('updates and presence', () => {
  /** Milliseconds until everything that was sent is worked off. */
  const timeOf = async (work: () => Promise<void>): Promise<number> => {
    const from = performance.now()
    await work()
    return performance.now() - from
  }

  it('that come too fast are read more slowly: all of them arrive, and nobody is ended', async () => {
    const server = await startForTest({ SKEIN_MAX_UPDATES_PER_SECOND: '40' })
    const [writer, reader] = [await join(server), await join(server)]
    // At first as many as in two seconds are let through.
    const took = await timeOf(async () => {
      for (let n = 0; n < 140; n++) writer.doc.getText('body').insert(n, 'x')
      await writer.allSaved()
      // What was read in one piece is worked off; whatever comes after it waits.
      writer.doc.getText('body').insert(0, 'y')
      await writer.allSaved()
    })
    expect(took).toBeGreaterThan(1000)
    await until('the reader has them', () => reader.doc.getText('body').length === 141)
    expect(writer.closedBy ?? reader.closedBy).toBeNull()
  })

  it('leave whoever keeps within the limit alone', async () => {
    const server = await startForTest({ SKEIN_MAX_UPDATES_PER_SECOND: '1000' })
    const writer = await join(server)
    for (let n = 0; n < 140; n++) writer.doc.getText('body').insert(n, 'x')
    await writer.allSaved()
    expect(writer.closedBy).toBeNull()
  })

  it('of presence hold up nobody but who floods', async () => {
    const server = await startForTest({ SKEIN_MAX_PRESENCE_PER_SECOND: '5' })
    const [flood, writer, reader] = [await join(server), await join(server), await join(server)]
    const took = await timeOf(async () => {
      for (let n = 0; n < 20; n++) flood.send({ type: 'query-awareness' })
      writer.doc.getMap('state').set('honest', true)
      await until('honest people see each other', () => reader.doc.getMap('state').get('honest') === true)
      flood.doc.getText('body').insert(0, 'after the flood')
      await flood.allSaved()
    })
    expect(took).toBeGreaterThan(1000)
  })
})
