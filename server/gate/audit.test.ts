/** What Yjs really did is held against what the judge expected, and a difference is found. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { oneBlock, text, writeUpdate } from '../../test/fuzz/update-writer.ts'
import { applyClientUpdate } from './apply.ts'
import { audit, markOf } from './audit.ts'
import type { Touched } from './verdict.ts'

const accept = (touched: Touched[], neighbours: { last: Y.ID, next: Y.ID | null }[] = []) => ({ kind: 'accept' as const, touched, requestIds: [], newClients: [], newNeighbours: () => neighbours })

const server = (): Y.Doc => {
  const doc = new Y.Doc()
  doc.clientID = 1
  doc.getText('note').insert(0, 'abc')
  doc.getMap('map').set('key', new Y.Map([['inner', 1]]))
  return doc
}

const apply = (doc: Y.Doc, bytes: Uint8Array, touched: Touched[], neighbours: { last: Y.ID, next: Y.ID | null }[] = []): void =>
  doc.transact(transaction => {
    applyClientUpdate(transaction, doc, bytes)
    audit(transaction, accept(touched, neighbours))
  })

const edited = (doc: Y.Doc, edit: (client: Y.Doc) => void): Uint8Array => {
  const client = new Y.Doc()
  Y.applyUpdate(client, Y.encodeStateAsUpdate(doc))
  edit(client)
  return Y.encodeStateAsUpdate(client, Y.encodeStateVector(doc))
}

describe('the audit', () => {
  it('passes what the verdict covers, nested writes and deletions included', () => {
    const doc = server()
    const bytes = edited(doc, client => {
      client.getText('note').insert(1, 'x')
      client.getText('note').delete(0, 1)
      client.getMap('map').delete('key')
    })
    expect(() => apply(doc, bytes, [{ root: 'note', key: null }, { root: 'map', key: 'key' }])).not.toThrow()
  })

  it('throws when an update wrote somewhere else', () => {
    const doc = server()
    const bytes = edited(doc, client => client.getText('note').insert(1, 'x'))
    expect(() => apply(doc, bytes, [{ root: 'map', key: 'key' }])).toThrow(/reached \["note",null\]/)
  })

  it('throws when an update deleted somewhere else', () => {
    const doc = server()
    const bytes = edited(doc, client => client.getMap('map').delete('key'))
    expect(() => apply(doc, bytes, [{ root: 'map', key: 'other' }])).toThrow(/reached \["map","key"\]/)
  })

  it('throws when a part of the update waits for something', () => {
    const doc = server()
    expect(() => apply(doc, oneBlock(7, 5, { parent: 'note', content: text('x') }), [{ root: 'note', key: null }])).toThrow(/wait/)
    const waiting = server()
    expect(() => apply(waiting, writeUpdate({ deletes: [{ client: 9, ranges: [[0, 1]] }] }), [])).toThrow(/wait/)
  })

  it('throws when an item does not stand where the judge expected it', () => {
    const update = oneBlock(7, 0, { origin: [1, 0], rightOrigin: [1, 1], content: text('x') })
    const put = (next: Y.ID | null) => () => apply(server(), update, [{ root: 'note', key: null }], [{ last: Y.createID(7, 0), next }])
    expect(put(Y.createID(1, 1))).not.toThrow()
    expect(put(Y.createID(1, 2))).toThrow(/where it was expected/)
    expect(put(null)).toThrow(/where it was expected/)
  })

  it('holds each of several updates in one transaction against its own verdict alone', () => {
    const both = (first: Touched[], second: Touched[]) => () => {
      const doc = server()
      const updates = [
        edited(doc, client => { client.getText('note').delete(0, 2) }),
        edited(doc, client => { client.getMap('map').delete('key') }),
      ]
      doc.transact(transaction => {
        applyClientUpdate(transaction, doc, updates[0]!)
        audit(transaction, accept(first))
        const mark = markOf(transaction)
        applyClientUpdate(transaction, doc, updates[1]!)
        audit(transaction, accept(second), mark)
      })
    }
    const [note, map] = [[{ root: 'note', key: null }], [{ root: 'map', key: 'key' }]]
    expect(both(note, map)).not.toThrow()
    expect(both(note, note)).toThrow(/reached/)
    expect(both([...note, ...map], [])).toThrow(/reached/)
  })
})
