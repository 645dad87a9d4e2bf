/** The names of guests. */
import { expect, test } from 'vitest'
import { guestName } from './guest-name.ts'
import { createNoIdentity } from './none.ts'
import { parseUserId } from '../../shared/ids.ts'

test('a name is two words, and the same for the same id', () => {
  const id = parseUserId('guest-1')!
  expect(guestName(id)).toMatch(/^[A-Z][a-z]+ [A-Z][a-z]+$/)
  expect(guestName(id)).toBe(guestName(id))
})

test('a thousand guests share few names', () => {
  const names = new Set(Array.from({ length: 1000 }, (_, i) => guestName(parseUserId(`guest-${i}`)!)))
  expect(names.size).toBeGreaterThan(750)
})

test('without identities everybody is the local person, and no cookie is set', async () => {
  const identity = createNoIdentity()
  expect(await identity.authenticate({ cookie: 'anything', address: '' })).toEqual({ kind: 'user', id: 'local', name: 'Local' })
  expect(await identity.admitGuest({ address: '' }, false)).toBeNull()
})
