// Deleting an account by its password: wrong ones are slowed down for whom they concern, and for nobody else.
import { expect, test } from 'vitest'
import { createAccountLeaving } from './account-leaving.ts'
import { parseUserId } from '../../../shared/ids.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import { codeOf } from '../../../test/contract/code-of.ts'

test('wrong passwords of some who would leave keep nobody else from it', async () => {
  const context = {
    internalAdapter: { findAccounts: async () => [{ providerId: 'credential', password: 'right' }] },
    password: { verify: async ({ hash, password }: Record<string, string>) => hash === password },
  }
  const leaving = createAccountLeaving({
    engine: (async () => context) as never, guests: { about: async () => [], forget: async () => {} },
    revoked: () => {}, now: () => 0,
  })
  const confirm = (id: string, password: string) => leaving.confirm({ kind: 'user', id: parseUserId(id)!, name: id }, password)
  for (let wrong = 0; wrong < limits.failedSignInsPerAddressPerHour; wrong++) {
    expect(await codeOf(confirm(`mallory-${wrong % 50}`, 'wrong'))).toBe('sign-in-failed')
  }
  await confirm('ada', 'right')
  for (let wrong = 0; wrong < limits.freeAttempts; wrong++) await codeOf(confirm('bob', 'wrong'))
  expect(await codeOf(confirm('bob', 'right'))).toBe('sign-in-locked')
})
