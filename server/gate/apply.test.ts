/** A client's update is applied inside a transaction of the server without the traps that Yjs sets there. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { applyClientUpdate } from './apply.ts'

/** A document whose client wrote, and an update with an insertion at the front of its array and text. */
const world = () => {
  const server = new Y.Doc()
  const list = server.getArray<number>('list')
  list.push([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  // Reading by index leaves a search marker: "index 8 is here".
  list.insert(8, [100])
  const client = new Y.Doc()
  Y.applyUpdate(client, Y.encodeStateAsUpdate(server))
  client.getArray('list').insert(0, [-3, -2, -1])
  return { server, list, bytes: Y.encodeStateAsUpdate(client, Y.encodeStateVector(server)) }
}

describe('applyClientUpdate', () => {
  it('keeps the document\'s client id when the server writes in the same transaction', () => {
    const { server, list, bytes } = world()
    const before = server.clientID
    server.transact(transaction => {
      applyClientUpdate(transaction, server, bytes)
      list.push([200])
    })
    expect(server.clientID).toBe(before)
  })

  it('is needed: Yjs alone changes the client id then', () => {
    const { server, list, bytes } = world()
    const before = server.clientID
    server.transact(() => {
      Y.applyUpdate(server, bytes)
      list.push([200])
    })
    expect(server.clientID).not.toBe(before)
  })

  it('lets the server\'s next edit by index land at its index', () => {
    const { server, list, bytes } = world()
    server.transact(transaction => {
      applyClientUpdate(transaction, server, bytes)
      list.insert(8, [300])
    })
    expect(list.toArray().indexOf(300)).toBe(8)
    list.insert(8, [400])
    expect(list.toArray().indexOf(400)).toBe(8)
  })

  it('is needed: with the transaction made local and nothing else, stale search markers move the edit', () => {
    const { server, list, bytes } = world()
    server.transact(transaction => {
      Y.applyUpdate(server, bytes)
      transaction.local = true
    })
    list.insert(8, [400])
    expect(list.toArray().indexOf(400)).not.toBe(8)
  })

  it('leaves no roots behind that an update only names', () => {
    const server = new Y.Doc()
    const client = new Y.Doc()
    client.getMap('map').set('a', new Y.Map([['b', 1]]))
    const early = Y.encodeStateAsUpdate(client)
    Y.applyUpdate(server, early)
    server.getMap('map').delete('a')
    // Known already, below a root that the document does not have: Yjs creates it while it reads.
    const named = Uint8Array.from([1, 1, 7, 0, 8, 1, 4, ...new TextEncoder().encode('new!'), 1, 125, 1, 0])
    const owner = new Y.Doc()
    owner.clientID = 7
    owner.getArray('other').push([1])
    Y.applyUpdate(server, Y.encodeStateAsUpdate(owner))
    server.transact(transaction => applyClientUpdate(transaction, server, named))
    expect([...server.share.keys()]).toEqual(['map', 'other'])
  })
})
