/**
 * Whoever asks about an address learns by the answer's time no more than by its words: the same work is done for one that has an account
 * and for one that has none. What is counted is that work; how long it took is told beside it.
 */
import { randomFillSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { hashPassword, verifyPassword } from 'better-auth/crypto'
import { Hono } from 'hono'
import type { Kysely, KyselyPlugin } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Accounts } from '../../server/identity/accounts/accounts.ts'
import { openSqlite } from '../../server/identity/accounts/sqlite.ts'
import { accountRoutes } from '../../server/identity/accounts/routes.ts'
import type { ProviderKeysOffer } from '../../server/identity/provider-keys-port.ts'
import { createGuestIdentity } from '../../server/identity/guest-cookie.ts'
import { routes } from '../../shared/api/routes.ts'
import { noDevices, nobodyBecameAnybody } from '../rig/no-devices.ts'
import { times } from '../rig/seed.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const { auth } = routes
const PASSWORD = 'correct horse battery'
const ROUNDS = times(100, 10)
const noKeys: ProviderKeysOffer = { keys: { list: async () => [] } as never, wanted: [] }
/** Since the request came. */
const work = { hashes: 0, queries: 0 }
/** As it was when the answer was ready. */
let done: typeof work
const mails: string[] = []
let url = ''
let callers = 0
let close: () => Promise<void>

const counting: KyselyPlugin = {
  transformQuery: ({ node }) => {
    work.queries++
    return node
  },
  transformResult: async ({ result }) => result,
}
const counted = <Given, Answer>(task: (given: Given) => Promise<Answer>) => (given: Given): Promise<Answer> => {
  work.hashes++
  return task(given)
}

beforeAll(async () => {
  const folder = await temporaryFolder()
  const store = await openSqlite(join(folder.path, 'accounts.sqlite'))
  const { database } = store
  const { db } = database as { db: Kysely<never> }
  const random = <T extends Uint8Array>(target: T): T => randomFillSync(target)
  const secret = new Uint8Array(32)
  const guests = createGuestIdentity({ secret, now: Date.now, random, aliases: nobodyBecameAnybody, devices: noDevices })
  const accounts = await Accounts.open({
    store: { ...store, database: { ...database as object, db: db.withPlugin(counting) } as typeof database },
    secret, guests, away: noDevices, carryOver: async () => {}, aliases: nobodyBecameAnybody,
    publicOrigin: 'http://localhost', overHttps: false, signUp: 'open', providers: [], providerKeys: noKeys,
    sendMail: async ({ to, text }) => { mails.push(`${to} ${/#(\S+)/.exec(text)?.[1]}`) },
    passwords: { hash: counted(hashPassword), verify: counted(verifyPassword) },
    // Each from an address of its own, so that none has to wait.
    callerOf: () => ({ address: String(++callers), secure: false, host: 'localhost' }),
    routes: accountRoutes, now: Date.now, random, audit: () => {}, failed: (what, error) => { if (error instanceof Error) throw error },
  })
  const app = new Hono()
  app.onError(() => new Response('refused', { status: 400 }))
  app.use(async (_, next) => {
    Object.assign(work, { hashes: 0, queries: 0 })
    await next()
    done = { ...work }
  })
  app.route('/api/auth', accounts.routes())
  const server = createServer((request, response) => void getRequestListener(app.fetch)(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  close = async () => {
    server.closeAllConnections()
    server.close()
    await accounts.close()
    await folder.remove()
  }
  for (const name of ['known', 'confirmed']) await post(auth.signUp(), { email: `${name}@example.org`, password: PASSWORD, name })
  const token = (await until('the mail is there', () => mails.find(mail => mail.startsWith('confirmed')))).split(' ')[1]
  expect((await post(auth.confirm(), { token })).status).toBe(200)
})
afterAll(() => close())

const post = async (path: string, body: object): Promise<Response> =>
  fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

/** @returns what was done by the time of the answer, and how long that took (milliseconds) */
const measure = async (path: string, body: object): Promise<{ work: typeof work, ms: number }> => {
  const start = performance.now()
  await (await post(path, body)).text()
  return { work: done, ms: performance.now() - start }
}
const median = (values: number[]): string => values.sort((a, b) => a - b)[values.length >> 1]!.toFixed(1)

test.each<[string, string, (email: string) => object, Partial<typeof work>]>([
  // An account's password is one row more to look up: microseconds beside the hash.
  ['sign-in with a wrong password', auth.signIn(), email => ({ email, password: 'not the password' }), { hashes: 1 }],
  ['asking for a new password', auth.resetMail(), email => ({ email }), { hashes: 0, queries: 0 }],
])('%s', async (what, path, body, expected) => {
  const took: Record<string, number[]> = { confirmed: [], known: [], nobody: [] }
  for (let round = 0; round < ROUNDS; round++) {
    const works = []
    for (const who of Object.keys(took)) {
      const { work, ms } = await measure(path, body(`${who}${who === 'nobody' ? round : ''}@example.org`))
      took[who]!.push(ms)
      works.push(work)
    }
    for (const each of works) expect(each).toMatchObject(expected)
  }
  console.log(`${what}, median of ${ROUNDS} (ms):`, Object.entries(took).map(([who, all]) => `${who} ${median(all)}`).join(', '))
})

test('signing up hashes once, for an address that is taken as for one that is not', async () => {
  const took: Record<string, number[]> = { taken: [], free: [] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const [who, name] of [['taken', 'confirmed'], ['free', `free${round}`]] as const) {
      const { work, ms } = await measure(auth.signUp(), { email: `${name}@example.org`, password: PASSWORD, name })
      expect(work.hashes).toBe(1)
      took[who]!.push(ms)
    }
  }
  console.log(`sign-up, median of ${ROUNDS} (ms):`, Object.entries(took).map(([who, all]) => `${who} ${median(all)}`).join(', '))
})

test('the mail with the link still comes, to who has an account', async () => {
  const before = mails.length
  await post(auth.resetMail(), { email: 'fresh-nobody@example.org' })
  await post(auth.resetMail(), { email: 'free0@example.org' })
  await until('it is there', () => mails.length > before)
  expect(mails.at(-1)).toMatch(/^free0@example\.org [\w-]+$/)
})
