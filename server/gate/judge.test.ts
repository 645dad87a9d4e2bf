/** What becomes of an update as a whole: whose client ids it uses, what a reader's client sends by itself, what waits for something. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { LittleServer } from '../../test/fuzz/little-server.ts'
import { any, format, oneBlock, text, writeUpdate } from '../../test/fuzz/update-writer.ts'
import type { ItemSpec, StructSpec } from '../../test/fuzz/update-writer.ts'
import { NEW, send, sendStructs, word } from '../../test/fuzz/verdicts.ts'
import { ada, ben, draftId, liveArtifact, liveConversation, mallory, Peer, textOfDraft, vera } from '../../test/fuzz/worlds.ts'
import { judge } from './judge.ts'
import { scan } from './scan.ts'
import type { Scanned } from './scan.ts'

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
    const { client, clock } = textOfDraft(server.doc, draftId(1))!._start!.id
    expect(send(server, oneBlock(NEW, 0, { rightOrigin: [client, clock], content: format('bold', 'null') }), vera)).toBe('nothing')
  })

  it('write nothing in free documents', () => {
    const server = liveArtifact()
    const peer = new Peer(server, vera)
    peer.doc.getText('note').insert(0, 'x')
    expect(word(peer.push())).toBe('not-allowed')
  })
})

describe('a fault of the gate itself', () => {
  it('is thrown, and not taken for one of the update', () => {
    const { doc } = new LittleServer('free')
    const scanned = scan(oneBlock(NEW, 0, { parent: 'list', content: any(1) }), 'free', () => 0)
    const ownerOf = (): never => { throw new Error('The directory of owners is broken.') }
    expect(() => judge(scanned as Scanned, { kind: 'free', doc, principal: mallory.id, role: 'editor', ownerOf })).toThrow('owners is broken')
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

describe('what writes nothing', () => {
  it('cannot split a character without a record of it', () => {
    const server = new LittleServer('free')
    send(server, oneBlock(101, 0, { parent: 'text', content: text('a😀b') }), ada)
    send(server, oneBlock(NEW, 0, { gc: 1 }))
    expect(send(server, oneBlock(NEW, 1, { origin: [NEW, 0], rightOrigin: [101, 2], content: text('x') }))).toBe('malformed')
  })
})
