/** What members may write in a conversation: requests and shared drafts, in their own name; the rest is the server's. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { LittleServer } from '../../test/fuzz/little-server.ts'
import { any, deleted, oneBlock, text, type, writeUpdate } from '../../test/fuzz/update-writer.ts'
import type { ItemSpec, StructSpec } from '../../test/fuzz/update-writer.ts'
import { NEW, send, sendStructs, word } from '../../test/fuzz/verdicts.ts'
import { ada, ben, draftId, liveConversation, mallory, openDraft, Peer, textOfDraft, vera } from '../../test/fuzz/worlds.ts'

/** What was said first in the live conversation. */
const messageIn = (server: LittleServer) => {
  const { client, clock } = openRoots(server.doc).messages._start!.id
  return [client, clock] as const
}

const head = (authorId = 'mallory') => any({ kind: 'shared', authorId, parentId: null, createdAt: 1 })
const opening = (...rest: ItemSpec[]): StructSpec[] => [{ parent: 'drafts', key: draftId(50), content: type('map') }, ...rest]
const inDraft = (key: string, content: ItemSpec['content']): ItemSpec => ({ parent: [NEW, 0], key, content })

it('a draft of one\'s own may have been opened under an alias, offline', () => {
  const server = liveConversation()
  const account = { ...ben, aliases: [mallory.id] }
  const structs = opening(inDraft('head', head('mallory')), inDraft('parts', type('array')))
  expect(server.judge(oneBlock(NEW, 0, ...structs), ben)).toMatchObject({ kind: 'refuse', code: 'forged' })
  expect(server.judge(oneBlock(NEW, 0, ...structs), account)).toMatchObject({ kind: 'accept' })
  expect(server.judge(oneBlock(NEW, 0, ...opening(inDraft('head', head('ben')), inDraft('parts', type('array')))), { ...mallory, aliases: [] }))
    .toMatchObject({ kind: 'refuse' })
})

describe('requests', () => {
  it('are anybody\'s to write, readers included, and are named in the verdict', () => {
    const server = liveConversation()
    const bytes = oneBlock(NEW, 0, { parent: 'requests', key: 'a', content: any({ x: 1 }) }, { parent: 'requests', key: 'b', content: any(1) })
    expect(server.judge(bytes, vera)).toMatchObject({
      kind: 'accept', requestIds: ['a', 'b'], newClients: [NEW],
      touched: [{ root: 'requests', key: 'a' }, { root: 'requests', key: 'b' }]
    })
  })

  it('may be overwritten and deleted before they arrive', () => {
    const server = liveConversation()
    const peer = new Peer(server, vera)
    const { requests } = openRoots(peer.doc)
    for (const n of [1, 2, 3]) requests.set('a', { n } as never)
    requests.set('b', {} as never)
    requests.delete('b')
    expect(peer.push()).toMatchObject({ kind: 'accept', requestIds: ['a', 'b'] })
    expect(openRoots(server.doc).messages.toArray().at(-1)).toEqual({ id: 'a', request: { n: 3 } })
  })

  it.each<[string, ItemSpec, string]>([
    ['a shared type', { key: 'a', content: type('map') }, 'forged'],
    ['characters', { key: 'a', content: text('x') }, 'malformed'],
    ['two values', { key: 'a', content: any(1, 2) }, 'malformed'],
    ['undefined', { key: 'a', content: any({ x: undefined }) }, 'malformed'],
    ['a number that is none', { key: 'a', content: any(NaN) }, 'malformed'],
    ['a value without key', { content: any(1) }, 'malformed'],
    ['a key that is too long', { key: 'k'.repeat(257), content: any(1) }, 'too-large']
  ])('are not %s', (_, item, expected) => {
    expect(sendStructs(liveConversation(), { parent: 'requests', ...item })).toBe(expected)
  })
})

describe('the server\'s roots', () => {
  it.each(['messages', 'meta', 'reactions', 'runs', 'members', 'redactions'])('cannot be written by a client: %s', root => {
    const key = root === 'messages' ? null : 'k'
    for (const content of [any(1), deleted(1), type('map')]) {
      expect(sendStructs(liveConversation(), { parent: root, key, content })).toBe('forged')
    }
  })

  it('cannot be reached by an origin', () => {
    const server = liveConversation()
    expect(sendStructs(server, { origin: messageIn(server), content: any(1) })).toBe('forged')
  })

  it('cannot be deleted from', () => {
    const server = liveConversation()
    const [client, clock] = messageIn(server)
    expect(send(server, writeUpdate({ deletes: [{ client, ranges: [[clock, 1]] }] }))).toBe('forged')
    const title = openRoots(server.doc).meta._map.get('title')!.id
    expect(send(server, writeUpdate({ deletes: [{ client: title.client, ranges: [[title.clock, 1]] }] }), vera)).toBe('forged')
  })

  it('are all there is', () => {
    const server = liveConversation()
    expect(sendStructs(server, { parent: 'unknown', key: 'k', content: any(1) })).toBe('forged')
    expect([...server.doc.share.keys()]).not.toContain('unknown')
  })
})

describe('shared drafts', () => {
  it('are opened by an editor in the editor\'s own name', () => {
    expect(sendStructs(liveConversation(), ...opening(inDraft('head', head()), inDraft('parts', type('array'))))).toBe('accept')
  })

  it.each<[string, StructSpec[]]>([
    ['in the name of somebody else', opening(inDraft('head', head('ada')), inDraft('parts', type('array')))],
    ['as an agent\'s', opening(inDraft('head', any({ kind: 'agent', authorId: 'mallory', createdAt: 1 })), inDraft('parts', type('array')))],
    ['without a head', opening(inDraft('parts', type('array')))],
    ['without parts', opening(inDraft('head', head()))],
    ['with a second head', opening(inDraft('head', head()), inDraft('head', head()), inDraft('parts', type('array')))],
    ['with something else', opening(inDraft('head', head()), inDraft('parts', type('array')), inDraft('more', any(1)))],
    ['with parts that are no array', opening(inDraft('head', head()), inDraft('parts', type('map')))],
    ['as an array', [{ parent: 'drafts', key: draftId(50), content: type('array') }]],
    ['as a value', [{ parent: 'drafts', key: draftId(50), content: any({}) }]],
    ['under a key that is no id', [{ parent: 'drafts', key: 'draft', content: type('map') }]],
    ['over one that is there', [{ parent: 'drafts', key: draftId(1), content: type('map') }]],
    ['over one that was dropped', [{ parent: 'drafts', key: draftId(2), content: type('map') }]],
    ['twice', [...opening(inDraft('head', head()), inDraft('parts', type('array'))), { parent: 'drafts', key: draftId(50), content: type('map') }]]
  ])('are not opened %s', (_, structs) => {
    expect(sendStructs(liveConversation(), ...structs)).toBe('forged')
  })

  it('are not the readers\'', () => {
    const server = liveConversation()
    const reader = new Peer(server, vera)
    textOfDraft(reader.doc, draftId(1))!.insert(0, 'x')
    expect(word(reader.push())).toBe('not-allowed')
    const opener = new Peer(server, vera)
    openDraft(opener.doc, draftId(60), 'vera', 'x')
    expect(word(opener.push())).toBe('not-allowed')
  })

  it('are written by every editor', () => {
    const server = liveConversation()
    const peer = new Peer(server, mallory)
    const verdict = peer.edit(() => {
      const body = textOfDraft(peer.doc, draftId(1))!
      body.insert(0, 'bold', { bold: true })
      body.insertEmbed(1, { image: 'x' })
      body.delete(5, 2)
      const parts = openRoots(peer.doc).drafts.get(draftId(1))!.get('parts') as Y.Array<Y.Map<unknown>>
      parts.push([new Y.Map<unknown>([['type', 'reasoning'], ['text', new Y.Text('why')]])])
      parts.get(0).set('type', 'reasoning')
    })
    expect(verdict).toMatchObject({ kind: 'accept', touched: [{ root: 'drafts', key: draftId(1) }] })
  })

  it.each<[string, (peer: Peer, parts: Y.Array<unknown>) => void]>([
    ['values among the parts', (_, parts) => parts.push([1])],
    ['arrays among the parts', (_, parts) => parts.push([new Y.Array()])],
    ['parts with a foreign key', (_, parts) => (parts.get(0) as Y.Map<unknown>).set('x', 1)],
    ['parts of a foreign type', (_, parts) => (parts.get(0) as Y.Map<unknown>).set('type', 'tool')],
    ['texts that are none', (_, parts) => (parts.get(0) as Y.Map<unknown>).set('text', 'x')],
    ['types inside a text', peer => textOfDraft(peer.doc, draftId(1))!.insertEmbed(0, new Y.Map())],
    ['another head', peer => openRoots(peer.doc).drafts.get(draftId(1))!.set('head', {} as never)],
    ['no head', peer => openRoots(peer.doc).drafts.get(draftId(1))!.delete('head')],
    ['no parts', peer => openRoots(peer.doc).drafts.get(draftId(1))!.delete('parts')]
  ])('do not get %s', (_, change) => {
    const peer = new Peer(liveConversation(), mallory)
    peer.doc.transact(() => change(peer, openRoots(peer.doc).drafts.get(draftId(1))!.get('parts') as Y.Array<unknown>))
    expect(word(peer.push())).toBe('forged')
  })

  it('hold no type inside a text, not even where one stands already', () => {
    const server = liveConversation()
    server.write(() => textOfDraft(server.doc, draftId(1))!.insertEmbed(0, new Y.Map([['x', 1]])))
    const { client, clock } = textOfDraft(server.doc, draftId(1))!._start!.id
    expect(sendStructs(server, { parent: [client, clock], key: 'x', content: any(2) })).toBe('forged')
  })

  it('are dropped by their author alone', () => {
    const server = liveConversation()
    const author = new Peer(server, ada)
    const other = new Peer(server, ben)
    openRoots(other.doc).drafts.delete(draftId(1))
    expect(word(other.push())).toBe('forged')
    openRoots(author.doc).drafts.delete(draftId(1))
    expect(author.push()).toMatchObject({ kind: 'accept', touched: [{ root: 'drafts', key: draftId(1) }] })
    expect(openRoots(server.doc).drafts.has(draftId(1))).toBe(false)
  })

  it('may be opened and dropped before anybody hears of them', () => {
    const server = liveConversation()
    const peer = new Peer(server, mallory)
    openDraft(peer.doc, draftId(50), 'mallory', 'x')
    openRoots(peer.doc).drafts.delete(draftId(50))
    openRoots(peer.doc).requests.set('a', {} as never)
    expect(word(peer.push())).toBe('accept')
  })

  it('take late words of others silently when they are gone', () => {
    const server = liveConversation()
    const late = new Peer(server, ben)
    const author = new Peer(server, ada)
    author.edit(() => openRoots(author.doc).drafts.delete(draftId(1)))
    textOfDraft(late.doc, draftId(1))!.insert(3, 'late')
    expect(late.push()).toMatchObject({ kind: 'accept', touched: [] })
  })
})

describe('agents\' drafts', () => {
  it('are the server\'s: no writing, no deleting, no dropping', () => {
    const changes: ((doc: Y.Doc) => void)[] = [
      doc => textOfDraft(doc, draftId(9))!.insert(0, 'x'),
      doc => textOfDraft(doc, draftId(9))!.delete(0, 1),
      doc => openRoots(doc).drafts.delete(draftId(9)),
      doc => openRoots(doc).drafts.set(draftId(9), new Y.Map() as never)
    ]
    for (const change of changes) {
      const peer = new Peer(liveConversation(), ada)
      change(peer.doc)
      expect(word(peer.push())).toBe('forged')
    }
  })
})
