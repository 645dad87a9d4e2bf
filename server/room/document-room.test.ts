/** Rooms without a document in memory: what they judge, what they know of their document, and when they leave memory themselves. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { QUIET_MS, ada, atRest, bob, closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'
import { squashLimits } from './squash.ts'

afterEach(closeWorlds)

describe('a room without a document in memory', () => {
  it('judges what was sent by who has gone since', async () => {
    const { world, texts } = await atRest(3)
    const page = await world.enter()
    await page.join()
    say(page.doc, 'and gone', { to: [] })
    page.close()
    await settle()
    const late = await world.enter()
    await late.join()
    expect(late.texts).toEqual([...texts, 'and gone'])
  })

  it('does not acknowledge deletions that it does not know, nor bytes that are no update', async () => {
    const { world } = await atRest(60)
    const page = await world.enter()
    await page.join()
    const forged = new Y.Doc()
    Y.applyUpdate(forged, Y.encodeStateAsUpdate(page.doc))
    forged.getArray('messages').delete(0)
    page.submit(Y.encodeStateAsUpdate(forged, Y.encodeStateVector(forged)))
    await settle()
    expect(page.refusedBy).toBe('forged')
    const other = await world.enter()
    await other.join()
    other.submit(new Uint8Array([0, 1, 2]))
    await settle()
    expect(other.refusedBy).toBe('malformed')
  })

  it('knows a page of an earlier epoch', async () => {
    const over = world()
    const page = await over.enter()
    await page.join()
    say(page.doc, 'long ago', { to: [] })
    await settle()
    page.close()
    over.squashAt = { ...squashLimits, clients: 0 }
    await over.restart()
    // Begins the epoch.
    const first = await over.enter(talk, bob)
    await first.join()
    first.close()
    over.squashAt = squashLimits
    await over.restart()
    const second = await over.enter(talk, bob)
    await second.join()
    expect(second.texts).toEqual(['long ago'])
    expect(over.decoded).toEqual([])
    expect(second.room.isStale(Y.decodeStateVector(Y.encodeStateVector(page.doc)).keys())).toBe(true)
    expect(second.room.isStale(Y.decodeStateVector(Y.encodeStateVector(second.doc)).keys())).toBe(false)
  })

  it('begins a new epoch before anybody enters, when what is said of its snapshot asks for it', async () => {
    const { world } = await atRest(60)
    const page = await world.enter()
    await page.join()
    const { epoch } = page.room.lineage
    page.close()
    world.squashAt = { ...squashLimits, tombstones: 0 }
    await world.restart()
    const next = await world.enter()
    await next.join()
    expect(next.room.lineage.epoch).not.toBe(epoch)
    expect(next.texts).toEqual(page.texts)
  })

  it('refuses what a newer program wrote', async () => {
    const { world } = await atRest(3)
    const page = await world.enter()
    await world.rooms.use(talk, room => room.write('a newer program', ({ doc }) => { doc.getMap('meta').set('schema', 99) }))
    page.close()
    await world.time.advance(3 * QUIET_MS)
    expect(world.disk.documents.get(talk)!.facts!.schema).toBe(99)
    await world.restart()
    await expect(world.enter()).rejects.toMatchObject({ code: 'newer-schema' })
  })

  it('lets nobody show presence under another person\'s client id, and what was announced counts when the document comes', async () => {
    const { world } = await atRest(3)
    const page = await world.enter(talk, bob)
    const owned = [...world.disk.documents.get(talk)!.bindings.keys()][0]!
    expect(page.room.claimClient(owned, bob, bob)).toBe(false)
    expect(page.room.claimClient(owned, ada, ada)).toBe(true)
    expect(page.room.claimClient(4711, bob, bob)).toBe(true)
    await world.rooms.use(talk, room => room.read(() => null))
    expect(page.room.claimClient(4711, ada, ada)).toBe(false)
    expect(page.room.isLive).toBe(true)
  })

  it('leaves memory with its last reader', async () => {
    const { world } = await atRest(60)
    const page = await world.enter()
    await page.join()
    page.close()
    await settle()
    expect(world.rooms.size).toBe(0)
    await world.time.advance(QUIET_MS)
    expect(world.time.pending).toBe(0)
  })

  it('serves no record that may hold what was redacted', async () => {
    const { world } = await atRest(3)
    const read = world.log.read.bind(world.log)
    let owes = true
    world.log.read = async name => {
      const stored = await read(name)
      return stored && { ...stored, ...owes && { owesScrub: true } }
    }
    const page = await world.enter()
    expect(world.decoded).toEqual([talk])
    owes = false
    page.close()
  })

  it('whose snapshot nobody knows is decoded once, and served as bytes from then on', async () => {
    const { world, texts } = await atRest(60)
    world.disk.documents.get(talk)!.facts = null
    const page = await world.enter()
    await page.join()
    expect(world.decoded).toEqual([talk])
    await world.time.advance(2 * QUIET_MS)
    expect(page.room.isLive).toBe(false)
    const next = await world.enter()
    await next.join()
    expect(next.texts).toEqual(texts)
    expect(world.decoded).toEqual([talk])
  })
})
