/** Accounts over real HTTP, wherever they are kept: sign-up, sign-in, sessions, passwords; what strangers learn of it is nothing. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Account, NewInviteCode, Session } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { createEngine } from '../../server/identity/accounts/engine.ts'
import type { AccountsDatabase } from '../../server/identity/accounts/database.ts'
import { newConversationId } from '../rig/conversation.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { adminContract } from './accounts-admin.ts'
import { passkeyContract } from './accounts-passkeys.ts'
import { takenOverContract } from './accounts-taken-over.ts'
import { engineOver, passkeyOf } from './accounts-database.ts'
import { toldBy } from '../rig/operator.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'

/** One place that accounts are kept in, empty at first. */
export interface AccountsPlace {
  /** Of a server that keeps them there. */
  environment: Record<string, string>
  /** Beside that server. */
  open(): Promise<AccountsDatabase>
}

const PASSWORD = 'correct horse battery'
/** More sign-ins from one address than people make. */
const ENVIRONMENT = { SKEIN_AUTH: 'accounts', SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS: '1000' }
const { auth } = routes

/** @param newPlace beside this data folder */
export const accountsContract = (adapter: string, newPlace: (folder: string) => Promise<AccountsPlace>) => describe(`accounts ${adapter}`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let place: AccountsPlace
  let server: ServerProcess
  /** Of servers that were stopped. */
  const earlier: Record<string, unknown>[] = []

  beforeAll(async () => {
    folder = await temporaryFolder()
    place = await newPlace(folder.path)
    server = await startServer(folder.path, { ...ENVIRONMENT, ...place.environment })
  })
  afterAll(async () => {
    await server?.stop()
    await folder?.remove()
  })

  const browser = (): HttpBrowser => httpBrowser(server.url)
  const signUp = (who: HttpBrowser, email: string, password = PASSWORD, name = 'Ada') => who.post(auth.signUp(), { email, password, name })
  const signIn = (who: HttpBrowser, email: string, password = PASSWORD) => who.post(auth.signIn(), { email, password })
  const signedIn = async (email: string, name = 'Ada'): Promise<HttpBrowser> => {
    const who = browser()
    expect((await signUp(who, email, PASSWORD, name)).status).toBe(200)
    expect((await signIn(who, email)).status).toBe(200)
    return who
  }
  const problem = async (response: Response) => {
    const { code, detail } = await response.json() as { code: string, detail: string }
    return { status: response.status, code, detail }
  }
  const json = async <T>(response: Promise<Response>): Promise<T> => (await response).json() as Promise<T>
  const sessionsOf = async (who: HttpBrowser) => (await json<{ sessions: Session[] }>(who.get(auth.sessions()))).sessions
  const restart = async (environment: Record<string, string>, signal?: NodeJS.Signals) => {
    await server.stop(signal)
    earlier.push(...server.log)
    server = await startServer(folder.path, { ...ENVIRONMENT, ...place.environment, ...environment }, server.port)
  }
  const auditOf = (event: string) => [...earlier, ...server.log].filter(line => line['audit'] === true && line['event'] === event)

  const command = (...args: string[]): Promise<string> => toldBy(args, { env: { SKEIN_DATA: folder.path, ...place.environment } })

  /** The socket of a new conversation. @returns how it closed */
  const openSocket = async (who: HttpBrowser) => {
    const socket = new WebSocket(`${server.syncUrl}/conversation/${newConversationId()}`, ['skein.v1'], { headers: { cookie: who.cookie, origin: server.url } })
    const closed = new Promise<number>(resolve => socket.once('close', resolve))
    await new Promise((resolve, reject) => socket.once('message', resolve).once('error', reject))
    return { socket, closed }
  }

  test('a guest signs up, signs in, and is the account from then on; signed out, a new guest', async () => {
    const ada = browser()
    const guest = await ada.me()
    expect(guest.kind).toBe('guest')
    expect(await json(signUp(ada, 'ada@example.org'))).toEqual({ next: 'sign-in' })
    expect(await ada.me()).toEqual(guest)
    expect((await signIn(ada, 'Ada@Example.org ')).status).toBe(200)
    const me = await ada.me()
    expect(me).toMatchObject({ kind: 'user', name: 'Ada' })
    expect([...ada.cookies.keys()]).toEqual(['skein.session'])
    expect(await json<Account>(ada.get(auth.account()))).toEqual({
      id: me.id, name: 'Ada', email: 'ada@example.org', emailConfirmed: false, role: 'admin', hasPassword: true, providers: [],
    })
    expect((await ada.post(auth.signOut())).status).toBe(200)
    expect(await ada.me()).toMatchObject({ kind: 'guest' })
    expect((await ada.get(auth.account())).status).toBe(401)
    expect(auditOf('signed-in')[0]).toMatchObject({ outcome: 'done', principal: me.id, about: { how: 'password' } })
    expect(auditOf('signed-out')).toHaveLength(1)
  })

  test('the session outlives the server', async () => {
    const eve = await signedIn('eve@example.org')
    const before = await eve.me()
    await restart({}, 'SIGKILL')
    expect(await eve.me()).toEqual(before)
  })

  test('the cookie of a session is for this host, for no script, and travels to no other site', async () => {
    const bob = browser()
    await signUp(bob, 'bob@example.org')
    const response = await signIn(bob, 'bob@example.org')
    const cookie = response.headers.getSetCookie().find(line => line.startsWith('skein.session='))
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(cookie).not.toMatch(/domain/i)
  })

  test('a session that was planted before the sign-in is not the one afterwards, and the one before ends', async () => {
    const who = await signedIn('fix@example.org')
    const before = { ...Object.fromEntries(who.cookies) }['skein.session']!
    await signIn(who, 'fix@example.org')
    expect(who.cookies.get('skein.session')).not.toBe(before)
    const old = browser()
    old.cookies.set('skein.session', before)
    expect((await old.get(auth.account())).status).toBe(401)
  })

  test.each(['x', 'a.b', '%', `${'A'.repeat(32)}.${'B'.repeat(43)}%3D`])('a made-up session proves nobody: %s', async value => {
    const who = browser()
    who.cookies.set('skein.session', value)
    expect((await who.get(auth.account())).status).toBe(401)
    expect(await who.me()).toMatchObject({ kind: 'guest' })
  })

  describe('passwords', () => {
    test.each([
      ['nine char', 'password'], ['x'.repeat(129), 'password'],
    ])('of a wrong length are not taken: %s', async password => {
      const refused = await problem(await signUp(browser(), 'len@example.org', password))
      expect(refused).toMatchObject({ status: 422, code: 'invalid-request' })
      expect(refused.detail).toContain('password')
      expect(refused.detail).not.toContain(password)
    })

    test('a changed one ends every other session within moments, its sockets too, and keeps this one', async () => {
      const here = await signedIn('change@example.org')
      const there = browser()
      await signIn(there, 'change@example.org')
      const [own, other] = await Promise.all([openSocket(here), openSocket(there)])
      expect(await problem(await here.post(auth.password(), { current: 'not the one', password: 'another long one' }))).toMatchObject({ code: 'sign-in-failed' })
      expect((await here.post(auth.password(), { current: PASSWORD, password: 'another long one' })).status).toBe(200)
      expect(await other.closed).toBe(4401)
      expect((await there.get(auth.account())).status).toBe(401)
      expect((await here.get(auth.account())).status).toBe(200)
      expect(own.socket.readyState).toBe(WebSocket.OPEN)
      own.socket.close()
      expect(await problem(await signIn(browser(), 'change@example.org'))).toMatchObject({ code: 'sign-in-failed' })
      expect((await signIn(browser(), 'change@example.org', 'another long one')).status).toBe(200)
      expect(auditOf('password.changed')).toHaveLength(1)
    })
  })

  describe('sessions', () => {
    test('are listed with where and when, and one is ended from elsewhere: its sockets close', async () => {
      const here = await signedIn('list@example.org')
      const there = httpBrowser(server.url, { 'user-agent': 'Phone/1' })
      await signIn(there, 'list@example.org')
      const phone = await openSocket(there)
      const all = await sessionsOf(here)
      expect(all.map(({ current, userAgent }) => [current, userAgent]).sort()).toEqual([[false, 'Phone/1'], [true, expect.any(String)]])
      expect(all.every(({ address }) => /127\.0\.0\.1$/.test(address))).toBe(true)
      const other = all.find(({ current }) => !current)!
      expect((await here.send('DELETE', auth.session(other.id))).status).toBe(204)
      expect(await phone.closed).toBe(4401)
      expect(await there.me()).toMatchObject({ kind: 'guest' })
      expect(await sessionsOf(here)).toHaveLength(1)
      expect((await here.send('DELETE', auth.session(other.id))).status).toBe(404)
    })

    test('of somebody else cannot be ended', async () => {
      const [own, stranger] = [await signedIn('own@example.org'), await signedIn('stranger@example.org')]
      const [{ id }] = await sessionsOf(own) as [Session]
      expect((await stranger.send('DELETE', auth.session(id))).status).toBe(404)
      expect((await own.get(auth.account())).status).toBe(200)
    })
  })

  describe('nobody learns who has an account', () => {
    test('sign-up, sign-in and reset answer the same for an address that is known and one that is not', async () => {
      await signUp(browser(), 'known@example.org')
      const answers = async (email: string) => {
        const all = [await signUp(browser(), email), await signIn(browser(), email, 'a wrong password'), await browser().post(auth.resetMail(), { email })]
        return Promise.all(all.map(async response => ({
          status: response.status, body: await response.text(), headers: [...response.headers.keys()].filter(name => name !== 'date').sort(),
        })))
      }
      // An address that was unknown is known after its sign-up, so it is asked for the sign-in by another name.
      const [known, fresh, unknown] = [await answers('known@example.org'), await answers('fresh@example.org'), await signIn(browser(), 'unknown@example.org')]
      expect(fresh).toEqual(known)
      expect({ status: unknown.status, body: await unknown.text() }).toEqual({ status: known[1]!.status, body: known[1]!.body })
    })

    test('a sign-up for an address that is known changes nothing of its account', async () => {
      const victim = await signedIn('victim@example.org')
      await signUp(browser(), 'victim@example.org', 'the attackers own', 'Mallory')
      expect((await signIn(browser(), 'victim@example.org', 'the attackers own')).status).toBe(401)
      expect(await json<Account>(victim.get(auth.account()))).toMatchObject({ name: 'Ada' })
    })
  })

  test('after some wrong passwords that account waits, for that address, longer each time', async () => {
    await signUp(browser(), 'locked@example.org')
    const tries = []
    for (let i = 0; i < 6; i++) tries.push(await signIn(browser(), 'locked@example.org', `wrong password ${i}`))
    expect(tries.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429])
    const locked = tries.at(-1)!
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await problem(locked)).toMatchObject({ code: 'sign-in-locked', detail: expect.stringMatching(/try again in \d+ seconds/) })
    // The right one does not get through either, or its answer would be the attacker's.
    expect((await signIn(browser(), 'locked@example.org')).status).toBe(429)
    expect((await signIn(browser(), 'known@example.org')).status).toBe(200)
    expect(auditOf('address.locked').length).toBeGreaterThan(0)
  })

  passkeyContract({ browser, signedIn, auditOf, url: () => server.url })

  const withAdapter = async (task: (context: Awaited<ReturnType<typeof createEngine>['$context']>) => Promise<unknown>): Promise<void> => {
    const store = await place.open()
    try {
      await task(await createEngine(engineOver(store), 'http://localhost').$context)
    } finally {
      await store.close()
    }
  }
  takenOverContract({
    browser, signedIn, signIn, openSocket,
    url: () => server.url,
    resetLink: async email => /\/reset#([\w-]+)\n$/.exec(await command('reset-password', email))![1]!,
    confirm: email => withAdapter(({ internalAdapter }) => internalAdapter.updateUserByEmail(email, { emailVerified: true })),
    linkProvider: email => withAdapter(async ({ internalAdapter }) => {
      const { user } = (await internalAdapter.findUserByEmail(email))!
      await internalAdapter.createAccount({ userId: user.id, providerId: 'acme', accountId: `elsewhere-${user.id}` })
    }),
  })

  adminContract({ browser, signIn, signedIn, openSocket, auditOf, log: () => server.log, url: () => server.url })

  describe('who may make an account', () => {
    test('with a code of the admin\'s, which is good once', async () => {
      await restart({ SKEIN_SIGNUP: 'invite' })
      expect(await json(browser().get(auth.options()))).toEqual({ signUp: 'invite', providers: [], mail: false })
      const admin = browser()
      await signIn(admin, 'ada@example.org')
      const made = await admin.post(auth.inviteCodes())
      expect(made.status).toBe(201)
      const { code, path } = await made.json() as NewInviteCode
      expect(path).toBe(`/sign-up#${code}`)
      const withCode = (email: string, code?: string) => browser().post(auth.signUp(), { email, password: PASSWORD, name: 'Invited', ...code && { code } })
      expect(await problem(await withCode('invited@example.org'))).toMatchObject({ status: 410, code: 'link-spent' })
      expect((await withCode('invited@example.org', `${code}x`)).status).toBe(410)
      const both = await Promise.all([withCode('invited@example.org', code), withCode('invited-2@example.org', code)])
      expect(both.map(({ status }) => status).sort()).toEqual([200, 410])
    })

    test('nobody, when the server is closed; who has one signs in', async () => {
      await restart({ SKEIN_SIGNUP: 'closed' })
      expect(await problem(await signUp(browser(), 'late@example.org'))).toMatchObject({ status: 403, code: 'sign-up-closed' })
      expect((await signIn(browser(), 'ada@example.org')).status).toBe(200)
      await restart({})
    })
  })

  test('two who sign up first at the same time: one is the admin', async () => {
    const own = await temporaryFolder()
    const fresh = await startServer(own.path, { ...ENVIRONMENT, ...(await newPlace(own.path)).environment })
    try {
      const people = await Promise.all(['a', 'b', 'c'].map(async name => {
        const who = httpBrowser(fresh.url)
        await signUp(who, `${name}@example.org`)
        await signIn(who, `${name}@example.org`)
        return json<Account>(who.get(auth.account()))
      }))
      expect(people.map(({ role }) => role).sort()).toEqual(['admin', 'user', 'user'])
    } finally {
      await fresh.stop()
      await own.remove()
    }
  })

  test('who leaves is gone from every table, and their address is free', async () => {
    const who = await signedIn('leaver@example.org')
    const { id } = await who.me()
    const store = await place.open()
    try {
      const { adapter } = await createEngine(engineOver(store), 'http://localhost').$context
      await adapter.create({ model: 'passkey', data: passkeyOf(id) })
      const rows = async () => (await Promise.all(['session', 'account', 'passkey'].map(model =>
        adapter.findMany({ model, where: [{ field: 'userId', value: id }] })))).map(({ length }) => length)
      expect(await rows()).toEqual([1, 1, 1])
      const answer = await fetch(server.url + routes.me(), {
        method: 'DELETE', body: JSON.stringify({ confirm: 'delete', password: PASSWORD }),
        headers: { 'cookie': who.cookie, 'origin': server.url, 'content-type': 'application/json' },
      })
      expect(answer.status).toBeLessThan(300)
      expect(await rows()).toEqual([0, 0, 0])
      expect(await adapter.findOne({ model: 'user', where: [{ field: 'id', value: id }] })).toBeNull()
    } finally {
      await store.close()
    }
    const again = await signedIn('leaver@example.org')
    expect((await again.me()).id).not.toBe(id)
  })

  test('the operator\'s commands reach them while the server runs', async () => {
    const { id } = await (await signedIn('boss@example.org')).me()
    expect(await command('make-admin', 'Boss@example.org')).toBe('It is an admin now.\n')
    const [, token] = /\/reset#([\w-]+)\n$/.exec(await command('reset-password', 'boss@example.org'))!
    expect((await browser().post(auth.reset(), { token, password: 'a new long password' })).status).toBe(200)
    const who = browser()
    await signIn(who, 'boss@example.org', 'a new long password')
    expect(await json<Account>(who.get(auth.account()))).toMatchObject({ id, role: 'admin' })
  })

  test('no password and no e-mail address stands in the log', () => {
    expect(auditOf('sign-in.failed').length).toBeGreaterThan(0)
    const text = JSON.stringify([...earlier, ...server.log])
    expect(text).not.toContain(PASSWORD)
    expect(text).not.toMatch(/wrong password/)
    expect(text).not.toMatch(/@example\.org/)
  })
})
