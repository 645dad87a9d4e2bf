/** What an update repeats of what is known must be the same. */
import { describe, expect, it } from 'vitest'
import { LittleServer } from '../../test/fuzz/little-server.ts'
import { any, deleted, oneBlock, text, writeUpdate } from '../../test/fuzz/update-writer.ts'
import type { ItemSpec } from '../../test/fuzz/update-writer.ts'
import { NEW, send } from '../../test/fuzz/verdicts.ts'

describe('overlaps', () => {
  const world = () => {
    const server = new LittleServer('free')
    send(server, oneBlock(NEW, 0, { parent: 'text', content: text('abcdef') }))
    return server
  }
  const again = (content: ItemSpec['content'], more: Partial<ItemSpec> = {}) => oneBlock(NEW, 0, { parent: 'text', content, ...more })

  it('that say the same are nothing, however they are cut', () => {
    expect(send(world(), again(text('abcdef')))).toBe('nothing')
    expect(send(world(), oneBlock(NEW, 0, { parent: 'text', content: text('ab') }, { origin: [NEW, 1], content: text('cdef') }))).toBe('nothing')
    expect(send(world(), oneBlock(NEW, 2, { origin: [NEW, 1], content: text('cd') }))).toBe('nothing')
  })

  it('may bring more behind what is known', () => {
    const server = world()
    expect(send(server, again(text('abcdefgh')))).toBe('accept')
    expect(server.doc.getText('text').toJSON()).toBe('abcdefgh')
  })

  it('that say something else are conflicts', () => {
    expect(send(world(), again(text('abcxef')))).toBe('id-conflict')
    expect(send(world(), again(any(1, 2, 3, 4, 5, 6)))).toBe('id-conflict')
    expect(send(world(), again(text('abcdef'), { parent: 'other' }))).toBe('id-conflict')
    expect(send(world(), again(text('abcdef'), { key: 'a' }))).toBe('id-conflict')
    expect(send(world(), oneBlock(NEW, 2, { origin: [NEW, 0], content: text('cd') }))).toBe('id-conflict')
    expect(send(world(), oneBlock(NEW, 2, { rightOrigin: [NEW, 0], content: text('cd') }))).toBe('id-conflict')
    expect(send(world(), again(text('abcxefgh')))).toBe('id-conflict')
  })

  it('count by their length where either side is deleted', () => {
    expect(send(world(), again(deleted(6)))).toBe('nothing')
    expect(send(world(), oneBlock(NEW, 0, { gc: 6 }))).toBe('nothing')
    const server = world()
    send(server, writeUpdate({ deletes: [{ client: NEW, ranges: [[0, 6]] }] }))
    expect(send(server, again(text('uvwxyz')))).toBe('nothing')
  })

  it('cannot continue a tombstone that no longer knows its place with living text', () => {
    const server = world()
    expect(send(server, oneBlock(NEW, 6, { gc: 2 }))).toBe('accept')
    expect(send(server, oneBlock(NEW, 6, { origin: [NEW, 5], content: text('uvwx') }))).toBe('id-conflict')
  })

  it('see through a surrogate pair that was split', () => {
    const server = new LittleServer('free')
    send(server, again(text('a😀b')))
    const other = oneBlock(801, 0, { origin: [NEW, 1], rightOrigin: [NEW, 2], content: text('x') })
    expect(send(server, other)).toBe('accept')
    expect(send(server, again(text('a😀b')))).toBe('nothing')
  })
})
