/** What one update may cost, and how large a document and the types in it may become. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import { LittleServer, person } from '../../test/fuzz/little-server.ts'
import { any, oneBlock, text, writeUpdate } from '../../test/fuzz/update-writer.ts'
import type { ItemSpec } from '../../test/fuzz/update-writer.ts'
import { NEW, send, word } from '../../test/fuzz/verdicts.ts'
import { ada, ben, liveConversation, mallory, Peer } from '../../test/fuzz/worlds.ts'
import { applyClientUpdate } from './apply.ts'
import { price } from './budget.ts'

describe('a nested type', () => {
  it('may be written for ever at the same keys: what was overwritten does not count', () => {
    const server = new LittleServer('free')
    const peer = new Peer(server, ada)
    const shape = new Y.Map<number>()
    peer.edit(() => peer.doc.getMap('board').set('shape', shape))
    for (let turn = 0; turn < 6; turn++) {
      const verdict = peer.edit(() => {
        for (let step = 0; step < limits.nestedStructs / 8; step++) for (const key of ['x', 'y']) shape.set(key, step)
      })
      expect(verdict.kind).toBe('accept')
    }
    expect(server.doc.getMap<Y.Map<number>>('board').get('shape')!.toJSON()).toEqual(shape.toJSON())
  })

  it('holds so many living values, and no more', () => {
    const server = new LittleServer('free')
    const peer = new Peer(server, ada)
    const shape = new Y.Map<number>()
    peer.edit(() => peer.doc.getMap('board').set('shape', shape))
    const add = (from: number, to: number) => peer.edit(() => { for (let n = from; n < to; n++) shape.set(`${n}`, n) })
    for (let at = 0; at < limits.nestedStructs; at += 1000) expect(add(at, at + 1000).kind).toBe('accept')
    expect(add(limits.nestedStructs, limits.nestedStructs + 1)).toMatchObject({ kind: 'refuse', code: 'too-large' })
  })
})

describe('a document', () => {
  it('has so many structs and no more; then things can be deleted', () => {
    const server = new LittleServer('free')
    const letter = (i: number): ItemSpec => ({ parent: 'text', rightOrigin: i === 0 ? null : [1, i - 1], content: text('x') })
    const letters = Array.from({ length: limits.documentStructs - 1 }, (_, i) => letter(i))
    const almost = writeUpdate({ blocks: [{ client: 1, clock: 0, structs: letters }] })
    server.doc.transact(transaction => applyClientUpdate(transaction, server.doc, almost))
    const element = (clock: number) => oneBlock(NEW, clock, { parent: 'list', content: any(1) })
    expect(send(server, element(0))).toBe('accept')
    expect(send(server, element(1))).toBe('too-large')
    expect(send(server, writeUpdate({ deletes: [{ client: 1, ranges: [[0, 2]] }] }))).toBe('accept')
  })
})

describe('an update', () => {
  it('12 kB of insertions at an old place are refused', () => {
    const server = new LittleServer('free')
    const crowd = Array.from({ length: 1000 }, (_, i) => ({ client: 10_000 + i, clock: 0, structs: [{ parent: 'text', content: text('x') }] }))
    expect(send(server, writeUpdate({ blocks: crowd }), person('crowd'))).toBe('accept')
    const front = Array.from({ length: 1000 }, (_, i): ItemSpec => ({ parent: 'text', rightOrigin: i === 0 ? null : [1_000_000, i - 1], content: text('y') }))
    expect(send(server, oneBlock(1_000_000, 0, ...front))).toBe('too-expensive')
  })

  it('more new structs than fit into the work of one update are refused', () => {
    const most = Math.floor(limits.workPerUpdate / (price.struct + price.newStruct))
    const many = (count: number) => oneBlock(NEW, 0, ...Array.from({ length: count }, () => ({ gc: 1 })))
    expect(word(new LittleServer('free').judge(many(most + 1), mallory))).toBe('too-expensive')
    expect(word(new LittleServer('free').judge(many(most), mallory))).toBe('accept')
  })

  it('8,000 small updates that wait for something leave nothing in the document', () => {
    const server = liveConversation()
    for (let i = 1; i <= 8000; i++) {
      const verdict = server.receive(oneBlock(NEW, 2 * i, { parent: 'requests', key: `k${i}`, content: any(i) }), mallory)
      expect(verdict.kind).toBe('park')
    }
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
