/** The stream that tells a page what changed in its list. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { describe, expect, test } from 'vitest'
import { a, createApiWorld, messageOf, nameOf, requestIdOf, START } from '../../test/rig/api-world.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import { conversationListItem } from '../../shared/api/schemas.ts'
import type { ConversationEvent, StoredEvent } from '../../shared/conversation/event.ts'
import { messageIdOf, parseDocumentName } from '../../shared/ids.ts'
import type { AgentId, RunId } from '../../shared/ids.ts'

const stored = (event: ConversationEvent): StoredEvent => ({ ...event, actor: 'someone', at: START })
const sent = stored({ type: 'message.sent', messageId: messageIdOf(requestIdOf(1)) })

/** A page that listens; `next` gives the blocks of the stream one by one. */
const listen = async (world: ApiWorld, browser = world.browser()) => {
  await browser.get(routes.me())
  const response = await browser.get(routes.feed())
  const reader = response.body!.getReader()
  const next = async (): Promise<string | null> => {
    const { done, value } = await reader.read()
    return done ? null : new TextDecoder().decode(value)
  }
  return { ...browser, response, next, leave: () => reader.cancel() }
}

/** Everything that is due has run; a page that has just read is no longer being written to. */
const turn = () => new Promise(resolve => setImmediate(resolve))

const itemIn = (block: string | null) => {
  const [event, data] = block!.split('\n')
  expect(event).toBe('event: conversation')
  return conversationListItem.parse(JSON.parse(data!.slice('data: '.length)))
}

describe('the list feed', () => {
  test('opens at once, as a stream of events that nothing on the way holds back', async () => {
    const { response, next, leave } = await listen(await createApiWorld())
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toMatch(/no-cache|no-store/)
    expect(await next()).toBe(':\n\n')
    await leave()
  })

  test('tells a member what changed, as the list would show it', async () => {
    const world = await createApiWorld()
    const { next, post, leave } = await listen(world)
    await next()
    await post(routes.conversations(), { id: a })
    expect(itemIn(await next())).toMatchObject({ id: a, role: 'owner', messageCount: 0 })
    await world.say(a, messageOf(3))
    expect(itemIn(await next())).toEqual({
      id: a, role: 'owner', title: '', preview: 'message 3', messageCount: 1, updatedAt: START + 3, createdAt: START,
    })
    await leave()
  })

  test('tells a stranger nothing', async () => {
    const world = await createApiWorld()
    const owner = await listen(world)
    const stranger = await listen(world)
    await owner.next()
    await stranger.next()
    await owner.post(routes.conversations(), { id: a })
    itemIn(await owner.next())
    await world.say(a, messageOf(1))
    itemIn(await owner.next())
    await turn()
    world.timers.fire()
    expect(await stranger.next()).toBe(':\n\n')
    await Promise.all([owner.leave(), stranger.leave()])
  })

  test('tells who accepted an invitation, with their role', async () => {
    const world = await createApiWorld()
    const owner = world.browser()
    await owner.get(routes.me())
    await owner.post(routes.conversations(), { id: a })
    const { secret } = await (await owner.post(routes.invitations(a), { role: 'viewer' })).json() as { secret: string }
    const friend = await listen(world)
    await friend.next()
    await friend.post(routes.acceptInvitation(), { secret })
    expect(itemIn(await friend.next())).toMatchObject({ id: a, role: 'viewer' })
    await friend.leave()
  })

  test('is quiet about what a list does not show', async () => {
    const world = await createApiWorld()
    const { next, post, leave } = await listen(world)
    await next()
    await post(routes.conversations(), { id: a })
    itemIn(await next())
    const [messageId, runId] = [messageIdOf(requestIdOf(1)), requestIdOf(2) as string as RunId]
    world.feed(nameOf(a), 1, [
      stored({ type: 'reaction.set', messageId, kind: 'up', on: true }),
      stored({ type: 'run.created', runId, agentId: 'guide' as AgentId, messageId }),
      stored({ type: 'run.changed', runId, state: 'processing', attempt: 1 }),
      stored({ type: 'request.refused', requestId: requestIdOf(3), code: 'viewer' }),
    ])
    world.feed(parseDocumentName('artifact/a')!, 1, [sent])
    await turn()
    world.timers.fire()
    expect(await next()).toBe(':\n\n')
    await leave()
  })

  test('tells a slow page once how things stand, not each step', async () => {
    const world = await createApiWorld()
    const { next, post, leave } = await listen(world)
    await next()
    await post(routes.conversations(), { id: a })
    itemIn(await next())
    await Promise.all(Array.from({ length: 200 }, (_, i) => world.say(a, messageOf(i))))
    const counts: number[] = []
    do counts.push(itemIn(await next()).messageCount)
    while (counts.at(-1) !== 200)
    expect(counts.length).toBeLessThan(10)
    await leave()
  })

  test('shows that it lives every 15 seconds', async () => {
    const world = await createApiWorld()
    const { next, leave } = await listen(world)
    await next()
    for (let i = 0; i < 3; i++) {
      expect(world.timers.pending()).toEqual([15_000])
      await turn()
      world.timers.fire()
      expect(await next()).toBe(':\n\n')
    }
    await leave()
    expect(world.timers.pending()).toEqual([])
  })

  test('leaves nothing behind when the page leaves', async () => {
    const world = await createApiWorld()
    const { next, leave, post } = await listen(world)
    await next()
    await leave()
    expect(world.timers.pending()).toEqual([])
    await post(routes.conversations(), { id: a })
    await world.say(a, messageOf(1))
    expect(world.lines).toEqual([])
  })

  test('ends when the server stops', async () => {
    const world = await createApiWorld()
    const { next } = await listen(world)
    await next()
    world.close()
    expect(await next()).toBeNull()
    expect(world.timers.pending()).toEqual([])
  })

  test('over a real socket: a page that goes away is noticed', async () => {
    const world = await createApiWorld()
    const server = createServer((incoming, outgoing) => void getRequestListener(world.fetch)(incoming, outgoing))
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const me = await fetch(origin + routes.me())
    const cookie = me.headers.get('set-cookie')!.split(';')[0]!
    const leaving = new AbortController()
    const response = await fetch(origin + routes.feed(), { headers: { cookie }, signal: leaving.signal })
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe(':\n\n')
    expect(world.timers.pending()).toEqual([15_000])
    leaving.abort()
    await expect(reader.read()).rejects.toThrow()
    await expect.poll(() => world.timers.pending()).toEqual([])
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
})
