/** Conversations by the API, their messages, and what became of requests: in which order, and what strangers learn. */
import { describe, expect, test } from 'vitest'
import { codeOf, listOf, signedInBrowser } from '../../test/rig/api-browser.ts'
import { a, b, idOf, createApiWorld, messageOf, nameOf, requestIdOf, START } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import * as schemas from '../../shared/api/schemas.ts'
import { readMeta } from '../../shared/conversation/read.ts'
import type { UserId } from '../../shared/ids.ts'

describe('conversations', () => {
  test('a new one belongs to who made it and stands in their list', async () => {
    const { get, post } = await signedInBrowser()
    const created = await post(routes.conversations(), {})
    expect(created.status).toBe(201)
    const item = schemas.conversationListItem.parse(await created.json())
    expect(item).toMatchObject({ role: 'owner', title: '', preview: '', messageCount: 0, updatedAt: START, createdAt: START })
    expect(await (await get(routes.conversations())).json()).toEqual({ conversations: [item], next: null })
  })

  test('the device may have made the id, and asking again changes nothing', async () => {
    const { post, world, me } = await signedInBrowser()
    const own = idOf('own')
    const ask = async () => schemas.conversationListItem.parse(await (await post(routes.conversations(), { id: own, title: 'First' })).json())
    expect(await ask()).toMatchObject({ id: own, title: 'First' })
    await world.rooms.use(nameOf(own), room => room.write('someone', writer => writer.setMeta('title', 'Renamed since')))
    world.pass(1000)
    expect(await ask()).toMatchObject({ title: 'Renamed since', createdAt: START, role: 'owner' })
    expect([...(await world.directory.find(nameOf(own)))!.members.keys()]).toEqual([me.principal.id])
  })

  test('a title stands in the document and in the list at once', async () => {
    const { get, post, world } = await signedInBrowser()
    expect(await (await post(routes.conversations(), { id: a, title: 'Plans' })).json()).toMatchObject({ title: 'Plans', messageCount: 0, updatedAt: START })
    expect(await world.rooms.use(nameOf(a), room => room.read(readMeta))).toMatchObject({ title: 'Plans' })
    expect((await listOf({ get })).conversations[0]).toMatchObject({ title: 'Plans' })
  })

  test('show their newest message', async () => {
    const { get, post, world } = await signedInBrowser()
    await post(routes.conversations(), { id: a })
    await world.say(a, messageOf(1), messageOf(2))
    expect((await listOf({ get })).conversations[0]).toMatchObject({ preview: 'message 2', messageCount: 2, updatedAt: START + 2, createdAt: START })
  })

  test("another person's id is not taken over, and not told of", async () => {
    const world = await createApiWorld()
    const [owner, other] = [await signedInBrowser(world), await signedInBrowser(world)]
    await owner.post(routes.conversations(), { id: a })
    expect(await codeOf(await other.post(routes.conversations(), { id: a, title: 'Mine' }))).toBe('not-found')
    expect(await world.rooms.use(nameOf(a), room => room.read(readMeta))).toMatchObject({ title: '' })
    expect(await (await other.get(routes.conversations())).json()).toEqual({ conversations: [], next: null })
  })

  test('pages neither repeat nor skip one, newest first, when times are equal too', async () => {
    const { get, post, world } = await signedInBrowser()
    const ids = Array.from({ length: 25 }, (_, i) => idOf(`c${i}`))
    for (const [i, id] of ids.entries()) {
      await post(routes.conversations(), { id, title: id })
      await world.say(id, messageOf(i, START + Math.floor(i / 5)))
    }
    const seen: schemas.ConversationListItem[] = []
    let before: string | undefined
    for (let pages = 1; ; pages++) {
      const page = schemas.conversationList.parse(await (await get(routes.conversations({ limit: 4, before }))).json())
      seen.push(...page.conversations)
      if (page.next === null) {
        expect(pages).toBe(7)
        break
      }
      before = page.next
    }
    expect(new Set(seen.map(item => item.id)).size).toBe(25)
    expect(seen.map(item => item.updatedAt)).toEqual(seen.map(item => item.updatedAt).sort((a, b) => b - a))
    expect(seen[0]).toMatchObject({ title: seen[0]!.id, messageCount: expect.any(Number), updatedAt: START + 4 })
  })
})

describe('messages', () => {
  const withMessages = async (count: number) => {
    const signedIn = await signedInBrowser()
    await signedIn.post(routes.conversations(), { id: a })
    await signedIn.world.say(a, ...Array.from({ length: count }, (_, i) => messageOf(i)))
    return signedIn
  }
  const pageOf = async (response: Response) => schemas.messagePage.parse(await response.json())

  test('come in the order accepted, 200 a page, and each once', async () => {
    const { get } = await withMessages(450)
    const sizes: number[] = []
    const seen: string[] = []
    let after: string | undefined
    for (;;) {
      const page = await pageOf(await get(routes.messages(a, { after })))
      sizes.push(page.messages.length)
      seen.push(...page.messages.map(({ id }) => id))
      if (page.next === null) break
      after = page.next
    }
    expect(sizes).toEqual([200, 200, 50])
    expect(seen).toEqual(Array.from({ length: 450 }, (_, i) => requestIdOf(i)))
  })

  test('what came later is asked for by the last one known', async () => {
    const { get } = await withMessages(3)
    const { messages } = await pageOf(await get(routes.messages(a, { after: requestIdOf(1), limit: 1 })))
    expect(messages.map(({ id }) => id)).toEqual([requestIdOf(2)])
    expect(await pageOf(await get(routes.messages(a, { after: requestIdOf(2) })))).toEqual({ messages: [], next: null })
  })

  test('after an unknown one there is no place to go on from', async () => {
    const { get } = await withMessages(1)
    expect(await codeOf(await get(routes.messages(a, { after: requestIdOf(9) })))).toBe('target-unknown')
  })

  test('are not shown to strangers, who learn nothing of the conversation', async () => {
    const { world } = await withMessages(1)
    const { get } = await signedInBrowser(world)
    const [existing, missing] = [await get(routes.messages(a)), await get(routes.messages(b))]
    expect(existing.status).toBe(404)
    expect(await existing.text()).toBe(await missing.text())
  })
})

describe('what became of a request', () => {
  test('is answered with its outcome', async () => {
    const { get, post, world } = await signedInBrowser()
    await post(routes.conversations(), { id: a })
    const outcome = { status: 'refused', code: 'message-too-long', reason: 'too long' } as const
    await world.remember(a, { requestId: requestIdOf(1), outcome, principal: 'x' as UserId, at: START + 1 })
    const result = schemas.requestResult.parse(await (await get(routes.request(a, requestIdOf(1)))).json())
    expect(result).toEqual({ requestId: requestIdOf(1), outcome, at: START + 1 })
    expect(await codeOf(await get(routes.request(a, requestIdOf(2))))).toBe('not-found')
    expect(await codeOf(await get(routes.request(a, 'no-uuid')))).toBe('not-found')
  })

  test('is not told to strangers', async () => {
    const { post, world } = await signedInBrowser()
    await post(routes.conversations(), { id: a })
    await world.remember(a, { requestId: requestIdOf(1), outcome: { status: 'accepted' }, principal: 'x' as UserId, at: 0 })
    const stranger = await signedInBrowser(world)
    expect(await codeOf(await stranger.get(routes.request(a, requestIdOf(1))))).toBe('not-found')
  })
})
