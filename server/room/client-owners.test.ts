/** Whose a Yjs client id is, and which speak of another epoch. */
import { expect, it } from 'vitest'
import type { UserId } from '../../shared/ids.ts'
import { ClientOwners } from './client-owners.ts'

const [ada, bob] = ['ada' as UserId, 'bob' as UserId]

it('what somebody announced on two connections stays theirs until both have ended', () => {
  const owners = new ClientOwners(null, [], () => false)
  const [old, fresh] = [{}, {}]
  expect([old, fresh, fresh].map(by => owners.claim(7, ada, by))).toEqual([true, true, true])
  owners.release([7], old)
  expect(owners.of(7, bob)).toEqual({ kind: 'principal', id: ada })
  owners.release([7], fresh)
  expect(owners.of(7, bob)).toBeUndefined()
})
