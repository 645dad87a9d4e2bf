import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { LittleServer } from '../../test/fuzz/little-server.ts'
import { ada, Peer } from '../../test/fuzz/worlds.ts'
import { limits } from '../../shared/limits.ts'

describe('a nested type', () => {
  it('may be written for ever at the same keys: what was overwritten does not count', () => {
    const server = new LittleServer('free')
    const peer = new Peer(server, ada)
    const shape = new Y.Map<number>()
    peer.edit(() => peer.doc.getMap('board').set('shape', shape))
    for (let turn = 0; turn < 6; turn++) {
      const verdict = peer.edit(() => {
        for (let step = 0; step < limits.nestedStructs / 8; step++) for (const key of ['x', 'y']) shape.set(key, step)
      })
      expect(verdict.kind).toBe('accept')
    }
    expect(server.doc.getMap<Y.Map<number>>('board').get('shape')!.toJSON()).toEqual(shape.toJSON())
  })

  it('holds so many living values, and no more', () => {
    const server = new LittleServer('free')
    const peer = new Peer(server, ada)
    const shape = new Y.Map<number>()
    peer.edit(() => peer.doc.getMap('board').set('shape', shape))
    const add = (from: number, to: number) => peer.edit(() => { for (let n = from; n < to; n++) shape.set(`${n}`, n) })
    for (let at = 0; at < limits.nestedStructs; at += 1000) expect(add(at, at + 1000).kind).toBe('accept')
    expect(add(limits.nestedStructs, limits.nestedStructs + 1)).toMatchObject({ kind: 'refuse', code: 'too-large' })
  })
})
