/** Shared drafts on one device: what its page remembers of them, and what it brings back. */
import { afterEach, expect, it } from 'vitest'
import { Awareness } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { openConversation } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import { draftsGoneIn, strayText } from './gone-draft.ts'
import { SharedDrafts } from './shared-drafts.ts'
import { memoryStore } from './store/memory.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import type { DraftMap, DraftPart } from '../../shared/conversation/document.ts'
import { readDrafts, textOf } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DraftId, MessageId } from '../../shared/ids.ts'

const opened: Conversation[] = []
afterEach(() => Promise.all(opened.splice(0).map(page => page.close())))

const open = (store = memoryStore()): Conversation => {
  const page = openConversation({ name: conversationName('c1')!, url: 'ws://127.0.0.1:1', store, userId: 'ada', userName: 'Ada', connect: false })
  opened.push(page)
  return page
}

const ID = '0190a000-0000-7000-8000-000000000001' as DraftId
const head = { kind: 'shared' as const, authorId: 'ada', parentId: null, createdAt: 5 }

it('opens a draft offline, under the id that the server knew this person by, after the last message', async () => {
  const page = open()
  await page.ready
  const last = await page.send('before')
  const id = page.openDraft()
  page.draftText(id)!.insert(0, 'hello')
  expect(page.view().drafts).toMatchObject([{ id, head: { kind: 'shared', authorId: 'ada', parentId: last }, parts: [{ type: 'text', text: 'hello' }] }])
})

it('says what stood in the draft when it was sent, and hides the draft from then on, after a reload too', async () => {
  const store = memoryStore()
  const page = open(store)
  await page.ready
  const id = page.openDraft()
  page.draftText(id)!.insert(0, 'ten')
  const sent = page.sendDraft(id)
  page.draftText(id)!.insert(3, ' thousand')
  await sent
  await page.close()
  const again = open(store)
  await again.ready
  expect(again.view().messages.map(({ message }) => textOf(message.parts))).toEqual(['ten'])
  expect(again.view().drafts).toEqual([])
  expect(again.draftText(id)!.toString()).toBe('ten thousand')
  await again.discard(await sent)
  expect(again.view().drafts.map(({ parts }) => textOf(parts))).toEqual(['ten thousand'])
})

it('lends an editor the text of shared drafts alone', async () => {
  const page = open()
  await page.ready
  const other = '0190a000-0000-7000-8000-000000000002' as MessageId
  const agents: DraftMap = new Y.Map<DraftPart | object>([
    ['head', { ...head, kind: 'agent', agentId: 'echo', runId: other, replyId: other, parentId: other }], ['parts', new Y.Array<DraftPart>()]
  ]) as DraftMap
  openRoots(page.doc).drafts.set(ID, agents)
  expect(page.draftText(ID)).toBeNull()
  expect(page.draftText(other as string as DraftId)).toBeNull()
  expect(() => page.dropDraft(ID)).toThrow(expect.objectContaining({ code: 'target-unknown' }))
})

it('does not bring back what this page dropped', async () => {
  const page = open()
  await page.ready
  const id = page.openDraft()
  page.draftText(id)!.insert(0, 'never mind')
  page.dropDraft(id)
  expect(page.view().drafts).toEqual([])
  expect(page.successorOf(id)).toBeNull()
})

it('reads a draft that goes with the letters that were there last, and who wrote them', () => {
  const doc = new Y.Doc()
  doc.clientID = 7
  putSharedDraft(doc, ID, head, 'a👍cd')
  const parts = openRoots(doc).drafts.get(ID)!.get('parts') as Y.Array<DraftPart>
  const body = parts.get(0).get('text') as Y.Text
  body.delete(3, 1)
  const gone: unknown[] = []
  const stray: unknown[] = []
  doc.on('afterTransaction', transaction => {
    gone.push(...draftsGoneIn(transaction))
    stray.push(...strayText(transaction))
  })
  body.format(0, 1, { bold: true })
  openRoots(doc).drafts.delete(ID)
  body.insert(0, 'late')
  expect(gone).toMatchObject([{ id: ID, head, letters: [{ char: 'a', client: 7 }, { char: '👍', client: 7 }, { char: 'd', client: 7 }] }])
  expect(stray).toEqual([[ID, 'late']])
})

it('does not open a second time what it had brought back and the server holds under other ids since it began anew', async () => {
  const left = new Y.Doc()
  putSharedDraft(left, ID, head, 'hello')
  const carryInto = async (doc: Y.Doc): Promise<void> => {
    const drafts = new SharedDrafts({
      doc: () => doc, awareness: () => new Awareness(doc), loaded: () => true, userId: () => 'ada', isOwn: id => id === 'ada', role: () => 'editor', own: () => [],
      now: () => 5, newId: () => ID, noteWriter: () => {}, keep: () => Promise.resolve()
    })
    drafts.know([left.clientID])
    await drafts.carryOver(left, false)
  }
  const before = new Y.Doc()
  await carryInto(before)
  const { id, head: reopened } = readDrafts(before)[0]!
  expect(id).not.toBe(ID)
  // Somebody wrote it anew meanwhile, so that its letters do not tell that it is the same one.
  const anew = new Y.Doc()
  putSharedDraft(anew, id, { ...head, createdAt: reopened.createdAt }, 'quite another text')
  await carryInto(anew)
  expect([...anew.store.clients.keys()]).toEqual([anew.clientID])
})

it('brings back what was typed into a draft that this page had sent before the server began anew', () => {
  let doc = new Y.Doc()
  const drafts = new SharedDrafts({
    doc: () => doc, awareness: () => new Awareness(doc), loaded: () => true, userId: () => 'ada', isOwn: id => id === 'ada', role: () => 'editor', own: () => [],
    now: () => 5, newId: () => ID, noteWriter: () => {}, keep: () => Promise.resolve()
  })
  putSharedDraft(doc, ID, head, 'hello')
  expect(textOf(drafts.send(ID))).toBe('hello')
  const server = new Y.Doc()
  putSharedDraft(server, ID, head, 'hello')
  doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(server))
  drafts.attach()
  drafts.text(ID)!.insert(5, ' world')
  Y.applyUpdate(server, Y.encodeStateAsUpdate(doc))
  server.transact(() => {
    openRoots(server).messages.push([sentFrom(ID, 'hello')])
    openRoots(server).drafts.delete(ID)
  })
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(server))
  expect(readDrafts(doc).map(({ parts }) => textOf(parts))).toEqual([' world'])
})

const sentFrom = (draftId: DraftId, text: string): Message => ({
  id: '0190a000-0000-7000-8000-000000000002' as MessageId,
  role: 'user',
  parts: [{ type: 'text', text }],
  metadata: { parentId: null, authorId: 'ada', createdAt: 6, acceptedAt: 6, status: 'complete', draftId }
})
