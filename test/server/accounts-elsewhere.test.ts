// Sign-in with an account from elsewhere, by a real OpenID provider; links by a real mail server; the operator's commands.

import { execFile } from 'node:child_process'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Account } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { CLIENT, startOidcServer } from '../rig/oidc-server.ts'
import type { OidcServer } from '../rig/oidc-server.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const { auth } = routes
const PASSWORD = 'correct horse battery'
const CLI = new URL('../../server/cli.ts', import.meta.url).pathname

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let provider: OidcServer
let server: ServerProcess
const mails: string[] = []
const smtp = new SMTPServer({
  authOptional: true, disabledCommands: ['STARTTLS'],
  onData: (stream, _session, done) => {
    let text = ''
    stream.on('data', chunk => { text += String(chunk) })
    stream.on('end', () => {
      // Quoted-printable: soft breaks and `=` itself.
      mails.push(text.replaceAll('=\r\n', '').replaceAll('=3D', '='))
      done()
    })
  },
})
const PORT = 20_000 + process.pid % 20_000
const environment = (more: Record<string, string> = {}) => ({
  SKEIN_AUTH: 'accounts', SKEIN_OIDC_ACME_ISSUER: provider.issuer, SKEIN_OIDC_ACME_CLIENT_ID: CLIENT.id,
  SKEIN_OIDC_ACME_CLIENT_SECRET: CLIENT.secret, SKEIN_PUBLIC_URL: `http://127.0.0.1:${PORT}`, ...more,
})

beforeAll(async () => {
  folder = await temporaryFolder()
  provider = await startOidcServer(() => `http://127.0.0.1:${PORT}/api/auth/callback/acme`)
  await new Promise<void>(resolve => smtp.listen(0, '127.0.0.1', resolve))
  server = await startServer(folder.path, environment(), PORT)
})
afterAll(async () => {
  await server?.stop()
  await provider?.close()
  await new Promise<void>(resolve => smtp.close(() => resolve()))
  await folder?.remove()
})

const restart = async (more: Record<string, string>) => {
  await server.stop()
  server = await startServer(folder.path, environment(more), PORT)
}
const browser = (): HttpBrowser => httpBrowser(server.url)
const json = async <T>(response: Promise<Response>): Promise<T> => (await response).json() as Promise<T>
const signUp = (email: string) => browser().post(auth.signUp(), { email, password: PASSWORD, name: 'Ada' })
const signIn = (email: string, password = PASSWORD, who = browser()) => who.post(auth.signIn(), { email, password })

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
    await signUp('claimed@idp.example.org')
    const who = browser()
    const back = await who.navigate(await provider.signIn(await begin(who), 'claimed'))
    expect(back.headers.get('location')).toContain('error=account_not_linked')
    expect(await who.me()).toMatchObject({ kind: 'guest' })
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

const command = (...args: string[]): Promise<{ code: number, out: string, err: string }> => new Promise(resolve => {
  const env = { PATH: process.env['PATH'], SKEIN_DATA: folder.path, SKEIN_PUBLIC_URL: `http://127.0.0.1:${PORT}` }
  execFile(process.execPath, [CLI, ...args], { env }, (error, out, err) => resolve({ code: Number(error?.code ?? 0), out, err }))
})

describe('the operator, while the server runs', () => {
  test('makes a link for a new password, which is good once and ends every session', async () => {
    await signUp('reset@example.org')
    const who = browser()
    await signIn('reset@example.org', PASSWORD, who)
    const { code, out } = await command('reset-password', 'Reset@example.org')
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${PORT}/reset#[\\w-]{32}\\n$`))
    const token = out.trim().split('#')[1]!
    expect((await browser().post(auth.reset(), { token, password: 'a new long password' })).status).toBe(200)
    expect(await who.me()).toMatchObject({ kind: 'guest' })
    expect((await signIn('reset@example.org')).status).toBe(401)
    expect((await signIn('reset@example.org', 'a new long password')).status).toBe(200)
    const again = await browser().post(auth.reset(), { token, password: 'another long password' })
    expect([again.status, (await again.json() as { code: string }).code]).toEqual([410, 'link-spent'])
  })

  test('makes an admin', async () => {
    await signUp('boss@example.org')
    expect(await command('make-admin', 'boss@example.org')).toMatchObject({ code: 0, out: 'It is an admin now.\n' })
    const who = browser()
    await signIn('boss@example.org', PASSWORD, who)
    expect((await who.get(auth.accounts())).status).toBe(200)
  })

  test.each(['make-admin', 'reset-password'])('is told by %s when there is no such account', async name => {
    const { code, err } = await command(name, 'nobody@example.org')
    expect([code, err]).toEqual([1, 'There is no account of this address; nothing was changed.\n'])
  })
})

describe('with a mail server', () => {
  const mailTo = (address: string) => mails.filter(mail => mail.includes(`To: ${address}`))
  const linkIn = (mail: string): string => /#(\S+)/.exec(mail)![1]!

  beforeAll(() => restart({
    SKEIN_SMTP_URL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`, SKEIN_SMTP_FROM: 'skein@example.org',
  }))

  test('an account is of no use before its address is confirmed; who has one is told by mail alone', async () => {
    const [fresh, known] = [await signUp('mail@example.org'), await signUp('reset@example.org')]
    expect([fresh.status, await fresh.json()]).toEqual([known.status, await known.json()])
    expect((await signIn('mail@example.org')).status).toBe(401)
    await until('both mails are there', () => mailTo('mail@example.org').length === 1 && mailTo('reset@example.org').length === 1)
    expect(mailTo('reset@example.org')[0]).toContain('You have an account')
    expect((await browser().post(auth.confirm(), { token: linkIn(mailTo('mail@example.org')[0]!) })).status).toBe(200)
    expect((await signIn('mail@example.org')).status).toBe(200)
  })

  test('a link for a new password comes by mail, to who has an account, and the answer does not tell', async () => {
    const before = mails.length
    const ask = (email: string) => browser().post(auth.resetMail(), { email })
    const [known, unknown] = [await ask('mail@example.org'), await ask('no@example.org')]
    expect([known.status, await known.text()]).toEqual([unknown.status, await unknown.text()])
    await until('the mail is there', () => mails.length > before)
    const token = linkIn(mailTo('mail@example.org').at(-1)!)
    expect((await browser().post(auth.reset(), { token, password: 'by a link of a mail' })).status).toBe(200)
    expect((await signIn('mail@example.org', 'by a link of a mail')).status).toBe(200)
    expect(mailTo('no@example.org')).toEqual([])
    expect(mails.every(mail => mail.includes(`http://127.0.0.1:${PORT}/`))).toBe(true)
  })
})
