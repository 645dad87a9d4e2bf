/** A stored document in parts: who comes with whatever it has gets what it lacks of it, and shares that with others. */
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { decodeFrame } from '../../shared/wire/codec.ts'
import { runSeed, seededRandom, times, withReplay } from '../../test/rig/seed.ts'
import { written } from '../../test/rig/written-document.ts'
import type { Outgoing } from './outgoing.ts'
import { sliceUpdate } from './slice-update.ts'
import { StoredParts } from './stored-parts.ts'
import type { Held } from './stored-parts.ts'

const FILE = 'server/room/stored-parts.test.ts'
const turn = (): Promise<void> => Promise.resolve()

const apply = (doc: Y.Doc, outgoing: Outgoing): void => {
  for (const bytes of outgoing.frames) {
    const frame = decodeFrame(bytes)
    if (frame?.type !== 'update') throw new Error(`a ${frame?.type} in an answer`)
    Y.applyUpdate(doc, frame.update)
    expect(doc.store.pendingStructs, 'what is applied waits for nothing').toBeNull()
  }
}

const heldBy = (doc: Y.Doc): Held => Y.decodeStateVector(Y.encodeStateVector(doc))

it('makes whole whoever has any of it, and what is lacked as a whole is the same for all', async () => {
  const seed = runSeed()
  await withReplay(seed, FILE, async () => {
    const random = seededRandom(seed)
    for (let round = 0; round < times(1000, 40); round++) {
      const { doc, records } = written(random, 40)
      const slices = [...sliceUpdate(Y.encodeStateAsUpdate(doc), { bytes: 60, structs: 5, deletions: 3 })]
      const parts = await StoredParts.of(slices.filter(slice => slice !== undefined), turn, 1 + Math.floor(random() * 100))
      const deletions = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(doc))
      const whole = await (await parts.missing(new Map())).frames()
      for (let reader = 0; reader < 4; reader++) {
        const replica = new Y.Doc()
        for (const record of records.slice(0, Math.floor(random() * (records.length + 1)))) Y.applyUpdate(replica, record)
        const { bytes, frames } = await parts.missing(heldBy(replica))
        const sent = await frames()
        expect(sent.reduce((sum, outgoing) => sum + outgoing.bytes, 0)).toBeLessThanOrEqual(bytes + 16 * sent.length)
        for (const outgoing of sent) apply(replica, outgoing)
        Y.applyUpdate(replica, deletions)
        expect(Y.equalSnapshots(Y.snapshot(replica), Y.snapshot(doc))).toBe(true)
        if (replica.store.clients.size === 0) expect(sent).toEqual(whole)
      }
      const all = await parts.missing(heldBy(doc))
      expect([all.bytes, (await all.frames()).length]).toEqual([0, 0])
    }
  })
})

it('cuts the part that is had in part, and nothing else', async () => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (let n = 0; n < 30; n++) doc.getArray('list').push([`${n} `.padEnd(1000, 'x')])
  const parts = await StoredParts.of([...updates], turn, 5000)
  const readers = [new Map(), new Map([[doc.clientID, 17]])]
  const [whole, some] = await Promise.all(readers.map(async held => (await parts.missing(held)).frames()))
  expect(whole).toHaveLength(6)
  expect(some).toHaveLength(3)
  expect(some!.slice(1)).toEqual(whole!.slice(4))
  for (const [n, outgoing] of some!.slice(1).entries()) expect(outgoing).toBe(whole![4 + n])
  expect(some![0]!.bytes).toBeLessThan(whole![3]!.bytes)
})

it('cuts what was stored as one large value', async () => {
  const doc = new Y.Doc()
  doc.getArray('list').push(Array.from({ length: 700 }, (_, n) => `${n} `.padEnd(1000, 'x')))
  let turns = 0
  const parts = await StoredParts.of([Y.encodeStateAsUpdate(doc)], async () => { turns++ })
  const whole = await (await parts.missing(new Map())).frames()
  expect(whole.length).toBeGreaterThan(4)
  expect(turns).toBeGreaterThanOrEqual(whole.length - 1)
  const replica = new Y.Doc()
  for (const outgoing of whole) apply(replica, outgoing)
  expect(replica.getArray('list').toJSON()).toEqual(doc.getArray('list').toJSON())
})
