/** Who joins a document in memory: a large one is sent as the log holds it, with all that came since, and each waits for its turn. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { proposeRedact, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf, parseDocumentName } from '../../shared/ids.ts'
import { messageTexts, newRequestId, say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { QUIET_MS, ada, closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'
import { oneATurn } from './turns.ts'

afterEach(closeWorlds)

const large = async (secret: string) => {
  const over = world()
  const author = await over.enter()
  await author.join()
  const [id, first] = [say(author.doc, secret, { to: [] }), say(author.doc, 'first', { to: [] })]
  await settle()
  for (let n = 0; n < 22; n++) {
    say(author.doc, `${n} `.padEnd(200_000, 'x'), { to: [] })
    await settle()
  }
  // A snapshot is made at once.
  putRequest(author.doc, newRequestId(), proposeRedact(messageIdOf(first), 1))
  await settle()
  return { over, author, id }
}

describe('who lacks much of a large document is sent what is stored', () => {
  it('while somebody writes, and no later record is missed', async () => {
    const { over, author } = await large('hello')
    const reader = await over.enter(talk, ada)
    reader.ask()
    say(author.doc, 'written meanwhile', { to: [] })
    await settle()
    say(author.doc, 'written after', { to: [] })
    await settle()
    expect(reader.texts).toEqual(messageTexts(author.doc))
    expect(reader.texts.slice(-2)).toEqual(['written meanwhile', 'written after'])
    const end = reader.kinds.indexOf('sync-step-2')
    expect(reader.kinds.slice(0, end)).toContain('update')
    expect(reader.bytes[end]!.length, 'only what came since').toBeLessThan(10_000)
  })

  it('but never what was taken out while it was read, nor before the log is rid of it', async () => {
    const secret = 'my-secret-is-4711'
    const { over, author, id } = await large(secret)
    const [during, after] = [await over.enter(talk, ada), await over.enter(talk, ada)]
    const scrubbed = Promise.withResolvers<void>()
    over.log.compact = () => scrubbed.promise
    during.ask()
    putRequest(author.doc, newRequestId(), proposeRedact(messageIdOf(id), 1))
    await settle()
    after.ask()
    await settle()
    scrubbed.resolve()
    for (const reader of [during, after]) {
      expect(reader.texts).toEqual(messageTexts(author.doc))
      expect(reader.texts).not.toContain(secret)
      for (const bytes of reader.bytes) expect(Buffer.from(bytes).includes(secret)).toBe(false)
    }
  })

  it('with all that was written since somebody else was sent it', async () => {
    const { over, author } = await large('hello')
    for (const said of ['first', 'second']) {
      say(author.doc, said, { to: [] })
      await settle()
      const reader = await over.enter(talk, ada)
      await reader.join()
      expect(reader.texts).toEqual(messageTexts(author.doc))
      expect(reader.texts.at(-1)).toBe(said)
    }
  })

  it('as it was stored anew after something was taken out, also to who comes right behind somebody who was sent it before', async () => {
    const secret = 'my-secret-is-4711'
    const { over, author, id } = await large(secret)
    const before = await over.enter(talk, ada)
    await before.join()
    expect(before.texts).toContain(secret)
    putRequest(author.doc, newRequestId(), proposeRedact(messageIdOf(id), 1))
    await settle()
    const after = await over.enter(talk, ada)
    // Turns that are bounded: who is never sent anything shall not wait for ever here.
    let turns = 1000
    over.yieldToOthers = () => turns-- > 0 ? Promise.resolve() : new Promise(() => {})
    await after.join()
    expect(after.texts).toEqual(messageTexts(author.doc))
    expect(after.kinds).toContain('update')
    for (const bytes of after.bytes) expect(Buffer.from(bytes).includes(secret)).toBe(false)
  })

  it('of which those who come back with different parts share what both of them lack', async () => {
    const { over, author } = await large('hello')
    const whole = Y.decodeStateVector(Y.encodeStateVector(author.doc))
    const texts = messageTexts(author.doc)
    const [early, late] = await Promise.all([0.3, 0.5].map(async share => {
      const page = await over.enter(talk, ada)
      page.askWith(Y.encodeStateVector(new Map([...whole].map(([client, clock]) => [client, Math.floor(clock * share)]))))
      await settle()
      return page
    }))
    const sentTo = (page: typeof early): number => page!.bytes.reduce((sum, { length }) => sum + length, 0)
    expect(sentTo(early)).toBeLessThan(0.8 * 4_400_000)
    expect(sentTo(late)).toBeLessThan(sentTo(early) - 200_000)
    const shared = late!.bytes.filter(bytes => early!.bytes.includes(bytes))
    expect(shared.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(0.8 * sentTo(late))
    const last = await over.enter(talk, ada)
    await last.join()
    expect(last.texts).toEqual(texts)
  })

  it('and what it is for the most part, records, is folded before', async () => {
    const over = world()
    const author = await over.enter()
    await author.join()
    for (let n = 0; n < 4; n++) {
      say(author.doc, `${n} `.padEnd(200_000, 'x'), { to: [] })
      await settle()
    }
    expect(over.disk.documents.get(talk)!.updates).toHaveLength(4)
    const reader = await over.enter(talk, ada)
    await reader.join()
    expect(reader.texts).toEqual(messageTexts(author.doc))
    expect(reader.kinds).toContain('update')
    expect(over.disk.documents.get(talk)!.updates).toHaveLength(1)
  })
})

describe('who asks the same as somebody before', () => {
  it('is sent also what is on its way to the disk only', async () => {
    const over = world()
    const board = parseDocumentName('artifact/board')!
    const [author, first, second] = await Promise.all([over.enter(board), over.enter(board), over.enter(board)])
    await author.join()
    author.doc.getText('text').insert(0, 'before')
    await settle()
    await first.join()
    author.doc.getText('text').insert(0, 'on its way, ')
    second.ask()
    await settle()
    for (const page of [first, second]) expect(page.doc.getText('text').toJSON()).toBe('on its way, before')
  })
})

describe('many who come back to a document in memory', () => {
  it('are answered one a turn, and whoever says something meanwhile is heard at once', async () => {
    const over = world()
    const turns: (() => void)[] = []
    const author = await over.enter()
    await author.join()
    for (let n = 0; n < 40; n++) {
      say(author.doc, `${n} `.padEnd(4000, 'x'), { to: [] })
      await settle()
    }
    over.yieldToOthers = oneATurn(run => turns.push(run))
    const whole = Y.decodeStateVector(Y.encodeStateVector(author.doc))
    const pages = await Promise.all(Array.from({ length: 8 }, () => over.enter(talk, ada)))
    for (const [n, page] of pages.entries()) {
      page.askWith(Y.encodeStateVector(new Map([...whole].map(([client, clock]) => [client, Math.max(0, clock - n)]))))
    }
    const answered = (): number => pages.filter(({ kinds }) => kinds.includes('sync-step-2')).length
    await settle()
    expect(answered()).toBe(0)
    for (let turn = 1; answered() < pages.length; turn++) {
      const before = answered()
      expect(turns).toHaveLength(1)
      turns.pop()!()
      await settle()
      expect(answered() - before).toBeLessThanOrEqual(1)
      say(author.doc, `said in turn ${turn}`, { to: [] })
      await settle()
      expect(author.texts.at(-1)).toBe(`said in turn ${turn}`)
    }
  })

  it('miss nothing of what is written while they wait, nor does the document leave memory before', async () => {
    const over = world()
    const author = await over.enter()
    await author.join()
    for (let n = 0; n < 40; n++) {
      say(author.doc, `${n} `.padEnd(4000, 'x'), { to: [] })
      await settle()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    over.yieldToOthers = () => promise
    const page = await over.enter(talk, ada)
    page.ask()
    await over.time.advance(3 * QUIET_MS)
    expect(page.room.isLive).toBe(true)
    say(author.doc, 'meanwhile', { to: [] })
    await settle()
    expect(page.frames).toEqual([])
    resolve()
    await settle()
    expect(page.texts).toEqual(author.texts)
    say(author.doc, 'afterwards', { to: [] })
    await settle()
    expect(page.texts).toEqual(author.texts)
    await over.time.advance(3 * QUIET_MS)
    expect(page.room.isLive).toBe(false)
  })
})
