/** Stored records put side by side are the document that Yjs makes of them. */
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { runSeed, seededRandom, times, withReplay } from '../../test/rig/seed.ts'
import { written } from '../../test/rig/written-document.ts'
import { isDeleted } from './deletions.ts'
import { joinUpdates } from './join-updates.ts'
import type { Joined } from './join-updates.ts'

const FILE = 'server/room/join-updates.test.ts'

const join = (updates: readonly Uint8Array[]): Joined => {
  const joining = joinUpdates(updates)
  for (;;) {
    const { done, value } = joining.next()
    if (done) return value
  }
}

const replica = (...updates: Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  expect([doc.store.pendingStructs, doc.store.pendingDs]).toEqual([null, null])
  return doc
}

describe('records as one update', () => {
  it('make the same document as one by one, from any of them on, with Yjs\'s own differences and merging', async () => {
    const seed = runSeed()
    await withReplay(seed, FILE, async () => {
      const random = seededRandom(seed)
      for (let round = 0; round < times(2000, 60); round++) {
        const { doc, records } = written(random, 40)
        const from = Math.floor(random() * records.length)
        const before = replica(...records.slice(0, from))
        const joined = join(records.slice(from))
        const joinedAll = join(records)
        const ends = Y.decodeStateVector(Y.encodeStateVector(doc))
        expect(new Map([...Y.decodeStateVector(Y.encodeStateVector(before)), ...joined.ends])).toEqual(ends)
        expect(joinedAll.ends).toEqual(ends)
        const same = [
          replica(joinedAll.update),
          replica(Y.encodeStateAsUpdate(before), joined.update),
          replica(Y.encodeStateAsUpdate(before), Y.diffUpdate(joinedAll.update, Y.encodeStateVector(before))),
          replica(Y.mergeUpdates([Y.encodeStateAsUpdate(before), joined.update])),
        ]
        for (const copy of same) expect(Y.equalSnapshots(Y.snapshot(copy), Y.snapshot(doc))).toBe(true)
        for (const copy of same) expect(copy.getText('text').toDelta()).toEqual(doc.getText('text').toDelta())
        for (const [client, ranges] of Y.snapshot(doc).ds.clients) {
          for (const { clock, len } of ranges) expect(isDeleted(joinedAll.deletions, client, clock, len)).toBe(true)
        }
      }
    })
  })

  it('are merged by Yjs when they do not go on one from the other', () => {
    const doc = new Y.Doc()
    const records: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => records.push(update))
    for (const word of ['one ', 'two ', 'three ']) doc.getText('text').insert(doc.getText('text').length, word)
    const [first, second, third] = records as [Uint8Array, Uint8Array, Uint8Array]
    expect(replica(join([first, third, second]).update).getText('text').toJSON()).toBe('one two three ')
    expect(replica(join([first, Y.mergeUpdates([first, second]), third]).update).getText('text').toJSON()).toBe('one two three ')
  })

  it('know what is deleted, to the letter', () => {
    const deletions = new Map([[7, [{ clock: 3, length: 2 }, { clock: 10, length: 5 }]]])
    const known = (clock: number, length: number): boolean => isDeleted(deletions, 7, clock, length)
    expect([known(3, 2), known(4, 1), known(10, 5), known(12, 3)]).toEqual([true, true, true, true])
    expect([known(2, 2), known(3, 3), known(5, 1), known(9, 2), known(14, 2), isDeleted(deletions, 8, 3, 1)]).toEqual(Array(6).fill(false))
  })
})
