/** A device that proves its person no more says why, also after a reload, and clears or keeps what it has of them. */
import { expect, test } from 'vitest'
import { pageStorage } from '../../../test/rig/page-storage.ts'
import { Removal } from './removal.svelte.ts'
import type { Me, UnsentWork } from './sdk.ts'
import type { LeftKind } from './session.svelte.ts'

const guest = { id: 'guest-1', name: 'Otter', kind: 'guest' } as const
const text: UnsentWork[] = [{ conversationId: 'a', waiting: 1, texts: [{ kind: 'waiting', text: 'never sent' }] }]

/** A page of a device, and the next one on the same device. */
const device = (unsent: UnsentWork[] = []) => {
  const cleared: string[] = []
  const storage = pageStorage()
  const page = () => new Removal({ unsent: async () => unsent, clear: async userId => void cleared.push(userId) }, storage)
  const leave = async (kind: LeftKind, now: Me['principal'] = guest): Promise<Removal> => {
    page().note({ userId: 'ada', name: 'Ada', kind })
    const next = page()
    await next.look(now)
    return next
  }
  return { cleared, page, leave }
}

test.each(['removed', 'deleted'] as const)('%s: what it keeps goes at once, unless there are texts that no server has', async kind => {
  const empty = device()
  expect((await empty.leave(kind)).current).toMatchObject({ name: 'Ada', kind, unsent: [] })
  expect(empty.cleared).toEqual(['ada'])
  const full = device(text)
  const removal = await full.leave(kind)
  expect([removal.current?.unsent, full.cleared]).toEqual([text, []])
  await removal.clear()
  expect([removal.current, full.cleared]).toEqual([null, ['ada']])
})

test('a session that is over: what it keeps stays, and is told of, until it is removed, waved away, or theirs again', async () => {
  const { cleared, page, leave } = device(text)
  const removal = await leave('ended')
  expect([removal.current?.unsent, cleared]).toEqual([text, []])
  const reloaded = page()
  await reloaded.look(guest)
  expect(reloaded.current).toMatchObject({ kind: 'ended' })
  await reloaded.look({ id: 'ada', name: 'Ada', kind: 'user' })
  expect([reloaded.current, cleared]).toEqual([null, []])
  await (await leave('ended')).clear()
  expect(cleared).toEqual(['ada'])
  const later = await leave('ended')
  later.later()
  await page().look(guest)
  expect(later.current).toBeNull()
})

test('whoever signs in next on that device hears nothing of it', async () => {
  expect((await device(text).leave('ended', { id: 'bob', name: 'Bob', kind: 'user' })).current).toBeNull()
})

test('a guest who has an account now is told so until they are in it', async () => {
  const { page, leave } = device()
  expect((await leave('became')).current).toMatchObject({ kind: 'became' })
  const back = page()
  await back.look({ id: 'account', name: 'Ada', kind: 'user', aliases: ['ada'] })
  expect(back.current).toBeNull()
})
