/** A session lets another device in only while it lasts itself. */
import { expect, it } from 'vitest'
import { codeOf } from '../../../test/contract/code-of.ts'
import type { UserId } from '../../../shared/ids.ts'
import { createAccountDevices } from './account-devices.ts'

it('one that has ended by the time that the device comes lets nobody in', async () => {
  const made: unknown[] = []
  const internalAdapter = {
    listSessions: async () => [['another', 2], ['over', 0]].map(([id, until]) => ({ id, expiresAt: new Date(until!), createdAt: new Date(0) })),
    createSession: async (user: string) => made.push(user),
  }
  const devices = createAccountDevices({
    engine: async () => ({ internalAdapter }), secret: 's', away: { turnAway: async () => {} }, dropGuest: () => '', now: () => 1,
    sessions: { isStill: async () => true },
  } as never)
  for (const credential of ['gone', 'over']) {
    const person = { kind: 'user', id: 'ada' as UserId, name: 'Ada', credential } as const
    expect(await codeOf(devices.open(person, { userAgent: '', address: '' }, true)), credential).toBe('link-spent')
  }
  expect(made).toEqual([])
})
