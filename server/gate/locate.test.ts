/** Where items stand is found by climbing to their root; an item that stands nowhere is a fault, not a place. */
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { any, oneBlock, type } from '../../test/fuzz/update-writer.ts'
import { Locator, touchedKey } from './locate.ts'

it('an item deep inside a map touches the key under the root', () => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, oneBlock(1, 0, { parent: 'map', key: 'a', content: type('map') }, { parent: [1, 0], key: 'b', content: any(1) }))
  const place = new Locator(doc, 'free').ofKnown(Y.getItem(doc.store, Y.createID(1, 1)))
  expect([place.holder.root, touchedKey(place), place.key, place.holder.depth]).toEqual(['map', 'a', 'b', 1])
})

it('an item that no document holds has no place', () => {
  const { structs: [item] } = Y.decodeUpdate(oneBlock(1, 0, { parent: 'list', content: any(1) }))
  expect(() => new Locator(new Y.Doc(), 'free').ofKnown(item as Y.Item)).toThrow('no parent type')
})
