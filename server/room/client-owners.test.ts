/** Whose a Yjs client id is, and which speak of another epoch. */
import { expect, it } from 'vitest'
import type { UserId } from '../../shared/ids.ts'
import { ClientOwners } from './client-owners.ts'

const [ada, bob] = [{ id: 'ada' as UserId }, { id: 'bob' as UserId }]

it('what somebody announced on two connections stays theirs until both have ended', () => {
  const owners = new ClientOwners(null, [], () => false)
  const [old, fresh] = [{}, {}]
  expect([old, fresh, fresh].map(by => owners.claim(7, ada, by))).toEqual([true, true, true])
  owners.release([7], old)
  expect(owners.of(7, bob)).toEqual({ kind: 'principal', id: ada.id })
  owners.release([7], fresh)
  expect(owners.of(7, bob)).toBeUndefined()
})

it('what an alias owns or shows is the principal\'s own, and not the other way round', () => {
  const owners = new ClientOwners(null, [{ clientId: 7, owner: 'guest-1' as UserId }], () => true)
  const account = { ...ada, aliases: ['guest-1' as UserId] }
  expect(owners.of(7, account)).toEqual({ kind: 'principal', id: ada.id })
  expect(owners.claim(7, account, {})).toBe(true)
  expect(owners.of(7, bob)).toEqual({ kind: 'principal', id: 'guest-1' })
  owners.bind([8], ada.id)
  expect(owners.of(8, { id: 'guest-1' as UserId })).toEqual({ kind: 'principal', id: ada.id })
})
