/** Deleting a conversation: by whom, what stays, and what those who were in it are told. */
import { expect, test } from 'vitest'
import { a, b, createApiWorld, messageOf, nameOf, requestIdOf, START } from '../../test/rig/api-world.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'
import { FEED_REMOVED_EVENT, routes } from '../../shared/api/routes.ts'
import * as schemas from '../../shared/api/schemas.ts'

const guest = async (world: ApiWorld) => {
  const browser = world.browser()
  await browser.get(routes.me())
  return { ...browser, remove: (id: string, init: RequestInit = {}) => browser.request(routes.conversation(id), { method: 'DELETE', ...init }) }
}

/** An owner, an editor and a stranger; one message. */
const people = async () => {
  const world = await createApiWorld()
  const [owner, editor, stranger] = [await guest(world), await guest(world), await guest(world)]
  await owner.post(routes.conversations(), { id: a, title: 'Plans' })
  const { secret } = await (await owner.post(routes.invitations(a), { role: 'editor' })).json() as { secret: string }
  await editor.post(routes.acceptInvitation(), { secret })
  await world.say(a, messageOf(1))
  return { world, owner, editor, stranger, secret }
}

const codeOf = async (response: Response): Promise<string> => schemas.problem.parse(await response.json()).code
const idsOf = async ({ get }: { get: (path: string) => Promise<Response> }): Promise<string[]> =>
  schemas.conversationList.parse(await (await get(routes.conversations())).json()).conversations.map(({ id }) => id)

test('only the owner deletes a conversation, and to a stranger it does not exist', async () => {
  const { editor, stranger, owner } = await people()
  expect(await codeOf(await editor.remove(a))).toBe('not-allowed')
  expect(await codeOf(await stranger.remove(a))).toBe('not-found')
  expect(await codeOf(await owner.remove(b))).toBe('not-found')
  expect(await idsOf(owner)).toEqual([a])
})

test('a deleted conversation is in nobody’s list, and each former member is told that it is gone', async () => {
  const { world, owner, editor, stranger, secret } = await people()
  const response = await owner.remove(a)
  expect(response.status).toBe(204)
  expect(await response.text()).toBe('')
  for (const person of [owner, editor]) {
    expect(await idsOf(person)).toEqual([])
    const answer = await person.get(routes.messages(a))
    expect(answer.status).toBe(410)
    expect(await codeOf(answer)).toBe('gone')
    expect(await codeOf(await person.remove(a))).toBe('gone')
  }
  expect(await codeOf(await stranger.get(routes.messages(a)))).toBe('not-found')
  expect(await codeOf(await stranger.post(routes.acceptInvitation(), { secret }))).toBe('not-found')
  expect(await world.directory.toErase()).toEqual([])
})

test('nothing brings it back under its id, nor what was asked of it', async () => {
  const { world, owner, stranger } = await people()
  await world.remember(a, { requestId: requestIdOf(1), outcome: { status: 'accepted' }, principal: 'someone' as never, at: START })
  await owner.remove(a)
  expect(await codeOf(await owner.post(routes.conversations(), { id: a }))).toBe('gone')
  expect(await codeOf(await stranger.post(routes.conversations(), { id: a }))).toBe('not-found')
  expect(await codeOf(await owner.get(routes.request(a, requestIdOf(1))))).toBe('gone')
  await expect(world.say(a, messageOf(2))).rejects.toMatchObject({ code: 'gone' })
  expect((await world.directory.find(nameOf(a)))?.deletedAt).toBe(START)
})

test('a page of another site cannot delete', async () => {
  const { owner } = await people()
  expect(await codeOf(await owner.remove(a, { headers: { origin: 'https://evil.example' } }))).toBe('not-allowed')
  expect(await idsOf(owner)).toEqual([a])
})

test('the open pages of its members hear of it, a stranger’s does not', async () => {
  const { world, owner, editor, stranger } = await people()
  const readers = await Promise.all([editor, stranger].map(async ({ get }) => (await get(routes.feed())).body!.getReader()))
  const next = async (i: number): Promise<string> => new TextDecoder().decode((await readers[i]!.read()).value)
  expect([await next(0), await next(1)]).toEqual([':\n\n', ':\n\n'])
  await owner.remove(a)
  expect(await next(0)).toBe(`event: ${FEED_REMOVED_EVENT}\ndata: {"id":"${a}"}\n\n`)
  await new Promise(resolve => setImmediate(resolve))
  world.timers.fire()
  expect(await next(1)).toBe(':\n\n')
  await Promise.all(readers.map(reader => reader.cancel()))
})

test('where everybody is one person, a deleted conversation is gone all the same', async () => {
  const world = await createApiWorld({ openToAll: true })
  const local = await guest(world)
  await local.post(routes.conversations(), { id: a, title: 'Plans' })
  expect((await local.remove(a)).status).toBe(204)
  expect(await idsOf(local)).toEqual([])
  expect(await codeOf(await local.post(routes.conversations(), { id: a }))).toBe('gone')
})
