/** How far an update is followed that is too much for one: what it may cost in all is bounded. */
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { takeInSlices } from './take-in-slices.ts'
import type { Outcome } from './take-in-slices.ts'

const STRUCTS = 5000
const whole = { kind: 'refused', code: 'too-expensive', reason: 'Too much for one update.' } as const

/** So many letters, none of which merges with another. */
const update = (): Uint8Array => {
  const doc = new Y.Doc()
  for (let i = 0; i < STRUCTS; i++) doc.getText().insert(0, 'x')
  return Y.encodeStateAsUpdate(doc)
}

/** @param affordable how many structs a slice may have without being too expensive */
const take = async (affordable: number): Promise<{ outcome: Outcome, taken: number, dear: number }> => {
  let [taken, dear] = [0, 0]
  const outcome = await takeInSlices(update(), whole, false, {
    receive: slice => {
      const { structs } = Y.decodeUpdate(slice)
      if (structs.length > affordable) {
        dear++
        return Promise.resolve(whole)
      }
      taken += structs.length
      return Promise.resolve({ kind: 'taken', results: [] })
    },
    yieldToOthers: () => Promise.resolve(),
  })
  return { outcome, taken, dear }
}

it('all of it is taken where a slice is too expensive now and then', async () => {
  expect(await take(199)).toMatchObject({ outcome: { kind: 'taken' }, taken: STRUCTS })
})

it('ends as the whole would have where slice after slice is too expensive', async () => {
  const { outcome, taken, dear } = await take(2)
  expect(outcome).toBe(whole)
  expect(dear).toBe(41)
  expect(taken).toBeLessThan(STRUCTS)
})
