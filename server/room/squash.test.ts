/** A document begun anew says what it said, without its past. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { isDueForSquash, squash, squashLimits } from './squash.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readDrafts } from '../../shared/conversation/read.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { conversationName, parseDocumentName } from '../../shared/ids.ts'
import { messageOf } from '../../test/rig/api-world.ts'
import { newRequestId, say } from '../../test/rig/conversation.ts'
import { MessageIndex } from './message-index.ts'
import { TransactionWriter } from './conversation-writer.ts'

const talk = conversationName('c')!
const canvas = parseDocumentName('artifact/c')!
const ids = { generation: 1, message: 1, transient: 2 }
const atOnce = async (): Promise<void> => {}

/** As another replica sees it, so that what is compared went through the wire format. */
const replica = (doc: Y.Doc): Y.Doc => {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

const filledConversation = (): Y.Doc => {
  const doc = new Y.Doc()
  const writer = new TransactionWriter(doc, { generation: 1, message: 11, transient: 12 }, new MessageIndex([]))
  writer.begin()
  for (let n = 0; n < 500; n++) writer.appendMessage(messageOf(n))
  writer.redactMessage(messageOf(7), 'someone', 5)
  writer.setMeta('title', 'Plans')
  writer.setReaction(messageOf(1).id, 'someone', '👍', true, 3)
  writer.setMember('someone', { name: 'Some One', role: 'owner' })
  const head = { kind: 'shared', authorId: 'someone', parentId: null, createdAt: 1 } as const
  writer.openDraft(newRequestId() as never, head, [{ type: 'text', text: 'Draft of a letter' }])
  const [draft] = openRoots(doc).drafts.values()
  const body = (draft!.get('parts') as Y.Array<Y.Map<Y.Text>>).get(0).get('text')!
  body.delete(5, 5)
  body.format(0, 5, { bold: true })
  say(doc, 'on its way')
  return doc
}

describe('a squashed conversation', () => {
  it('says the same in every root but the outbox, under two ids and without a past', async () => {
    const old = filledConversation()
    const doc = replica(await squash(talk, replica(old), ids, atOnce))
    const [before, after] = [openRoots(old), openRoots(doc)]
    for (const root of ['messages', 'drafts', 'meta', 'reactions', 'runs', 'members', 'redactions'] as const) {
      expect(after[root].toJSON()).toEqual(before[root].toJSON())
    }
    expect(readDrafts(doc)).toEqual(readDrafts(old))
    expect(after.requests.size).toBe(0)
    expect([...doc.store.clients.keys()].sort()).toEqual([1, 2])
    expect(doc.store.clients.get(1)!.length).toBeLessThan(4)
    expect([...doc.store.clients.values()].flat().filter(struct => struct.deleted)).toEqual([])
    expect(JSON.stringify(doc.getArray<Message>('messages').toArray())).not.toContain('message 7"')
  })

  it('goes on as a document: text is typed into its drafts, messages are appended and taken out', async () => {
    const doc = await squash(talk, replica(filledConversation()), ids, atOnce)
    const [a, b] = [replica(doc), replica(doc)]
    const bodyOf = (of: Y.Doc): Y.Text =>
      ([...openRoots(of).drafts.values()][0]!.get('parts') as Y.Array<Y.Map<Y.Text>>).get(0).get('text')!
    bodyOf(a).insert(5, '!')
    bodyOf(b).insert(0, '¡')
    openRoots(a).messages.delete(3)
    Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
    Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
    expect(bodyOf(a).toString()).toBe('¡Draft! letter')
    expect(bodyOf(b).toDelta()).toEqual(bodyOf(a).toDelta())
    expect(openRoots(b).messages.length).toBe(498)
  })
})

describe('a squashed free document', () => {
  it('keeps texts with formats and embeds, lists, maps and elements, nested as they were', async () => {
    const old = new Y.Doc()
    const text = old.getText('text')
    text.insert(0, 'Hello bold world')
    text.format(6, 4, { bold: true })
    text.insertEmbed(5, { image: 'x' })
    text.delete(0, 1)
    const list = old.getArray<unknown>('list')
    list.push([1, { two: 2 }, 'three', new Uint8Array([4]), new Y.Map([['deep', new Y.Array()]])])
    list.delete(2)
    const paragraph = new Y.XmlElement('p')
    old.getXmlFragment('page').insert(0, [paragraph])
    paragraph.setAttribute('class', 'lead')
    paragraph.insert(0, [new Y.XmlText('words')])
    old.getMap('map').set('gone', 1)
    old.getMap('map').delete('gone')
    const doc = replica(await squash(canvas, replica(old), ids, atOnce))
    expect(doc.getText('text').toDelta()).toEqual(text.toDelta())
    expect(doc.getArray('list').toJSON()).toEqual(list.toJSON())
    expect(doc.getXmlFragment('page').toString()).toBe(old.getXmlFragment('page').toString())
    expect(doc.getMap('map').size).toBe(0)
    expect([...doc.store.clients.keys()]).toEqual([2])
  })
})

it('a document is due past one of the limits, a free one past its own', () => {
  const doc = new Y.Doc()
  for (let client = 1; client <= 3; client++) {
    doc.clientID = client
    doc.getMap('m').set(`k${client}`, 1)
  }
  doc.getMap('m').delete('k1')
  const due = (limits: Partial<typeof squashLimits>, name = talk): boolean => isDueForSquash(name, doc, { ...squashLimits, ...limits })
  expect([due({}), due({ clients: 2 }), due({ clients: 3 })]).toEqual([false, true, false])
  expect([due({ tombstones: 0 }), due({ tombstones: 1 })]).toEqual([true, false])
  expect([due({ clients: 0, tombstones: 0 }, canvas), due({ clientsFree: 2 }, canvas)]).toEqual([false, true])
  expect([due({ tombstonesFree: 0 }, canvas), due({ tombstonesFree: 1 }, canvas)]).toEqual([true, false])
})
