/** Where new items may stand: their origins exist, are in one place and were neighbours in this order. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { LittleServer } from '../../test/fuzz/little-server.ts'
import { any, oneBlock, text, writeUpdate } from '../../test/fuzz/update-writer.ts'
import { NEW, send, sendStructs, word } from '../../test/fuzz/verdicts.ts'
import { ada, liveArtifact, mallory, Peer } from '../../test/fuzz/worlds.ts'

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
