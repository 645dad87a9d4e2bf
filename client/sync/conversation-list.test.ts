/** The list of conversations, from the cache, from the server and from what is unsent here. */
import { expect, it } from 'vitest'
import type { FeedListener } from './api.ts'
import { openConversationList } from './conversation-list.ts'
import type { OutboxEntry } from './view.ts'
import type { ConversationListItem } from '../../shared/api/schemas.ts'
import { proposeSend, proposeSetMeta } from '../../shared/conversation/write.ts'
import type { RequestId } from '../../shared/ids.ts'
import { settle } from '../../test/rig/manual-time.ts'

const item = (id: string, updatedAt: number): ConversationListItem =>
  ({ id, role: 'owner', title: id, preview: '', messageCount: 1, updatedAt, createdAt: 1 })

const unsent = (text: string, at: number): OutboxEntry => ({
  id: `01890000-0000-7000-8000-00000000000${at}` as RequestId,
  request: proposeSend({ parts: [{ type: 'text', text }], parentId: null }, at),
  stored: true,
  refusal: null
})

const setUp = (cached: unknown = null) => {
  const world = {
    list: [item('a', 1), item('b', 2)],
    cached,
    outboxes: new Map<string, OutboxEntry[]>(),
    reachable: true,
    /** How often the whole list was told of. */
    listed: 0,
    feed: null as FeedListener | null
  }
  const list = openConversationList({
    api: {
      listConversations: async () => {
        if (!world.reachable) throw new Error('offline')
        return world.list
      },
      subscribeFeed: listener => {
        world.feed = listener
        return () => {
          world.feed = null
        }
      }
    },
    device: {
      lists: {
        get: async () => world.cached,
        put: async (_key, value) => {
          world.cached = value
        }
      },
      unsent: async () => world.outboxes
    },
    listed: () => { world.listed++ }
  })
  return { world, list, ids: () => list.view().map(({ id }) => id) }
}

it('shows what was cached at once, and what the server tells as soon as it does', async () => {
  const { world, list, ids } = setUp([item('old', 5)])
  await list.ready
  expect(ids()).toEqual(['old'])
  world.feed!.opened()
  await settle()
  expect(ids()).toEqual(['b', 'a'])
  expect(world.cached).toEqual([item('a', 1), item('b', 2)])
  expect(list.view()).toBe(list.view())
})

it('does not let the cache take back what the server told', async () => {
  const { world, list, ids } = setUp([item('old', 5)])
  world.feed!.changed(item('new', 6))
  await list.ready
  expect(ids()).toEqual(['new'])
})

it('moves a conversation up when it changes, and caches that', async () => {
  const { world, list, ids } = setUp()
  await list.ready
  world.feed!.opened()
  await settle()
  let told = 0
  list.subscribe(() => told++)
  world.feed!.changed(item('a', 9))
  await settle()
  expect(ids()).toEqual(['a', 'b'])
  expect(told).toBe(1)
  expect(world.cached).toHaveLength(2)
})

it('tells each time that the server has told the whole list, and not of single changes', async () => {
  const { world, list } = setUp()
  await list.ready
  world.feed!.opened()
  await settle()
  world.feed!.changed(item('a', 9))
  await settle()
  expect(world.listed).toBe(1)
  world.reachable = false
  world.feed!.opened()
  await settle()
  expect(world.listed).toBe(1)
  world.reachable = true
  world.feed!.opened()
  await settle()
  expect(world.listed).toBe(2)
})

it('keeps what it shows when the list cannot be read', async () => {
  const { world, list, ids } = setUp([item('old', 5)])
  await list.ready
  world.reachable = false
  world.feed!.opened()
  await settle()
  expect(ids()).toEqual(['old'])
})

it('shows conversations that were begun here and have not reached the server', async () => {
  const { world, list, ids } = setUp([item('known', 5)])
  await list.ready
  world.outboxes = new Map([
    ['conversation/new', [unsent('What is\n a skein?', 6), unsent('x'.repeat(200), 7)]],
    ['conversation/known', [unsent('more', 8)]],
    ['conversation/renamed', [{ ...unsent('', 8), request: proposeSetMeta('title', 'x', 8) }]],
    ['artifact/a', [unsent('no', 8)]],
    ['?', [unsent('no', 8)]]
  ])
  await list.refresh()
  expect(ids()).toEqual(['new', 'known'])
  expect(list.view()[0]).toMatchObject({ title: 'What is a skein?', preview: `${'x'.repeat(139)}…`, messageCount: 2, createdAt: 6, updatedAt: 7 })
})

it('shows what is unsent here of a conversation that the server knows only by name', async () => {
  const { world, list } = setUp()
  world.list = [{ ...item('begun', 1), title: '', messageCount: 0 }]
  world.outboxes.set('conversation/begun', [unsent('written before it connected', 5)])
  world.feed!.opened()
  await list.refresh()
  await settle()
  expect(list.view()).toMatchObject([{ id: 'begun', title: 'written before it connected', messageCount: 1 }])
})

it('ends', async () => {
  const { world, list } = setUp()
  await list.ready
  list.close()
  expect(world.feed).toBe(null)
})

it('drops what was deleted, and goes on showing what was written there and never sent', async () => {
  const { world, list, ids } = setUp()
  await list.ready
  world.feed!.opened()
  await settle()
  world.outboxes.set('conversation/a', [unsent('never sent', 7)])
  world.feed!.removed('a')
  world.feed!.removed('b')
  await list.refresh()
  expect(ids()).toEqual(['a'])
  expect(list.view()[0]).toMatchObject({ title: 'never sent', messageCount: 1 })
})
