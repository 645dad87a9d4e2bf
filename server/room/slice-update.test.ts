/** Cut updates make the document that they were cut from. */
import { describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { runSeed, seededRandom, times, withReplay } from '../../test/rig/seed.ts'
import { loadSizes, sliceUpdate } from './slice-update.ts'

/** In the order of the clients' structs, and again with every text and array cut where it may be. */
const slicesOf = (update: Uint8Array, bytes = loadSizes.bytes): Uint8Array[] =>
  [...sliceUpdate(update, { ...loadSizes, bytes })].filter(slice => slice !== undefined)

const inSlices = (slices: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const slice of slices) {
    doc.transact(() => Y.applyUpdate(doc, slice))
    expect(doc.store.pendingStructs, 'a slice waits for a later one').toBeNull()
    expect(doc.store.pendingDs).toBeNull()
  }
  return doc
}

const whole = (update: Uint8Array): Y.Doc => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, update)
  return doc
}

const isSame = (update: Uint8Array, bytes?: number): void => {
  const [sliced, once] = [inSlices(slicesOf(update, bytes)), whole(update)]
  expect(contentOf(sliced)).toEqual(contentOf(once))
  // What is deleted, and all client ids with their clocks. How structs are merged with their neighbours may differ.
  expect(Y.equalSnapshots(Y.snapshot(sliced), Y.snapshot(once))).toBe(true)
}

const contentOf = (doc: Y.Doc): unknown =>
  [doc.getText('text').toDelta(), doc.getArray('list').toJSON(), doc.getMap('map').toJSON(), doc.getArray('messages').toJSON()]

const WORDS = ['ä', '🙂', 'word ', '漢字', 'x'.repeat(70), '👩‍👩‍👧']

/** Several people who write at once into texts, arrays, maps and nested types, with deletions, and now and then hear of one another. */
const writeTogether = (random: () => number, turns: number, gc: boolean): Uint8Array => {
  const docs = Array.from({ length: 4 }, (_, n) => {
    const doc = new Y.Doc({ gc })
    doc.clientID = 1 + n * 1000 + Math.floor(random() * 1000)
    return doc
  })
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const value = (): unknown => pick([1, -70000, 2.5, 1e300, null, true, false, 'ä🙂', new Uint8Array([1, 2]), { a: [1, { b: 'c' }], d: undefined }, [[]]])
  for (let turn = 0; turn < turns; turn++) {
    const doc = pick(docs)
    const [text, list, map] = [doc.getText('text'), doc.getArray('list'), doc.getMap('map')]
    const at = (length: number): number => Math.floor(random() * (length + 1))
    pick([
      () => text.insert(at(text.length), pick(WORDS)),
      () => text.insert(text.length, pick(WORDS)),
      () => text.format(at(text.length - 1), 1, { bold: random() < 0.5 }),
      () => text.insertEmbed(at(text.length), { image: 1 }),
      () => text.length > 3 && text.delete(at(text.length - 3), 3),
      () => list.push(Array.from({ length: 1 + at(5) }, value)),
      () => list.insert(at(list.length), [new Y.Map([['k', new Y.Text('nested')]]), new Y.XmlElement('p')]),
      () => list.length > 2 && list.delete(at(list.length - 2), 2),
      () => map.set(pick(['a', 'b', 'c']), value()),
      () => map.set(pick(['a', 'b', 'c']), new Y.Array()),
      () => map.delete(pick(['a', 'b', 'c'])),
      () => list.forEach(nested => nested instanceof Y.Map && nested.set(pick(['k', 'l']), new Y.Text(pick(WORDS)))),
      () => Y.applyUpdate(doc, Y.encodeStateAsUpdate(pick(docs))),
    ])()
  }
  const all = new Y.Doc({ gc })
  for (const doc of docs) Y.applyUpdate(all, Y.encodeStateAsUpdate(doc))
  return Y.encodeStateAsUpdate(all)
}

describe('a sliced update', () => {
  test('makes the same document as the update at once, however small the slices are', async () => {
    const seed = runSeed()
    await withReplay(seed, 'server/room/slice-update.test.ts', async () => {
      const random = seededRandom(seed)
      for (let run = 0; run < times(2000, 40); run++) {
        const update = writeTogether(random, 150, random() < 0.5)
        isSame(update, 1 + Math.floor(random() * 400))
      }
    })
  })

  test('cuts what one client wrote in a row', () => {
    const doc = new Y.Doc()
    doc.getArray('messages').push(Array.from({ length: 2000 }, (_, n) => ({ id: String(n), text: 'x'.repeat(1000) })))
    doc.getText('text').insert(0, 'ä🙂'.repeat(200_000))
    const update = Y.encodeStateAsUpdate(doc)
    const slices = slicesOf(update)
    expect(slices.length).toBeGreaterThan(20)
    for (const slice of slices) expect(slice.length).toBeLessThan(140_000)
    isSame(update)
  })

  test('cuts many deletions', () => {
    const doc = new Y.Doc()
    const map = doc.getMap('map')
    doc.transact(() => { for (let n = 0; n < 12_000; n++) map.set(`${n}`, n) })
    doc.transact(() => { for (let n = 0; n < 12_000; n += 2) map.delete(`${n}`) })
    const update = Y.encodeStateAsUpdate(doc)
    isSame(update, 20_000)
    const undeleted = new Y.Doc()
    undeleted.clientID = doc.clientID
    undeleted.transact(() => { for (let n = 0; n < 12_000; n++) undeleted.getMap('map').set(`${n}`, n) })
    const slices = slicesOf(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(doc)))
    expect(slices).toHaveLength(2)
    for (const slice of slices) Y.applyUpdate(undeleted, slice)
    expect(undeleted.getMap('map').toJSON()).toEqual(map.toJSON())
  })

  test('deletes each struct in the slice that brings it', () => {
    const doc = new Y.Doc({ gc: false })
    const map = doc.getMap('map')
    for (let n = 0; n < 2000; n++) map.set(`${n}`, n)
    for (let n = 0; n < 2000; n++) if (n % 3 > 0) map.delete(`${n}`)
    map.set('0', 'another')
    const sliced = new Y.Doc()
    let slices = 0
    for (const slice of slicesOf(Y.encodeStateAsUpdate(doc), 500)) {
      Y.applyUpdate(sliced, slice)
      slices++
      for (const key of sliced.getMap('map').keys()) expect(Number(key) % 3).toBe(0)
      expect(sliced.getMap('map').get('0')).not.toBe(0)
    }
    expect(slices).toBeGreaterThan(20)
    isSame(Y.encodeStateAsUpdate(doc), 500)
  })

  test('keeps a type with its first entries, and the value of a key whole', () => {
    const doc = new Y.Doc({ gc: false })
    const map = doc.getMap<Y.Map<unknown>>('map')
    for (let n = 0; n < 500; n++) map.set(`${n}`, new Y.Map<unknown>([['head', { n }], ['parts', new Y.Array()]]))
    const sliced = new Y.Doc()
    for (const slice of slicesOf(Y.encodeStateAsUpdate(doc), 40)) {
      Y.applyUpdate(sliced, slice)
      for (const draft of sliced.getMap<Y.Map<unknown>>('map').values()) expect([...draft.keys()]).toEqual(['head', 'parts'])
    }
    isSame(Y.encodeStateAsUpdate(doc), 40)
  })

  test('is none, in bounded time, where the bytes end too early or say what cannot be', () => {
    const doc = new Y.Doc()
    doc.getArray('list').push([1, 'two', { three: [3] }])
    doc.getText('text').insert(0, 'x'.repeat(1000))
    doc.getText('text').delete(3, 4)
    const update = Y.encodeStateAsUpdate(doc)
    for (let length = 0; length < update.length; length++) expect(() => slicesOf(update.slice(0, length), 10)).toThrow()
    expect(() => slicesOf(Uint8Array.of(...update, 0), 10)).toThrow()
    // One struct of 2^50 values, none of which is there.
    const promises = [1, 1, 7, 0, 8, 1, 1, 97, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2]
    expect(() => slicesOf(Uint8Array.from(promises), 10)).toThrow()
  })

  test('holds what another client\'s text stands on before it', () => {
    const [first, second] = [new Y.Doc(), new Y.Doc()]
    // Yjs writes the higher client id first.
    first.clientID = 1
    second.clientID = 2
    for (let n = 0; n < 500; n++) {
      const [writer, other] = n % 2 ? [first, second] : [second, first]
      writer.getText('text').insert(writer.getText('text').length, `${n} `.repeat(200))
      Y.applyUpdate(other, Y.encodeStateAsUpdate(writer, Y.encodeStateVector(other)))
    }
    isSame(Y.encodeStateAsUpdate(first), 1000)
  })

  test('that is small is left whole', () => {
    const doc = new Y.Doc()
    doc.getText('text').insert(0, 'x')
    const update = Y.encodeStateAsUpdate(doc)
    expect(slicesOf(update)).toEqual([update])
  })
})
