/** What the gate refuses over the wire, of what only members can try: forgeries and gaps. Attacks with bytes stand in `attacks.test.ts`. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { readDrafts, readMessages, readMeta } from '../../shared/conversation/read.ts'
import { roots } from '../../shared/conversation/schema.ts'
import { any, text, type as sharedType, writeUpdate } from '../fuzz/update-writer.ts'
import type { ItemSpec, StructSpec } from '../fuzz/update-writer.ts'
import { refusalOf } from '../rig/attack-world.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let server: ServerProcess
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let name: string
let cookies: { ada: string, mallory: string }
let ada: Peer
/** Ada's shared draft, in which one letter of hers stands. */
const draftId = newRequestId()
const attackers: Peer[] = []

const guest = async (): Promise<string> => (await fetch(`${server.url}/api/me`)).headers.get('set-cookie')!.split(';', 1)[0]!

const post = async (path: string, cookie: string, body: object = {}): Promise<Record<string, string>> => {
  const response = await fetch(`${server.url}${path}`, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return await response.json() as Record<string, string>
}

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
  const id = newConversationId()
  name = `conversation/${id}`
  cookies = { ada: await guest(), mallory: await guest() }
  ada = await Peer.join(server.syncUrl, name, { cookie: cookies.ada })
  say(ada.doc, 'An honest message', { to: [] })
  await ada.allSaved()
  const hello = ada.controls.find(({ kind }) => kind === 'hello')
  const authorId = hello?.kind === 'hello' ? hello.userId : ''
  ada.doc.transact(() => {
    const draft = new Y.Map()
    ada.doc.getMap('drafts').set(draftId, draft)
    draft.set('head', { kind: 'shared', authorId, parentId: null, createdAt: 1 })
    const parts = new Y.Array<Y.Map<unknown>>()
    draft.set('parts', parts)
    const part = new Y.Map<unknown>()
    parts.push([part])
    part.set('type', 'text')
    part.set('text', new Y.Text('a'))
  })
  await ada.allSaved()
  const { secret } = await post(`/api/conversations/${id}/invitations`, cookies.ada, { role: 'editor' })
  await post('/api/invitations/accept', cookies.mallory, { secret })
  await until('both are shown as members', () => ada.doc.getMap('members').size === 2)
})

afterAll(async () => {
  for (const peer of [ada, ...attackers]) peer?.close()
  await server?.stop()
  await folder?.remove()
})

const attack = async (update: Uint8Array): Promise<Peer> => {
  const mallory = await Peer.join(server.syncUrl, name, { cookie: cookies.mallory })
  attackers.push(mallory)
  mallory.sendUpdate(update)
  return mallory
}

/** The sender is told, the socket ends, and nobody else notices anything. */
const expectRefused = async (update: Uint8Array, code: number, says: string): Promise<void> => {
  const before = Y.encodeStateAsUpdate(ada.doc)
  const mallory = await attack(update)
  expect(await mallory.closed()).toMatchObject({ code, reason: expect.stringContaining(says) })
  if (code >= 4400) expect(await refusalOf(mallory)).toMatchObject({ code: says })
  expect(Y.encodeStateAsUpdate(ada.doc)).toEqual(before)
  expect(ada.closedBy).toBeNull()
}

const same = (a: Y.Doc, b: Y.Doc): boolean => {
  const [left, right] = [a, b].map(doc => JSON.stringify([readMessages(doc), readDrafts(doc), readMeta(doc), [...doc.getMap('requests').keys()]]))
  return left === right
}

let nextClient = 1000
const fresh = (...structs: StructSpec[]): Uint8Array => writeUpdate({ blocks: [{ client: nextClient++, clock: 0, structs }] })
const item = (spec: ItemSpec): ItemSpec => spec

describe('over the wire, the gate refuses', () => {
  it.each(roots.filter(root => root !== 'requests' && root !== 'drafts'))('a write to the server\'s root %s', async root => {
    const key = root === 'messages' ? null : 'key'
    await expectRefused(fresh(item({ parent: root, key, content: any({ forged: true }) })), 4403, 'forged')
  })

  it('a deletion of what was said', async () => {
    const message = ada.doc.getArray('messages')._start!
    await expectRefused(writeUpdate({ deletes: [{ client: message.id.client, ranges: [[message.id.clock, 1]] }] }), 4403, 'forged')
  })

  it('dropping another\'s draft', async () => {
    const draft = ada.doc.getMap('drafts')._map.get(draftId)!
    await expectRefused(writeUpdate({ deletes: [{ client: draft.id.client, ranges: [[draft.id.clock, 1]] }] }), 4403, 'forged')
  })

  it('a draft opened in another\'s name', async () => {
    const client = nextClient++
    const update = writeUpdate({ blocks: [{ client, clock: 0, structs: [
      item({ parent: 'drafts', key: newRequestId(), content: sharedType('map') }),
      item({ parent: [client, 0], key: 'head', content: any({ kind: 'shared', authorId: 'somebody-else', parentId: null, createdAt: 1 }) }),
    ] }] })
    await expectRefused(update, 4403, 'forged')
  })

  it('a struct that overlaps a known one and holds something else', async () => {
    const draft = ada.doc.getMap('drafts')._map.get(draftId)!
    const update = writeUpdate({ blocks: [{ client: draft.id.client, clock: draft.id.clock, structs: [item({ parent: 'drafts', key: newRequestId(), content: sharedType('map') })] }] })
    await expectRefused(update, 4403, 'id-conflict')
  })

  it('bytes that are no update, and a frame that is none', async () => {
    await expectRefused(new Uint8Array([1, 2, 3, 4]), 4400, 'malformed')
    const mallory = await Peer.join(server.syncUrl, name, { cookie: cookies.mallory })
    attackers.push(mallory)
    mallory.socket.send(new Uint8Array([77, 1, 2]))
    expect(await mallory.closed()).toMatchObject({ code: 4400 })
  })
})

describe('over the wire, what misses something', () => {
  it('and never gets it ends the connection with "try again later": a gap', async () => {
    const update = writeUpdate({ blocks: [{ client: nextClient++, clock: 5, structs: [item({ parent: 'requests', key: newRequestId(), content: any('x') })] }] })
    expect(await (await attack(update)).closed()).toMatchObject({ code: 1013, reason: expect.stringContaining('missing-dependency') })
  })

  it('and never gets it ends the connection with "try again later": a dependency', async () => {
    const update = fresh(item({ origin: [987654321, 3], content: text('x') }))
    expect(await (await attack(update)).closed()).toMatchObject({ code: 1013, reason: expect.stringContaining('missing-dependency') })
  })
})

it('afterwards honest people still converge, and a fresh load of the store equals the live document', async () => {
  const bob = await Peer.join(server.syncUrl, name, { cookie: cookies.mallory })
  attackers.push(bob)
  const text = ((bob.doc.getMap('drafts').get(draftId) as Y.Map<unknown>).get('parts') as Y.Array<Y.Map<unknown>>).get(0).get('text') as Y.Text
  text.insert(1, ' and b')
  say(bob.doc, 'Another honest message', { to: [] })
  say(ada.doc, 'And one more', { to: [] })
  await Promise.all([ada.allSaved(), bob.allSaved()])
  await until('both hold the same', () => messageTexts(ada.doc).length === 3 && same(ada.doc, bob.doc))
  expect(ada.doc.store.pendingStructs ?? bob.doc.store.pendingStructs).toBeNull()
  const live = Y.encodeStateAsUpdate((await Peer.join(server.syncUrl, name, { cookie: cookies.ada })).doc)
  await server.stop('SIGKILL')
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
  const loaded = await Peer.join(server.syncUrl, name, { cookie: cookies.ada })
  attackers.push(loaded)
  expect(Y.encodeStateAsUpdate(loaded.doc)).toEqual(live)
  expect(same(loaded.doc, ada.doc)).toBe(true)
})
