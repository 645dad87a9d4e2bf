/** Who has nothing of a large document in memory is sent what the log holds, and all that came since. */
import { afterEach, expect, it } from 'vitest'
import { proposeRedact, putRequest } from '../../shared/conversation/write.ts'
import { messageIdOf } from '../../shared/ids.ts'
import { messageTexts, newRequestId, say } from '../../test/rig/conversation.ts'
import { settle } from '../../test/rig/manual-time.ts'
import { ada, closeWorlds, talk, world } from '../../test/rig/rooms-world.ts'

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
