/** Readers of stored bytes: what each gets, once, and that nobody notices when the document comes into memory and goes. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { messageTexts, say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { QUIET_MS, ada, atRest, bob, closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'
import { BULK_BYTES, PATIENCE_MS, PLACES } from './bulk-gate.ts'

afterEach(closeWorlds)

describe('a reader', () => {
  it.each([3, 60])('of %i messages gets them all although no document is built, and what it answers builds none', async count => {
    const { world, texts } = await atRest(count)
    const page = await world.enter()
    await page.join()
    expect(page.texts).toEqual(texts)
    expect(page.kinds).toEqual(count < 50 ? ['sync-step-2', 'sync-step-1'] : ['update', 'sync-step-2', 'sync-step-1'])
    expect([page.sent, page.acknowledged]).toEqual([1, 1])
    expect(world.decoded).toEqual([])
    const replica = new Y.Doc()
    Y.applyUpdate(replica, Y.encodeStateAsUpdate(page.doc))
    await world.rooms.use(talk, room => room.read(doc => expect(Y.encodeStateVector(replica)).toEqual(Y.encodeStateVector(doc))))
    expect(world.decoded).toEqual([talk])
  })

  it('has everything before the step 2 that makes its provider say so', async () => {
    const { world, texts } = await atRest(60)
    const page = await world.enter()
    await page.join()
    const before = new Y.Doc()
    for (const frame of page.frames.slice(0, page.kinds.indexOf('sync-step-2') + 1)) {
      if (frame.type === 'update' || frame.type === 'sync-step-2') Y.applyUpdate(before, frame.update)
    }
    expect(messageTexts(before)).toEqual(texts)
  })

  it('that comes back gets what it lacks and no more', async () => {
    const { world, texts } = await atRest(60)
    const page = await world.enter()
    await page.join()
    page.close()
    const writer = await world.enter(talk, bob)
    await writer.join()
    say(writer.doc, 'while it was away', { to: [] })
    await settle()
    writer.close()
    await world.restart()
    const again = await world.enter(talk, ada, page.doc)
    await again.join()
    expect(again.texts).toEqual([...texts, 'while it was away'])
    expect(again.kinds).toEqual(['sync-step-2', 'sync-step-1'])
    expect(again.bytes.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(1500)
    expect(world.decoded).toEqual([])
  })

  it('that has half of a snapshot gets the other half', async () => {
    const { world } = await atRest(60)
    const { updates } = world.disk.documents.get(talk)!
    const whole = new Y.Doc()
    for (const update of updates) Y.applyUpdate(whole, update)
    const clocks = new Map([...Y.decodeStateVector(Y.encodeStateVector(whole))].map(([id, clock]) => [id, Math.floor(clock / 2)]))
    const page = await world.enter()
    page.askWith(Y.encodeStateVector(clocks))
    await settle()
    const [sent] = page.frames
    expect(sent?.type === 'update' && Y.encodeStateVectorFromUpdate(sent.update)).not.toEqual(Y.encodeStateVector(whole))
    expect(page.bytes[0]!.length).toBeLessThan(updates[0]!.length * 0.7)
  })

  it('of many large records gets them before the step 2, and those that it lacks when it comes back', async () => {
    const over = world()
    const author = await over.enter()
    await author.join()
    const half = new Y.Doc()
    for (let n = 0; n < 40; n++) {
      say(author.doc, `${n} `.padEnd(8000, 'x'), { to: [] })
      await settle()
      if (n === 19) Y.applyUpdate(half, Y.encodeStateAsUpdate(author.doc))
    }
    author.close()
    await over.restart()
    const [page, back] = [await over.enter(), await over.enter(talk, ada, half)]
    await page.join()
    await back.join()
    for (const each of [page, back]) expect(each.texts).toEqual(author.texts)
    const sent = [page, back].map(({ bytes }) => bytes.reduce((sum, { length }) => sum + length, 0))
    expect(sent[1]).toBeLessThan(0.7 * sent[0]!)
    expect(page.kinds.filter(kind => kind === 'update').length).toBeGreaterThan(2)
    expect(page.bytes[page.kinds.indexOf('sync-step-2')]!.length).toBeLessThan(1000)
    expect(over.decoded).toEqual([])
  })

  it('gets the same bytes as all others who have nothing, from a live room too', async () => {
    const { world } = await atRest(60)
    const pages = await Promise.all([world.enter(), world.enter(), world.enter()])
    for (const page of pages) page.ask()
    await settle()
    expect(pages[1]!.bytes[0]).toBe(pages[0]!.bytes[0])
    expect(pages[2]!.bytes[0]).toBe(pages[0]!.bytes[0])
    await world.rooms.use(talk, room => room.read(() => null))
    const [first, second] = [await world.enter(), await world.enter()]
    await first.join()
    await second.join()
    expect(second.bytes[0]).toBe(first.bytes[0])
    say(first.doc, 'something new', { to: [] })
    await settle()
    const third = await world.enter()
    await third.join()
    expect(third.bytes[0]).not.toBe(first.bytes[0])
    expect(third.texts.at(-1)).toBe('something new')
  })

  it('of a document that nobody has written needs none', async () => {
    const over = world()
    const page = await over.enter()
    await page.join()
    expect(page.kinds).toEqual(['sync-step-2', 'sync-step-1'])
    expect(over.decoded).toEqual([])
    const { epoch } = page.room.lineage
    say(page.doc, 'the first', { to: [] })
    await settle()
    expect(page.texts).toEqual(['the first'])
    expect(over.disk.documents.get(talk)!.lineage!.epoch).toBe(epoch)
  })

  it('who leaves while the bytes are read gets nothing', async () => {
    const { world } = await atRest(3)
    const [page, stays] = [await world.enter(), await world.enter()]
    await world.time.advance(10_000)
    page.ask()
    page.close()
    await settle()
    expect(page.frames).toEqual([])
    await stays.join()
    say(stays.doc, 'to those who stay', { to: [] })
    await settle()
    expect(page.frames).toEqual([])
  })
})

describe('readers of stored bytes', () => {
  it('get each later record once when somebody writes', async () => {
    const { world, texts } = await atRest(60)
    const pages = [await world.enter(), await world.enter(), await world.enter(talk, bob)]
    for (const page of pages) page.ask()
    say(pages[0]!.doc, 'before it has anything', { to: [], parentId: null })
    await settle()
    say(pages[2]!.doc, 'and another', { to: [] })
    await settle()
    for (const page of pages) {
      expect(page.texts).toEqual([...texts, 'before it has anything', 'and another'])
      const updates = page.frames.flatMap(frame => frame.type === 'update' ? [String(frame.update)] : [])
      expect(new Set(updates).size).toBe(updates.length)
    }
    expect(world.decoded).toEqual([talk])
  })

  it('stay when the document leaves memory, and get what is written after that', async () => {
    const { world, texts } = await atRest(3)
    const [reader, writer] = [await world.enter(), await world.enter(talk, bob)]
    await reader.join()
    await writer.join()
    say(writer.doc, 'once', { to: [] })
    await settle()
    expect(reader.room.isLive).toBe(true)
    await world.time.advance(2 * QUIET_MS)
    expect(reader.room.isLive).toBe(false)
    expect(world.disk.documents.get(talk)!.facts).not.toBeNull()
    say(writer.doc, 'twice', { to: [] })
    await settle()
    expect(world.decoded).toEqual([talk, talk])
    for (const page of [reader, writer]) expect(page.texts).toEqual([...texts, 'once', 'twice'])
    const late = await world.enter()
    await late.join()
    expect(late.texts).toEqual(reader.texts)
  })

  it('keep the document in memory as long as somebody writes or an agent holds it', async () => {
    const { world } = await atRest(3)
    const page = await world.enter()
    await page.join()
    let finish = (): void => {}
    const held = world.rooms.use(talk, () => new Promise<void>(resolve => { finish = resolve }))
    await world.time.advance(3 * QUIET_MS)
    expect(page.room.isLive).toBe(true)
    finish()
    await held
    for (let n = 0; n < 4; n++) {
      say(page.doc, `still writing ${n}`, { to: [] })
      await world.time.advance(QUIET_MS * 0.9)
      expect(page.room.isLive).toBe(true)
    }
    await world.time.advance(2 * QUIET_MS)
    expect(page.room.isLive).toBe(false)
  })

  it('who do not read for a while get what they missed as one, whatever the document did meanwhile', async () => {
    const { world, texts } = await atRest(60)
    const [slow, slower, writer] = [await world.enter(), await world.enter(), await world.enter(talk, bob)]
    for (const page of [slow, slower, writer]) await page.join()
    const seen = slow.frames.length
    // Stops and goes on while nothing happens, then stops for longer.
    slow.room.stop(slow)
    slow.room.resume(slow, () => {})
    expect(slow.frames).toHaveLength(seen)
    for (const page of [slow, slower]) page.room.stop(page)
    const write = async (text: string): Promise<void> => {
      texts.push(text)
      say(writer.doc, text, { to: [] })
      await settle()
    }
    await write('one')
    await write('two')
    expect(slow.frames).toHaveLength(seen)
    slow.room.resume(slow, () => {})
    await settle()
    expect([slow.texts, slow.frames.length]).toEqual([texts, seen + 1])
    await write('three')
    await world.time.advance(2 * QUIET_MS)
    expect(writer.room.isLive).toBe(false)
    slower.room.resume(slower, () => {})
    await settle()
    await write('four')
    for (const page of [slow, slower, writer]) expect(page.texts).toEqual(texts)
    expect(slower.kinds.filter(kind => kind === 'sync-step-1')).toHaveLength(1)
  })

  it('who waited for their turn while the document came miss nothing when it goes again', async () => {
    const over = world()
    const page = await over.enter()
    await page.join()
    const texts = ['x'.repeat(BULK_BYTES)]
    say(page.doc, texts[0]!, { to: [] })
    await settle()
    page.close()
    await over.restart()
    const writer = await over.enter(talk, bob)
    await writer.join()
    await over.time.advance(PATIENCE_MS)
    const pages = await Promise.all(Array.from({ length: PLACES + 1 }, () => over.enter()))
    const late = pages.at(-1)!
    for (const each of pages) {
      each.isFull = each !== late
      each.ask()
    }
    await settle()
    expect([late.frames.length, pages.at(-2)!.texts]).toEqual([0, texts])
    const write = async (text: string): Promise<void> => {
      texts.push(text)
      say(writer.doc, text, { to: [] })
      await settle()
    }
    await write('one')
    expect(late.room.isLive).toBe(true)
    // Whatever is read of the log from here on arrives when the document has left memory.
    const read = over.log.read.bind(over.log)
    let arrive = (): void => {}
    const left = new Promise<void>(resolve => { arrive = resolve })
    over.log.read = async name => {
      const stored = await read(name)
      await left
      return stored
    }
    await over.time.advance(PATIENCE_MS)
    over.log.read = read
    await write('two')
    await over.time.advance(2 * QUIET_MS)
    expect(late.room.isLive).toBe(false)
    arrive()
    await settle()
    expect(late.texts).toEqual(texts)
  })

  it('are told when the document can no longer be loaded', async () => {
    const { world } = await atRest(3)
    const [page, other] = [await world.enter(), await world.enter()]
    await page.join()
    await other.join()
    world.log.read = () => Promise.reject(new SkeinError('log-damaged'))
    say(page.doc, 'not stored', { to: [] })
    await settle()
    expect([page.endedBy, other.endedBy, page.acknowledged]).toEqual(['log-damaged', 'log-damaged', 1])
    await expect(world.enter()).rejects.toMatchObject({ code: 'log-damaged' })
  })

  it('are turned away for good when the document is deleted', async () => {
    const { world } = await atRest(3)
    const page = await world.enter()
    await page.join()
    await world.rooms.erase(talk)
    expect(page.endedBy).toBe('gone')
    expect(world.disk.documents.has(talk)).toBe(false)
  })
})
