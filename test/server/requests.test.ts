/** One request, however often and wherever it arrives, has one effect, over real sockets and restarts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readMessages, readRuns } from '../../shared/conversation/read.ts'
import { limits } from '../../shared/limits.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import type { PeerOptions } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let id: string
const peers: Peer[] = []

const join = async (options?: PeerOptions): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, `conversation/${id}`, options)
  peers.push(peer)
  return peer
}

const outcomeOf = (peer: Peer, requestId: string) => until(`the outcome of ${requestId}`, () =>
  peer.controls.flatMap(control => control.kind === 'result' && control.requestId === requestId ? [control.outcome] : [])[0])

beforeEach(async () => {
  folder = await temporaryFolder()
  id = newConversationId()
})

afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.stop()
  await folder.remove()
})

describe('the same request', () => {
  it('by two connections has one effect and the same outcome for both', async () => {
    server = await startServer(folder.path)
    const [a, b] = [await join(), await join()]
    const requestId = newRequestId()
    say(a.doc, 'once', { id: requestId, parentId: null })
    say(b.doc, 'once', { id: requestId, parentId: null })
    expect(await outcomeOf(a, requestId)).toEqual({ status: 'accepted' })
    expect(await outcomeOf(b, requestId)).toEqual({ status: 'accepted' })
    await Promise.all([a.allSaved(), b.allSaved()])
    await until('the one reply is sealed', () => readMessages(a.doc).some(({ role }) => role === 'assistant'))
    expect(messageTexts(a.doc).filter(text => text === 'once')).toHaveLength(1)
    expect(readMessages(a.doc).filter(({ role }) => role === 'assistant')).toHaveLength(1)
    expect(readRuns(a.doc)).toHaveLength(1)
  })

  it('in a frame that brings something new too is answered, although it was taken on an earlier connection', async () => {
    server = await startServer(folder.path)
    const device = new Y.Doc()
    const before = say(device, 'before', { parentId: null, to: [] })
    const first = await join()
    first.sendUpdate(Y.encodeStateAsUpdate(device))
    await first.allSaved()
    // The device heard nothing of that, and has gone on.
    const after = say(device, 'after', { parentId: null, to: [] })
    const second = await join()
    second.sendUpdate(Y.encodeStateAsUpdate(device))
    expect(await outcomeOf(second, after)).toEqual({ status: 'accepted' })
    expect(await outcomeOf(second, before)).toEqual({ status: 'accepted' })
    expect(messageTexts(second.doc)).toEqual(['before', 'after'])
  })

  it('after a restart of the server has one effect and the outcome of the first time', async () => {
    server = await startServer(folder.path)
    const before = await join()
    const requestId = say(before.doc, 'before the restart', { to: [] })
    await before.allSaved()
    await server.stop('SIGKILL')
    server = await startServer(folder.path)
    // A device that never heard the answer: an empty document that puts the same request again.
    const again = await join({ doc: new Y.Doc() })
    say(again.doc, 'before the restart', { id: requestId, parentId: null, to: [] })
    expect(await outcomeOf(again, requestId)).toEqual({ status: 'accepted' })
    expect(messageTexts(again.doc)).toEqual(['before the restart'])
  })

  it('from two offline devices of one person starts its agent once', async () => {
    server = await startServer(folder.path)
    const requestId = newRequestId()
    const docs = [new Y.Doc(), new Y.Doc()]
    for (const doc of docs) say(doc, 'hello from offline', { id: requestId, parentId: null })
    const [a, b] = await Promise.all(docs.map(doc => join({ doc })))
    await until('the reply is sealed on both', () => [a!, b!].every(({ doc }) => readMessages(doc).length === 2))
    expect(readMessages(a!.doc).map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect(a!.doc.getMap('requests').size).toBe(0)
  })
})

describe('a request that may not be done', () => {
  it('is refused with code and reason when it is too long or follows an unknown message, and the connection goes on', async () => {
    server = await startServer(folder.path)
    const peer = await join()
    const tooLong = say(peer.doc, 'x'.repeat(limits.messageBytes + 1), { to: [] })
    expect(await outcomeOf(peer, tooLong)).toMatchObject({ status: 'refused', code: 'message-too-long', reason: expect.stringMatching(/longer than/) })
    const orphan = say(peer.doc, 'orphan', { to: [], parentId: newRequestId() as never })
    expect(await outcomeOf(peer, orphan)).toMatchObject({ status: 'refused', code: 'parent-unknown' })
    const fine = say(peer.doc, 'fine', { to: [] })
    expect(await outcomeOf(peer, fine)).toEqual({ status: 'accepted' })
    await peer.allSaved()
    expect(messageTexts(peer.doc)).toEqual(['fine'])
    expect(peer.closedBy).toBeNull()
  })

  it('a megabyte of text is refused as too long, not as a broken frame', async () => {
    server = await startServer(folder.path)
    const peer = await join()
    const requestId = say(peer.doc, 'm'.repeat(1024 * 1024), { to: [] })
    expect(await outcomeOf(peer, requestId)).toMatchObject({ status: 'refused', code: 'message-too-long' })
  })

  it('of a viewer is refused, and a stranger gets no content at all', async () => {
    server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
    const guest = async (): Promise<string> => {
      const response = await fetch(`${server.url}/api/me`)
      return response.headers.get('set-cookie')!.split(';', 1)[0]!
    }
    const post = async (path: string, cookie: string, body: unknown = {}) => {
      const response = await fetch(`${server.url}${path}`, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) })
      return await response.json() as Record<string, string>
    }
    const [owner, viewer, stranger] = [await guest(), await guest(), await guest()]
    const mine = await join({ cookie: owner })
    say(mine.doc, 'welcome', { to: [] })
    await mine.allSaved()
    const { secret } = await post(`/api/conversations/${id}/invitations`, owner, { role: 'viewer' })
    expect(await post('/api/invitations/accept', viewer, { secret })).toMatchObject({ id, role: 'viewer' })

    const reading = await join({ cookie: viewer })
    expect(messageTexts(reading.doc)).toEqual(['welcome'])
    const refused = say(reading.doc, 'may I?', { to: [] })
    expect(await outcomeOf(reading, refused)).toMatchObject({ status: 'refused', code: 'viewer' })
    expect(reading.closedBy).toBeNull()
    expect(messageTexts(mine.doc)).toEqual(['welcome'])

    const outside = await Peer.open(server.syncUrl, `conversation/${id}`, { cookie: stranger })
    peers.push(outside)
    expect(await outside.closed()).toMatchObject({ code: 4404 })
    expect(outside.frames.filter(({ type }) => type !== 'control')).toEqual([])
    const nobody = await Peer.open(server.syncUrl, `conversation/${id}`)
    peers.push(nobody)
    expect(await nobody.closed()).toMatchObject({ code: 4401 })
  })
})
