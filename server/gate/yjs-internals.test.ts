/** Consecutive values are joined without copying those before them, and everything else is as with Yjs alone. */
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import './yjs-internals.ts'

const contentsOf = (doc: Y.Doc): Y.ContentAny[] => {
  const found: Y.ContentAny[] = []
  for (let item = doc.getArray('a')._start; item; item = item.right) if (item.content instanceof Y.ContentAny) found.push(item.content)
  return found
}

test('values that follow each other are one item, and its array is not copied for each of them', () => {
  const doc = new Y.Doc()
  doc.getArray('a').push([0, 1])
  const { arr } = contentsOf(doc)[0]!
  for (let n = 2; n < 100; n++) doc.getArray('a').push([n])
  expect(contentsOf(doc)).toHaveLength(1)
  expect(contentsOf(doc)[0]!.arr).toBe(arr)
  expect(doc.getArray('a').toArray()).toEqual(Array.from({ length: 100 }, (_, n) => n))
})

test('the bytes are those of a Yjs that nobody changed: written one by one, in pieces, and loaded from either', () => {
  const [doc, other, atOnce] = [new Y.Doc(), new Y.Doc(), new Y.Doc()]
  doc.clientID = atOnce.clientID = 7
  const values = Array.from({ length: 500 }, (_, n) => ({ n }))
  doc.on('update', (update: Uint8Array) => Y.applyUpdate(other, update))
  for (const value of values) doc.getArray('a').push([value])
  atOnce.getArray('a').push(values)
  const bytes = Y.encodeStateAsUpdate(atOnce)
  expect(Y.encodeStateAsUpdate(doc)).toEqual(bytes)
  expect(Y.encodeStateAsUpdate(other)).toEqual(bytes)
  const loaded = new Y.Doc()
  Y.applyUpdate(loaded, bytes)
  expect(Y.encodeStateAsUpdate(loaded)).toEqual(bytes)
})

test('pieces of an item that was cut have arrays of their own, and so have copies', () => {
  const doc = new Y.Doc()
  const list = doc.getArray('a')
  list.push([0, 1, 2, 3])
  list.insert(2, ['between'])
  list.push([4])
  const [left, , right] = contentsOf(doc)
  expect([left!.arr, right!.arr]).toEqual([[0, 1], [2, 3]])
  const copy = left!.copy()
  copy.mergeWith(new Y.ContentAny(['more']))
  expect([left!.arr, copy.arr]).toEqual([[0, 1], [0, 1, 'more']])
})

test('an array that Yjs has frozen is replaced once', () => {
  const content = new Y.ContentAny(Object.freeze([1]) as number[])
  content.mergeWith(new Y.ContentAny([2]))
  const { arr } = content
  content.mergeWith(new Y.ContentAny([3]))
  expect([content.arr, content.arr === arr]).toEqual([[1, 2, 3], true])
})
