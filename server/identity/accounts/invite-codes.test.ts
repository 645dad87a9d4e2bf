/** An invitation's code and the account that is made by it. */
import { hashPassword, verifyPassword } from 'better-auth/crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SkeinError } from '../../../shared/errors.ts'
import { routes } from '../../../shared/api/routes.ts'
import { openAccountsInProcess } from '../../../test/rig/accounts-in-process.ts'
import type { InProcessAccounts } from '../../../test/rig/accounts-in-process.ts'
import { httpBrowser } from '../../../test/rig/http-browser.ts'

const { auth } = routes
const PASSWORD = 'correct horse battery'
let server: InProcessAccounts
let busy = false

beforeAll(async () => {
  server = await openAccountsInProcess({ signUp: 'invite', passwords: {
    verify: verifyPassword,
    hash: async password => {
      if (busy) throw new SkeinError('rate-limited')
      return hashPassword(password)
    },
  } })
})
afterAll(() => server.close())

const signUp = async (email: string, code: string): Promise<number> =>
  (await httpBrowser(server.url).post(auth.signUp(), { email, password: PASSWORD, name: 'Ann', code })).status

test('a code of which no account came, because the server was busy, is good still', async () => {
  const { code } = await server.accounts.administration.createInviteCode('operator')
  busy = true
  expect(await signUp('ann@example.org', code)).toBe(429)
  busy = false
  expect(await signUp('ann@example.org', code)).toBe(200)
  expect(await signUp('ben@example.org', code)).toBe(410)
})

test('one that is shown for an address that has an account is spent, so that it does not tell of that', async () => {
  const { code } = await server.accounts.administration.createInviteCode('operator')
  expect(await signUp('ann@example.org', code)).toBe(200)
  expect(await signUp('new@example.org', code)).toBe(410)
})
