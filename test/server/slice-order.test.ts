/** What is asked for in an update that is taken in slices is taken in the order of time, whatever client ids the pages had. */
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

/** More than one update may bring. */
const COUNT = limits.requestsPerUpdate + 50

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

const page = (clientID: number, from?: Y.Doc): Y.Doc => {
  const doc = new Y.Doc()
  doc.clientID = clientID
  if (from) Y.applyUpdate(doc, Y.encodeStateAsUpdate(from))
  return doc
}

const refusals = (): unknown[] => peer.controls.flatMap(c => c.kind === 'result' && c.outcome.status === 'refused' ? [c.outcome.code] : [])

it.each([[1000, 2000], [2000, 1000]])('a page %i that was loaded anew as %i takes back, and names, what it wrote before', async (before, after) => {
  const first = page(before)
  const ids = Array.from({ length: COUNT }, (_, n) => say(first, `message ${n}`, { to: [], parentId: null }))
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
  for (let n = 0; n < COUNT; n++) say(first, `message ${n}`, { to: [], parentId: null })
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
  for (let n = 0; n < COUNT; n++) parentId = messageIdOf(say(n % 2 ? two : one, `message ${n}`, { to: [], parentId }))
  Y.applyUpdate(one, Y.encodeStateAsUpdate(two))
  peer.sendUpdate(Y.encodeStateAsUpdate(one))
  await peer.allSaved()
  expect(refusals()).toEqual([])
  expect(messageTexts(peer.doc)).toEqual(Array.from({ length: COUNT }, (_, n) => `message ${n}`))
})
