/** Epochs and the server's own client ids, from one life of a document to the next. */
import { describe, expect, it } from 'vitest'
import type { Lineage } from '../log/port.ts'
import { isServerId, isServerMade, nextEpoch, nextLineage } from './lineage.ts'

/** The id that a server makes of this number. */
const id = (number: number): number => 65_537 * (65_536 + number)
const random = (...numbers: number[]) => {
  const drawn = numbers.flatMap(number => [0, number])
  return { uint32: () => drawn.shift()!, uuid: () => 'fresh-epoch' }
}
const none = (): boolean => false

describe('the lineage of a document', () => {
  it('gives a new document an epoch and two different server ids that nobody has', () => {
    const { lineage, changed } = nextLineage(null, 3, random(5, 6, 6, 7), each => each === id(5))
    expect(changed).toBe(true)
    expect(lineage).toEqual({ epoch: 'fresh-epoch', ids: { generation: 3, message: id(6), transient: id(7) }, earlier: [], retired: [] })
  })

  it('marks every server id, beyond what a client of Yjs draws and within what a number holds exactly', () => {
    for (const [high, low] of [[0, 0], [0, 1], [15, 2 ** 32 - 1], [2 ** 32 - 1, 2 ** 32 - 1], [7, 123_456_789]] as const) {
      const drawn = [high, low, 3, 4]
      const { message, transient } = nextLineage(null, 1, { uint32: () => drawn.shift()!, uuid: () => '' }, none).lineage.ids
      for (const made of [message, transient]) {
        expect([isServerMade(made), Number.isSafeInteger(made), made > 2 ** 32]).toEqual([true, true, true])
      }
    }
    for (const each of [0, 1, 65_537, 2 ** 32 - 1, id(7) + 1]) expect(isServerMade(each)).toBe(false)
  })

  it('keeps the server ids while the log stays in one generation', () => {
    const { lineage } = nextLineage(null, 3, random(1, 2), none)
    expect(nextLineage(lineage, 3, random(), none)).toEqual({ lineage, changed: false })
  })

  it('never reuses a server id after an unclean stop, and still knows the old ones as its own', () => {
    const { lineage } = nextLineage(null, 3, random(1, 2), none)
    const next = nextLineage(lineage, 4, random(1, 2, 8, 8, 9), none).lineage
    expect(next.ids).toEqual({ generation: 4, message: id(8), transient: id(9) })
    expect(next.epoch).toBe(lineage.epoch)
    expect([1, 2, 8, 9].every(number => isServerId(next, id(number)))).toBe(true)
    expect(isServerId(next, id(3))).toBe(false)
  })

  it('keeps the epoch that a document was met under before anything was written', () => {
    expect(nextLineage(null, 1, random(1, 2), none, 'met').lineage.epoch).toBe('met')
    const stored = nextLineage(null, 1, random(1, 2), none).lineage
    expect(nextLineage(stored, 2, random(3, 4), none, 'met').lineage.epoch).toBe('fresh-epoch')
  })

  it('of a new epoch retires every id that the server and strangers wrote under, for good', () => {
    const first = { epoch: 'first', ids: { generation: 1, message: id(1), transient: id(2) }, earlier: [id(3)], retired: [id(4)] }
    const next = nextEpoch(first, [5, id(2)], 1, random(1, 4, 6, 9, 7), each => each === id(9), false)
    expect(next).toEqual({
      epoch: 'fresh-epoch', ids: { generation: 1, message: id(6), transient: id(7) }, earlier: [], retired: [id(4), id(3), id(1), id(2), 5]
    })
    expect(nextLineage(next, 2, random(8, 4, 10), none).lineage.ids).toEqual({ generation: 2, message: id(8), transient: id(10) })
  })

  it('goes on in a new epoch that lost nothing, for the latest ones, and in none after a loss', () => {
    let counter = 10
    const anew = (from: Lineage, isWhole: boolean): Lineage =>
      nextEpoch(from, [], 1, { uint32: () => counter++, uuid: () => `epoch ${counter}` }, none, isWhole)
    const first = nextLineage(null, 1, random(1, 2), none, 'first').lineage
    const second = anew(first, true)
    const third = anew(second, true)
    expect(third.continues).toEqual([second.epoch, 'first'])
    expect(nextLineage(third, 2, random(3, 4), none).lineage.continues).toEqual(third.continues)
    expect(anew(third, false).continues).toBeUndefined()
    let last = third
    for (let i = 0; i < 40; i++) last = anew(last, true)
    expect(last.continues).toHaveLength(16)
  })
})
