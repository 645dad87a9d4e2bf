// Sign-in with an account from elsewhere, by a real OpenID provider; the operator's commands.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Account } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { PASSWORD, json, signIn, signUp } from '../rig/accounts-server.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { CLIENT, startOidcServer } from '../rig/oidc-server.ts'
import type { OidcServer } from '../rig/oidc-server.ts'
import { runCommand } from '../rig/operator.ts'
import type { CommandResult } from '../rig/operator.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const { auth } = routes

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let provider: OidcServer
let server: ServerProcess
const PORT = 20_000 + process.pid % 20_000
const environment = (more: Record<string, string> = {}) => ({
  SKEIN_AUTH: 'accounts', SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS: '1000', SKEIN_OIDC_ACME_ISSUER: provider.issuer, SKEIN_OIDC_ACME_CLIENT_ID: CLIENT.id,
  SKEIN_OIDC_ACME_CLIENT_SECRET: CLIENT.secret, SKEIN_PUBLIC_URL: `http://127.0.0.1:${PORT}`, ...more,
})

beforeAll(async () => {
  folder = await temporaryFolder()
  provider = await startOidcServer(() => `http://127.0.0.1:${PORT}/api/auth/callback/acme`)
  server = await startServer(folder.path, environment(), PORT)
})
afterAll(async () => {
  await server?.stop()
  await provider?.close()
  await folder?.remove()
})

const restart = async (more: Record<string, string>) => {
  await server.stop()
  server = await startServer(folder.path, environment(more), PORT)
}
const browser = (): HttpBrowser => httpBrowser(server.url)

describe('a provider', () => {
  const begin = async (who: HttpBrowser, how: object = {}) => (await json<{ url: string }>(who.post(auth.provider('acme'), how))).url

  test('is asked with PKCE, state and nonce, and signs a guest in', async () => {
    const who = browser()
    await who.me()
    expect(await json(who.get(auth.options()))).toMatchObject({ providers: [{ id: 'acme', name: 'Acme' }] })
    const url = await begin(who)
    const asked = new URL(url).searchParams
    expect([asked.get('code_challenge_method'), asked.get('response_type')]).toEqual(['S256', 'code'])
    for (const name of ['state', 'nonce', 'code_challenge']) expect(asked.get(name)?.length).toBeGreaterThan(20)
    const back = await who.navigate(await provider.signIn(url, 'grace'))
    expect([back.status, back.headers.get('location')]).toEqual([302, `http://127.0.0.1:${PORT}/`])
    expect(await who.me()).toMatchObject({ kind: 'user', name: 'grace of elsewhere' })
    const account = await json<Account>(who.get(auth.account()))
    expect(account).toMatchObject({ email: 'grace@idp.example.org', hasPassword: false, providers: ['acme'] })
  })

  test('stays when it is the only way in', async () => {
    const who = browser()
    await who.navigate(await provider.signIn(await begin(who), 'only'))
    const answer = await who.send('DELETE', auth.provider('acme'))
    expect([answer.status, (await answer.json() as { code: string }).code]).toEqual([403, 'not-allowed'])
    expect((await json<Account>(who.get(auth.account()))).providers).toEqual(['acme'])
  })

  test('knows the account again', async () => {
    const ids = []
    for (const who of [browser(), browser()]) {
      await who.navigate(await provider.signIn(await begin(who), 'again'))
      ids.push((await who.me()).id)
    }
    expect(ids[0]).toBe(ids[1])
  })

  test('brings nobody in by an address of another browser, nor twice by the same', async () => {
    const [who, other] = [browser(), browser()]
    const callback = await provider.signIn(await begin(who), 'stolen')
    const foreign = await other.navigate(callback)
    expect(foreign.headers.get('location')).toContain('/sign-in?error=')
    expect(await other.me()).toMatchObject({ kind: 'guest' })
    await who.navigate(callback)
    const replayed = browser()
    for (const [name, value] of who.cookies) if (!name.includes('session')) replayed.cookies.set(name, value)
    await replayed.navigate(callback)
    expect(await replayed.me()).toMatchObject({ kind: 'guest' })
  })

  test('does not join an account of ours by an address that was never confirmed', async () => {
    await signUp(browser(), 'claimed@idp.example.org')
    const who = browser()
    const back = await who.navigate(await provider.signIn(await begin(who), 'claimed'))
    expect(back.headers.get('location')).toContain('error=account_not_linked')
    expect(await who.me()).toMatchObject({ kind: 'guest' })
  })

  test('is added to an account by a fresh sign-in, and by no session that has ended when the browser comes back', async () => {
    const email = 'linker@idp.example.org'
    await signUp(browser(), email)
    const who = browser()
    await signIn(who, email)
    const providersOf = async () => (await json<Account>(who.get(auth.account()))).providers
    const back = await provider.signIn(await begin(who, { link: true }), 'linker')
    const other = browser()
    await signIn(other, email)
    await other.post(auth.password(), { current: PASSWORD, password: PASSWORD })
    expect((await who.navigate(back)).headers.get('location')).toContain('/account?error=sign_in_again')
    await signIn(who, email)
    expect(await providersOf()).toEqual([])
    await who.navigate(await provider.signIn(await begin(who, { link: true }), 'linker'))
    expect(await providersOf()).toEqual(['acme'])
    expect((await who.send('DELETE', auth.provider('acme'))).status).toBe(204)
    expect(await providersOf()).toEqual([])
    expect((await who.send('DELETE', auth.provider('credential'))).status).toBe(404)
    await who.navigate(await provider.signIn(await begin(who, { link: true }), 'linker'))
    const database = new DatabaseSync(join(folder.path, 'accounts.sqlite'))
    database.prepare('UPDATE session SET createdAt = ?').run(new Date(Date.now() - 25 * 3_600_000).toISOString())
    database.close()
    await until('the session counts as old', async () => (await who.post(auth.provider('acme'), { link: true })).status === 403)
  })

  test('is not added by a session that ends in the middle of it', async () => {
    const email = 'middle@idp.example.org'
    await signUp(browser(), email)
    const [who, other] = [browser(), browser()]
    for (const each of [who, other]) await signIn(each, email)
    const back = await provider.signIn(await begin(who, { link: true }), 'middle')
    const { beforeItTells } = provider
    provider.beforeItTells = async () => other.post(auth.password(), { current: PASSWORD, password: PASSWORD })
    await who.navigate(back)
    provider.beforeItTells = beforeItTells
    expect((await json<Account>(other.get(auth.account()))).providers).toEqual([])
  })

  test('makes no account where none may be made, but with a code', async () => {
    await restart({ SKEIN_SIGNUP: 'invite' })
    const who = browser()
    const refused = await who.navigate(await provider.signIn(await begin(who), 'newcomer'))
    expect(refused.headers.get('location')).toMatch(/error=code_invalid/i)
    const code = (await command('invite')).out.trim().split('#')[1]!
    await who.navigate(await provider.signIn(await begin(who, { code }), 'newcomer'))
    expect(await who.me()).toMatchObject({ kind: 'user', name: 'newcomer of elsewhere' })
    await restart({})
  })
})

const command = (...args: string[]): Promise<CommandResult> =>
  runCommand(args, { env: { SKEIN_DATA: folder.path, SKEIN_PUBLIC_URL: `http://127.0.0.1:${PORT}` } })

describe('the operator, while the server runs', () => {
  test('makes a link for a new password, which is good once and ends every session', async () => {
    await signUp(browser(), 'reset@example.org')
    const who = browser()
    await signIn(who, 'reset@example.org')
    const { code, out } = await command('reset-password', 'Reset@example.org')
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${PORT}/reset#handed-[\\w-]{32}\\n$`))
    const token = out.trim().split('#')[1]!
    expect((await browser().post(auth.reset(), { token, password: 'a new long password' })).status).toBe(200)
    expect(await who.me()).toMatchObject({ kind: 'guest' })
    expect((await signIn(browser(), 'reset@example.org')).status).toBe(401)
    expect((await signIn(browser(), 'reset@example.org', 'a new long password')).status).toBe(200)
    const again = await browser().post(auth.reset(), { token, password: 'another long password' })
    expect([again.status, (await again.json() as { code: string }).code]).toEqual([410, 'link-spent'])
  })

  test('makes an admin', async () => {
    await signUp(browser(), 'boss@example.org')
    expect(await command('make-admin', 'boss@example.org')).toMatchObject({ code: 0, out: 'It is an admin now.\n' })
    const who = browser()
    await signIn(who, 'boss@example.org')
    expect((await who.get(auth.accounts())).status).toBe(200)
  })

  test.each(['make-admin', 'reset-password'])('is told by %s when there is no such account', async name => {
    const { code, err } = await command(name, 'nobody@example.org')
    expect([code, err]).toEqual([1, 'There is no account of this address; nothing was changed.\n'])
  })
})
