/** Sign-ins that are under way while what they go by is taken back. */
import { verifyPassword } from 'better-auth/crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routes } from '../../../shared/api/routes.ts'
import { openAccountsInProcess } from '../../../test/rig/accounts-in-process.ts'
import type { InProcessAccounts } from '../../../test/rig/accounts-in-process.ts'
import { Authenticator } from '../../../test/rig/authenticator.ts'
import { httpBrowser } from '../../../test/rig/http-browser.ts'
import type { HttpBrowser } from '../../../test/rig/http-browser.ts'
import { until } from '../../../test/rig/until.ts'

const { auth } = routes
const [OLD, NEW] = ['correct horse battery', 'another long password']
let server: InProcessAccounts
/** What a password that was looked at waits for before it is told whether it is right. */
let hold: Promise<void> = Promise.resolve()
let looked = 0

beforeAll(async () => {
  server = await openAccountsInProcess({ passwords: {
    hash: async password => (await import('better-auth/crypto')).hashPassword(password),
    verify: async given => {
      const right = await verifyPassword(given)
      looked++
      await hold
      return right
    },
  } })
})
afterAll(() => server.close())

const browser = (): HttpBrowser => httpBrowser(server.url)
const signIn = (email: string, password: string, who = browser()): Promise<Response> => who.post(auth.signIn(), { email, password })
const linkTo = async (email: string, after = 0): Promise<string> =>
  (await until(`a mail to ${email}`, () => server.mails.slice(after).findLast(mail => mail.startsWith(`${email} `)))).split(' ')[1]!
const confirmed = async (email: string): Promise<HttpBrowser> => {
  await browser().post(auth.signUp(), { email, password: OLD, name: 'Ann' })
  expect((await browser().post(auth.confirm(), { token: await linkTo(email), password: OLD })).status).toBe(200)
  const who = browser()
  expect((await signIn(email, OLD, who)).status).toBe(200)
  return who
}
/** Begins a sign-in with the old password, and does this before it ends. @returns how the sign-in ended, and by whom */
const meanwhile = async (email: string, task: () => Promise<unknown>): Promise<{ status: number, who: HttpBrowser }> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  hold = promise
  const [before, who] = [looked, browser()]
  const answer = signIn(email, OLD, who)
  await until('its password was found right', () => looked > before)
  hold = Promise.resolve()
  await task()
  resolve()
  return { status: (await answer).status, who }
}

test('a sign-in with the old password that has not ended yet ends in nothing when a new one is set by a link', async () => {
  await confirmed('reset@example.org')
  const before = server.mails.length
  await browser().post(auth.resetMail(), { email: 'reset@example.org' })
  const token = await linkTo('reset@example.org', before)
  const { status, who } = await meanwhile('reset@example.org', async () =>
    expect((await browser().post(auth.reset(), { token, password: NEW })).status).toBe(200))
  expect(status).toBe(401)
  expect((await who.get(auth.account())).status).toBe(401)
  expect((await signIn('reset@example.org', NEW)).status).toBe(200)
})

test('and when it is changed; the session that changed it goes on', async () => {
  const own = await confirmed('change@example.org')
  const { status, who } = await meanwhile('change@example.org', async () =>
    expect((await own.post(auth.password(), { current: OLD, password: NEW })).status).toBe(200))
  expect(status).toBe(401)
  expect((await who.get(auth.account())).status).toBe(401)
  expect((await own.get(auth.account())).status).toBe(200)
})

test('a passkey that is added while its session ends is not there afterwards', async () => {
  const own = await confirmed('key@example.org')
  const key = new Authenticator('http://localhost')
  const options = await (await own.post(auth.passkeysOptions())).json() as Parameters<Authenticator['make']>[0]
  const { id } = await (await own.get(auth.account())).json() as { id: string }
  const { adapter } = await server.accounts.engine().$context
  const { create } = adapter
  // Between the look at the session and the passkey.
  adapter.create = (async (...args: Parameters<typeof create>) => {
    if (args[0].model === 'passkey') await server.accounts.endings.signOut(id)
    return create(...args)
  }) as typeof create
  try {
    expect((await own.post(auth.passkeys(), { response: key.make(options), name: 'Late' })).status).toBe(401)
  } finally {
    adapter.create = create
  }
  expect(await adapter.findMany({ model: 'passkey', where: [{ field: 'userId', value: id }] })).toEqual([])
})
