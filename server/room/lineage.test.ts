import { describe, expect, it } from 'vitest'
import { isServerId, nextEpoch, nextLineage } from './lineage.ts'

const random = (...numbers: number[]) => ({ uint32: () => numbers.shift()!, uuid: () => 'fresh-epoch' })
const none = (): boolean => false

describe('the lineage of a document', () => {
  it('gives a new document an epoch and two different server ids that nobody has', () => {
    const { lineage, changed } = nextLineage(null, 3, random(0, 5, 6, 6, 7), id => id === 5)
    expect(changed).toBe(true)
    expect(lineage).toEqual({ epoch: 'fresh-epoch', ids: { generation: 3, message: 6, transient: 7 }, earlier: [], retired: [] })
  })

  it('keeps the server ids while the log stays in one generation', () => {
    const { lineage } = nextLineage(null, 3, random(1, 2), none)
    expect(nextLineage(lineage, 3, random(), none)).toEqual({ lineage, changed: false })
  })

  it('never reuses a server id after an unclean stop, and still knows the old ones as its own', () => {
    const { lineage } = nextLineage(null, 3, random(1, 2), none)
    const next = nextLineage(lineage, 4, random(1, 2, 8, 8, 9), none).lineage
    expect(next.ids).toEqual({ generation: 4, message: 8, transient: 9 })
    expect(next.epoch).toBe(lineage.epoch)
    expect([1, 2, 8, 9].every(id => isServerId(next, id))).toBe(true)
    expect(isServerId(next, 3)).toBe(false)
  })

  it('keeps the epoch that a document was met under before anything was written', () => {
    expect(nextLineage(null, 1, random(1, 2), none, 'met').lineage.epoch).toBe('met')
    const stored = nextLineage(null, 1, random(1, 2), none).lineage
    expect(nextLineage(stored, 2, random(3, 4), none, 'met').lineage.epoch).toBe('fresh-epoch')
  })

  it('of a new epoch retires every id that the server and strangers wrote under, for good', () => {
    const first = { epoch: 'first', ids: { generation: 1, message: 1, transient: 2 }, earlier: [3], retired: [4] }
    const next = nextEpoch(first, [5, 2], 1, random(1, 4, 6, 9, 7), id => id === 9)
    expect(next).toEqual({ epoch: 'fresh-epoch', ids: { generation: 1, message: 6, transient: 7 }, earlier: [], retired: [4, 3, 1, 2, 5] })
    expect(nextLineage(next, 2, random(5, 8, 4, 10), none).lineage.ids).toEqual({ generation: 2, message: 8, transient: 10 })
  })
})
