import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRoots } from '../../shared/conversation/document.ts'
import { LittleServer, person } from '../../test/fuzz/little-server.ts'
import { any, deleted, embed, format, oneBlock, text, type, writeUpdate } from '../../test/fuzz/update-writer.ts'
import type { ItemSpec, StructSpec } from '../../test/fuzz/update-writer.ts'
import { ada, ben, draftId, liveArtifact, liveConversation, mallory, openDraft, Peer, textOfDraft, vera } from '../../test/fuzz/worlds.ts'
import { limits } from '../../shared/limits.ts'
import { price } from './budget.ts'
import type { Verdict } from './verdict.ts'

/** A client id that nobody has used yet. */
const NEW = 700

/** `accept`, `nothing`, `park gap`, or the code of the refusal. */
const word = (verdict: Verdict): string => {
  switch (verdict.kind) {
    case 'refuse': return verdict.code
    case 'park': return `park ${verdict.missing}`
    default: return verdict.kind
  }
}

const send = (server: LittleServer, bytes: Uint8Array, sender = mallory): string => word(server.receive(bytes, sender))
const sendStructs = (server: LittleServer, ...structs: StructSpec[]): string => send(server, oneBlock(NEW, 0, ...structs))

/** Ids of what stands in the live conversation. */
const idsOf = (server: LittleServer) => {
  const message = openRoots(server.doc).messages._start!.id
  const letter = textOfDraft(server.doc, draftId(1))!._start!.id
  return { message: [message.client, message.clock] as const, firstLetter: [letter.client, letter.clock] as const }
}

const head = (authorId = 'mallory') => any({ kind: 'shared', authorId, parentId: null, createdAt: 1 })
const opening = (...rest: ItemSpec[]): StructSpec[] => [{ parent: 'drafts', key: draftId(50), content: type('map') }, ...rest]
const inDraft = (key: string, content: ItemSpec['content']): ItemSpec => ({ parent: [NEW, 0], key, content })

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
    expect(sendStructs(server, { origin: idsOf(server).message, content: any(1) })).toBe('forged')
  })

  it('cannot be deleted from', () => {
    const server = liveConversation()
    const [client, clock] = idsOf(server).message
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

describe('client ids', () => {
  it('belong to the first who wrote under them', () => {
    const server = liveConversation()
    const request = (client: number, clock: number) => oneBlock(client, clock, { parent: 'requests', key: 'z', content: any(1) })
    expect(send(server, request(NEW, 0), ben)).toBe('accept')
    expect(send(server, request(NEW, 1), mallory)).toBe('client-id-taken')
    expect(send(server, request(server.doc.clientID, Y.getState(server.doc.store, server.doc.clientID)), mallory)).toBe('forged')
  })

  it('do not matter for what is known already', () => {
    const server = liveConversation()
    expect(send(server, Y.encodeStateAsUpdate(server.doc), vera)).toBe('nothing')
  })
})

describe('readers', () => {
  it('are not refused for what their client does by itself', () => {
    const server = liveConversation()
    const peer = new Peer(server, vera)
    textOfDraft(peer.doc, draftId(1))!.delete(0, 1)
    expect(word(peer.push())).toBe('nothing')
    const { firstLetter } = idsOf(server)
    expect(send(server, oneBlock(NEW, 0, { rightOrigin: firstLetter, content: format('bold', 'null') }), vera)).toBe('nothing')
  })

  it('write nothing in free documents', () => {
    const server = liveArtifact()
    const peer = new Peer(server, vera)
    peer.doc.getText('note').insert(0, 'x')
    expect(word(peer.push())).toBe('not-allowed')
  })
})

describe('what is missing', () => {
  it('parks an update behind a gap, and takes it when the gap is filled', () => {
    const server = liveConversation()
    const request = (clock: number) => oneBlock(NEW, clock, { parent: 'requests', key: `k${clock}`, content: any(1) })
    expect(send(server, request(1))).toBe('park gap')
    expect(send(server, request(0))).toBe('accept')
    expect(send(server, request(1))).toBe('accept')
  })

  it('parks a skip', () => {
    expect(sendStructs(liveConversation(), { parent: 'requests', key: 'a', content: any(1) }, { skip: 2 })).toBe('park gap')
  })

  it('parks what builds on the unknown: origins, parents, deletions', () => {
    const server = liveConversation()
    expect(sendStructs(server, { origin: [900, 0], content: any(1) })).toBe('park dependency')
    expect(sendStructs(server, { parent: [900, 0], key: 'a', content: any(1) })).toBe('park dependency')
    expect(send(server, writeUpdate({ deletes: [{ client: 900, ranges: [[0, 1]] }] }))).toBe('park dependency')
  })

  it('does not park what is forged anyway', () => {
    const server = liveConversation()
    const forged: StructSpec = { parent: 'messages', content: any(1) }
    expect(send(server, oneBlock(NEW, 5, forged))).toBe('forged')
    expect(sendStructs(server, { origin: [900, 0], content: any(1) }, forged)).toBe('forged')
  })

  it('takes structs of two clients that build on one another', () => {
    const server = liveArtifact()
    const list = (client: number, clock: number, origin: ItemSpec['origin'] = null) => ({ client, clock, structs: [{ parent: 'fresh', origin, content: any(clock) }] })
    const bytes = writeUpdate({
      blocks: [
        { client: 800, clock: 0, structs: [...list(800, 0, [801, 0]).structs, ...list(800, 1, [801, 1]).structs] },
        { client: 801, clock: 0, structs: [...list(801, 0).structs, ...list(801, 1, [800, 0]).structs] }
      ]
    })
    expect(send(server, bytes)).toBe('accept')
  })
})

describe('references', () => {
  const list = { parent: 'list' } as const

  it('to oneself or to one\'s own future are malformed', () => {
    for (const clock of [0, 1, 5]) {
      expect(sendStructs(liveArtifact(), { ...list, origin: [NEW, clock], content: any(1) })).toBe('malformed')
      expect(sendStructs(liveArtifact(), { parent: [NEW, clock], key: 'a', content: any(1) })).toBe('malformed')
    }
  })

  it('in a circle are malformed', () => {
    const bytes = writeUpdate({
      blocks: [
        { client: 800, clock: 0, structs: [{ origin: [801, 0], content: any(1) }] },
        { client: 801, clock: 0, structs: [{ origin: [800, 0], content: any(1) }] }
      ]
    })
    expect(send(liveArtifact(), bytes)).toBe('malformed')
  })

  it('into two places are malformed', () => {
    const server = liveArtifact()
    const note = server.doc.getText('note')._start!.id
    const element = server.doc.getArray('list')._start!.id
    expect(sendStructs(server, { origin: [note.client, note.clock], rightOrigin: [element.client, element.clock], content: any(1) })).toBe('malformed')
  })

  it('to an item that is no type are malformed as parents', () => {
    const server = liveArtifact()
    let letter = server.doc.getText('note')._start!
    while (letter.deleted) letter = letter.right!
    expect(sendStructs(server, { parent: [letter.id.client, letter.id.clock], content: any(1) })).toBe('malformed')
  })

  const fresh = () => {
    const server = new LittleServer('free')
    new Peer(server, ada, 101).edit(() => undefined)
    send(server, oneBlock(101, 0, { parent: 'text', content: text('abcdef') }), ada)
    return server
  }

  it('the wrong way round are malformed, in one item and across items, known and new', () => {
    expect(sendStructs(fresh(), { origin: [101, 4], rightOrigin: [101, 1], content: text('x') })).toBe('malformed')
    expect(sendStructs(fresh(), { origin: [101, 4], rightOrigin: [101, 4], content: text('x') })).toBe('malformed')
    const server = fresh()
    send(server, oneBlock(102, 0, { origin: [101, 2], rightOrigin: [101, 3], content: text('y') }), ada)
    expect(sendStructs(server, { origin: [101, 4], rightOrigin: [102, 0], content: text('x') })).toBe('malformed')
    expect(sendStructs(server, { origin: [101, 5], content: text('x') }, { origin: [NEW, 0], rightOrigin: [101, 0], content: text('x') })).toBe('malformed')
  })

  it('to two that never were neighbours are malformed', () => {
    expect(sendStructs(fresh(), { origin: [101, 1], rightOrigin: [101, 4], content: text('x') })).toBe('malformed')
    expect(sendStructs(fresh(), { rightOrigin: [101, 4], content: text('x') })).toBe('malformed')
    expect(sendStructs(fresh(), { origin: [101, 1], rightOrigin: [101, 2], content: text('x') })).toBe('accept')
  })

  it('that cross those of other new structs are malformed', () => {
    const crossed = (first: number, second: number) => writeUpdate({
      blocks: [
        { client: 801, clock: 0, structs: [{ origin: [101, first], rightOrigin: [101, first + 1], content: text('x') }] },
        { client: 800, clock: 0, structs: [{ origin: [101, second], rightOrigin: [801, 0], content: text('y') }] }
      ]
    })
    expect(send(fresh(), crossed(3, 3))).toBe('accept')
    expect(send(fresh(), crossed(3, 4))).toBe('malformed')
    expect(send(fresh(), crossed(3, 2))).toBe('malformed')
  })

  it('to the end of what somebody had seen by then are fine', () => {
    expect(sendStructs(fresh(), { origin: [101, 1], content: text('x') })).toBe('accept')
  })

  it('to what is gone for good write nothing and are taken', () => {
    const server = liveArtifact()
    const peer = new Peer(server, mallory)
    peer.edit(() => peer.doc.getArray('list').push([new Y.Map([['x', 1]])]))
    const inner = (peer.doc.getArray('list').get(peer.doc.getArray('list').length - 1) as Y.Map<unknown>)._map.get('x')!.id
    peer.edit(() => peer.doc.getArray('list').delete(peer.doc.getArray('list').length - 1))
    expect(word(server.receive(oneBlock(NEW, 0, { origin: [inner.client, inner.clock], content: any(1) }), mallory))).toBe('accept')
    const last = server.doc.getArray('list')._start!.id
    const mixed = oneBlock(NEW, 1, { origin: [inner.client, inner.clock], rightOrigin: [last.client, last.clock], content: any(1) })
    expect(server.receive(mixed, mallory)).toMatchObject({ kind: 'accept', touched: [] })
  })
})

describe('forms', () => {
  it('arrays take no key, map entries no right origin and only one value', () => {
    const server = liveArtifact()
    const map = server.doc.getMap('map')._map.get('key')!.id
    expect(sendStructs(server, { parent: 'r', key: 'a', content: type('array') }, { parent: [NEW, 0], key: 'b', content: any(1) })).toBe('malformed')
    expect(sendStructs(server, { parent: 'r', key: 'a', content: type('map') }, { parent: [NEW, 0], content: any(1) })).toBe('malformed')
    expect(sendStructs(server, { rightOrigin: [map.client, map.clock], content: any(1) })).toBe('malformed')
    expect(sendStructs(server, { parent: 'map', key: 'two', content: any(1, 2) })).toBe('malformed')
    expect(sendStructs(server, { parent: 'map', key: 'letters', content: text('ab') })).toBe('malformed')
    expect(sendStructs(server, { parent: 'map', key: 'embed', content: embed('{}') })).toBe('malformed')
  })

  it('free documents bound their nesting, their names and their roots', () => {
    const deep = (levels: number): StructSpec[] => Array.from({ length: levels }, (_, i) => i === 0
      ? { parent: 'deep', key: 'a', content: type('map') }
      : { parent: [NEW, i - 1] as const, key: 'a', content: type('map') })
    expect(sendStructs(liveArtifact(), ...deep(limits.typeDepth))).toBe('accept')
    expect(sendStructs(liveArtifact(), ...deep(limits.typeDepth + 1))).toBe('too-large')
    expect(sendStructs(liveArtifact(), ...deep(20_000))).toBe('too-expensive')
    expect(sendStructs(liveArtifact(), { parent: 'r'.repeat(257), content: any(1) })).toBe('too-large')
    const server = new LittleServer('free')
    const roots = (from: number, to: number) =>
      send(server, oneBlock(NEW, from, ...Array.from({ length: to - from }, (_, i) => ({ parent: `root ${from + i}`, content: any(1) }))))
    expect(roots(0, limits.documentRoots)).toBe('accept')
    expect(roots(limits.documentRoots, limits.documentRoots + 1)).toBe('too-large')
    expect(send(server, oneBlock(NEW, limits.documentRoots, { parent: 'root 0', content: any(2) }))).toBe('accept')
  })

  it('free documents take attributes of texts, as Yjs writes them', () => {
    const server = liveArtifact()
    const peer = new Peer(server, ben)
    peer.doc.getArray('list').insert(0, [new Y.Text('x')])
    ;(peer.doc.getArray('list').get(0) as Y.Text).setAttribute('lang', 'en')
    expect(word(peer.push())).toBe('accept')
  })
})

describe('overlaps', () => {
  const world = () => {
    const server = new LittleServer('free')
    send(server, oneBlock(NEW, 0, { parent: 'text', content: text('abcdef') }))
    return server
  }
  const again = (content: ItemSpec['content'], more: Partial<ItemSpec> = {}) => oneBlock(NEW, 0, { parent: 'text', content, ...more })

  it('that say the same are nothing, however they are cut', () => {
    expect(send(world(), again(text('abcdef')))).toBe('nothing')
    expect(send(world(), oneBlock(NEW, 0, { parent: 'text', content: text('ab') }, { origin: [NEW, 1], content: text('cdef') }))).toBe('nothing')
    expect(send(world(), oneBlock(NEW, 2, { origin: [NEW, 1], content: text('cd') }))).toBe('nothing')
  })

  it('may bring more behind what is known', () => {
    const server = world()
    expect(send(server, again(text('abcdefgh')))).toBe('accept')
    expect(server.doc.getText('text').toJSON()).toBe('abcdefgh')
  })

  it('that say something else are conflicts', () => {
    expect(send(world(), again(text('abcxef')))).toBe('id-conflict')
    expect(send(world(), again(any(1, 2, 3, 4, 5, 6)))).toBe('id-conflict')
    expect(send(world(), again(text('abcdef'), { parent: 'other' }))).toBe('id-conflict')
    expect(send(world(), again(text('abcdef'), { key: 'a' }))).toBe('id-conflict')
    expect(send(world(), oneBlock(NEW, 2, { origin: [NEW, 0], content: text('cd') }))).toBe('id-conflict')
    expect(send(world(), oneBlock(NEW, 2, { rightOrigin: [NEW, 0], content: text('cd') }))).toBe('id-conflict')
    expect(send(world(), again(text('abcxefgh')))).toBe('id-conflict')
  })

  it('count by their length where either side is deleted', () => {
    expect(send(world(), again(deleted(6)))).toBe('nothing')
    expect(send(world(), oneBlock(NEW, 0, { gc: 6 }))).toBe('nothing')
    const server = world()
    send(server, writeUpdate({ deletes: [{ client: NEW, ranges: [[0, 6]] }] }))
    expect(send(server, again(text('uvwxyz')))).toBe('nothing')
  })

  it('cannot continue a tombstone that no longer knows its place with living text', () => {
    const server = world()
    expect(send(server, oneBlock(NEW, 6, { gc: 2 }))).toBe('accept')
    expect(send(server, oneBlock(NEW, 6, { origin: [NEW, 5], content: text('uvwx') }))).toBe('id-conflict')
  })

  it('see through a surrogate pair that was split', () => {
    const server = new LittleServer('free')
    send(server, again(text('a😀b')))
    const other = oneBlock(801, 0, { origin: [NEW, 1], rightOrigin: [NEW, 2], content: text('x') })
    expect(send(server, other)).toBe('accept')
    expect(send(server, again(text('a😀b')))).toBe('nothing')
  })
})

describe('what writes nothing', () => {
  it('cannot split a character without a record of it', () => {
    const server = new LittleServer('free')
    send(server, oneBlock(101, 0, { parent: 'text', content: text('a😀b') }), ada)
    send(server, oneBlock(NEW, 0, { gc: 1 }))
    expect(send(server, oneBlock(NEW, 1, { origin: [NEW, 0], rightOrigin: [101, 2], content: text('x') }))).toBe('malformed')
  })
})

describe('costs', () => {
  it('12 kB of insertions at an old place are refused, and soon', () => {
    const server = new LittleServer('free')
    const crowd = Array.from({ length: 1000 }, (_, i) => ({ client: 10_000 + i, clock: 0, structs: [{ parent: 'text', content: text('x') }] }))
    expect(send(server, writeUpdate({ blocks: crowd }), person('crowd'))).toBe('accept')
    const front = Array.from({ length: 1000 }, (_, i): ItemSpec => ({ parent: 'text', rightOrigin: i === 0 ? null : [1_000_000, i - 1], content: text('y') }))
    const start = performance.now()
    expect(send(server, oneBlock(1_000_000, 0, ...front))).toBe('too-expensive')
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it('more new structs than fit into the work of one update are refused', () => {
    const most = Math.floor(limits.workPerUpdate / (price.struct + price.newStruct))
    const many = (count: number) => oneBlock(NEW, 0, ...Array.from({ length: count }, () => ({ gc: 1 })))
    expect(word(new LittleServer('free').judge(many(most + 1), mallory))).toBe('too-expensive')
    expect(word(new LittleServer('free').judge(many(most), mallory))).toBe('accept')
  })

  it('8,000 small updates that wait for something leave nothing in the document', () => {
    const server = liveConversation()
    const start = performance.now()
    for (let i = 1; i <= 8000; i++) {
      const verdict = server.receive(oneBlock(NEW, 2 * i, { parent: 'requests', key: `k${i}`, content: any(i) }), mallory)
      expect(verdict.kind).toBe('park')
    }
    expect(performance.now() - start).toBeLessThan(5000)
    expect(server.doc.store.pendingStructs).toBeNull()
  })

  it('all of a text of 10,000 pieces can be deleted at once', () => {
    const server = new LittleServer('free')
    for (let from = 0; from < 10_000; from += 1000) {
      const letters = Array.from({ length: 1000 }, (_, i): ItemSpec =>
        ({ parent: 'text', rightOrigin: from + i === 0 ? null : [NEW, from + i - 1], content: text('x') }))
      expect(send(server, oneBlock(NEW, from, ...letters))).toBe('accept')
    }
    const peer = new Peer(server, ada)
    expect(peer.edit(() => { peer.doc.getText('text').delete(0, 10_000) }).kind).toBe('accept')
    expect(server.doc.getText('text').length).toBe(0)
  })

  it('an honest long list of edits is not', () => {
    const server = new LittleServer('free')
    const peer = new Peer(server, ada)
    for (let i = 0; i < 2500; i++) peer.doc.getText('note').insert(i % 7, 'x')
    for (let i = 0; i < 500; i++) peer.doc.getText('note').delete(i, 1)
    expect(word(peer.push())).toBe('accept')
    const other = new Peer(server, ben)
    for (let i = 0; i < 2500; i++) other.doc.getArray('list').unshift([i])
    expect(word(other.push())).toBe('accept')
  })
})
