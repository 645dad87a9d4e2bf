/**
 * Updates that are more than one may be, and are taken in slices: what their sender is told, and when; and that what is asked for in them
 * is taken in the order of time, whatever client ids the pages had.
 */
import { afterEach, beforeEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { proposeRedact, proposeSend, proposeSetMeta, putRequest, putSharedDraft } from '../../shared/conversation/write.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { DocumentName, DraftId, MessageId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { until } from '../rig/until.ts'

const REQUESTS = 3 * limits.requestsPerUpdate
/** Than one update may bring. */
const MORE = limits.requestsPerUpdate + 50

let server: InProcessServer
let peer: Peer
let name: DocumentName

beforeEach(async () => {
  server = await startInProcess()
  name = conversationName(newConversationId())!
  peer = await Peer.join(server.syncUrl, name)
})

afterEach(async () => {
  peer.close()
  await server.close()
})

/** Of what is on the disk. */
const storedTexts = async (): Promise<string[]> => {
  const doc = new Y.Doc()
  for (const update of (await server.log.read(name))!.updates) Y.applyUpdate(doc, update)
  return messageTexts(doc)
}

const offline = (): { doc: Y.Doc, ids: string[] } => {
  const doc = new Y.Doc()
  return { doc, ids: Array.from({ length: REQUESTS }, (_, n) => say(doc, `message ${n}`, { to: [], parentId: null })) }
}

const results = (): string[] => peer.controls.flatMap(control => control.kind === 'result' ? [control.requestId] : [])

it('are acknowledged as one frame when all of it is on the disk, after the result of each request', async () => {
  const { doc, ids } = offline()
  peer.sendUpdate(Y.encodeStateAsUpdate(doc))
  const { release, reached } = server.holdWrites()
  await reached
  release()
  await peer.allSaved()
  expect(results().sort()).toEqual(ids.sort())
  expect(peer.controls.flatMap(control => control.kind === 'saved' ? [control.frames] : [])).toEqual([1, 2])
  expect(await storedTexts()).toHaveLength(REQUESTS)
})

it('that are sent again after the room was lost on the way have each request taken once', async () => {
  const { doc, ids } = offline()
  // Some of its slices are in the document by then, and none of them on the disk.
  server.failNextWrite('before')
  peer.sendUpdate(Y.encodeStateAsUpdate(doc))
  expect(await peer.closed()).toMatchObject({ code: 1013 })
  expect(results()).toEqual([])
  peer.close()
  peer = await Peer.join(server.syncUrl, name)
  peer.sendUpdate(Y.encodeStateAsUpdate(doc))
  await peer.allSaved()
  expect(results().sort()).toEqual(ids.sort())
  expect(await storedTexts()).toHaveLength(REQUESTS)
})

it('close with what one of their slices is refused for, and what came before it stays', async () => {
  const { doc } = offline()
  doc.getMap('meta').set('title', 'Not theirs to write')
  doc.getMap('requests').set(newRequestId(), { type: 'stop' })
  peer.sendUpdate(Y.encodeStateAsUpdate(doc))
  expect(await peer.closed()).toMatchObject({ code: 4403 })
  expect(peer.controls.at(-1)).toMatchObject({ kind: 'refused', frame: 2, code: 'forged' })
  const other = await Peer.join(server.syncUrl, name)
  expect(messageTexts(other.doc).length).toBeGreaterThan(0)
  expect(other.doc.getMap('meta').get('title')).toBe('message 0')
  other.close()
})

it('hold up nobody else in the room until all of it is taken', async () => {
  const doc = new Y.Doc()
  // No letter merges with another.
  for (let n = 0; n < 30_000; n++) doc.getText('body').insert(0, 'x')
  const artifact = `artifact/${newConversationId()}`
  const [one, other] = [await Peer.join(server.syncUrl, artifact), await Peer.join(server.syncUrl, artifact)]
  // As soon as a part of it is there.
  other.doc.once('update', () => other.doc.getMap('map').set('key', 'value'))
  one.sendUpdate(Y.encodeStateAsUpdate(doc))
  await one.allSaved()
  await until('the other has it all', () => other.doc.getText('body').length === 30_000)
  await other.allSaved()
  const order = other.frames.flatMap(frame => frame.type === 'update' ? 'part' : frame.type === 'control' && frame.control.kind === 'saved' ? 'saved' : [])
  expect(order.lastIndexOf('saved')).toBeLessThan(order.lastIndexOf('part'))
  one.close()
  other.close()
})

const page = (clientID: number, from?: Y.Doc): Y.Doc => {
  const doc = new Y.Doc()
  doc.clientID = clientID
  if (from) Y.applyUpdate(doc, Y.encodeStateAsUpdate(from))
  return doc
}

const refusals = (): unknown[] => peer.controls.flatMap(c => c.kind === 'result' && c.outcome.status === 'refused' ? [c.outcome.code] : [])

it.each([[1000, 2000], [2000, 1000]])('a page %i that was loaded anew as %i takes back, and names, what it wrote before', async (before, after) => {
  const first = page(before)
  const ids = Array.from({ length: MORE }, (_, n) => say(first, `message ${n}`, { to: [], parentId: null }))
  putRequest(first, newRequestId(), proposeSetMeta('title', 'first title', Date.now()))
  const second = page(after, first)
  putRequest(second, newRequestId(), proposeSetMeta('title', 'second title', Date.now()))
  putRequest(second, newRequestId(), proposeRedact(messageIdOf(ids[5]!), Date.now()))
  peer.sendUpdate(Y.encodeStateAsUpdate(second))
  await peer.allSaved()
  expect(refusals()).toEqual([])
  expect(peer.doc.getMap('meta').get('title')).toBe('second title')
  expect(messageTexts(peer.doc)).not.toContain('message 5')
})

it.each([[1000, 2000], [2000, 1000]])('a page %i that was loaded anew as %i sends a shared draft that it opened before', async (before, after) => {
  const first = page(before)
  for (let n = 0; n < MORE; n++) say(first, `message ${n}`, { to: [], parentId: null })
  const draft = newRequestId() as string as DraftId
  putSharedDraft(first, draft, { kind: 'shared', authorId: 'local', parentId: null, createdAt: Date.now() }, 'draft')
  const second = page(after, first)
  putRequest(second, newRequestId(), proposeSend({ parts: [{ type: 'text', text: 'sent' }], parentId: null, to: [], drops: draft }, Date.now()))
  peer.sendUpdate(Y.encodeStateAsUpdate(second))
  await peer.allSaved()
  expect(refusals()).toEqual([])
  expect([...peer.doc.getMap('drafts').keys()]).toEqual([])
})

it('two tabs that answered one another in turn have all of it sealed in order', async () => {
  const [one, two] = [page(1000), page(2000)]
  let parentId: MessageId | null = null
  for (let n = 0; n < MORE; n++) parentId = messageIdOf(say(n % 2 ? two : one, `message ${n}`, { to: [], parentId }))
  Y.applyUpdate(one, Y.encodeStateAsUpdate(two))
  peer.sendUpdate(Y.encodeStateAsUpdate(one))
  await peer.allSaved()
  expect(refusals()).toEqual([])
  expect(messageTexts(peer.doc)).toEqual(Array.from({ length: MORE }, (_, n) => `message ${n}`))
})
