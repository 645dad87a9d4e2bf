/**
 * Whoever asks about an address learns by the answer's time no more than by its words: the same work is done for one that has an account
 * and for one that has none. What is counted is that work; how long it took is told beside it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { hashPassword, verifyPassword } from 'better-auth/crypto'
import type { KyselyPlugin } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { openAccountsInProcess } from '../rig/accounts-in-process.ts'
import type { InProcessAccounts } from '../rig/accounts-in-process.ts'
import { times } from '../rig/seed.ts'
import { until } from '../rig/until.ts'

const { auth } = routes
const PASSWORD = 'correct horse battery'
const ROUNDS = times(100, 10)
interface Work { hashes: number, queries: number }
/** Of each request by itself: what follows an answer may run while the next request does. */
const request = new AsyncLocalStorage<Work>()
const count = (what: keyof Work): void => {
  const work = request.getStore()
  if (work) work[what]++
}
/** As it was when the answer was ready. */
let done: Work
let server: InProcessAccounts

const counting: KyselyPlugin = {
  transformQuery: ({ node }) => {
    count('queries')
    return node
  },
  transformResult: async ({ result }) => result,
}
const counted = <Given, Answer>(task: (given: Given) => Promise<Answer>) => (given: Given): Promise<Answer> => {
  count('hashes')
  return task(given)
}
const mailTo = (email: string): Promise<string> => until(`there is a mail to ${email}`, () => server.mails.find(mail => mail.startsWith(`${email} `)))

beforeAll(async () => {
  server = await openAccountsInProcess({
    passwords: { hash: counted(hashPassword), verify: counted(verifyPassword) },
    plugin: counting,
    around: async (_, next) => {
      const work = { hashes: 0, queries: 0 }
      await request.run(work, next)
      done = { ...work }
    },
  })
  for (const name of ['known', 'confirmed']) {
    await post(auth.signUp(), { email: `${name}@example.org`, password: PASSWORD, name })
    await mailTo(`${name}@example.org`)
  }
  const token = (await mailTo('confirmed@example.org')).split(' ')[1]
  expect((await post(auth.confirm(), { token, password: PASSWORD })).status).toBe(200)
})
afterAll(() => server.close())

const post = async (path: string, body: object): Promise<Response> =>
  fetch(server.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

/** @returns what was done by the time of the answer, and how long that took (milliseconds) */
const measure = async (path: string, body: object): Promise<{ work: Work, ms: number }> => {
  const start = performance.now()
  await (await post(path, body)).text()
  return { work: done, ms: performance.now() - start }
}
const median = (values: number[]): string => values.sort((a, b) => a - b)[values.length >> 1]!.toFixed(1)

test.each<[string, string, (email: string) => object, Partial<Work>]>([
  // An account's password is one row more to look up: microseconds beside the hash.
  ['sign-in with a wrong password', auth.signIn(), email => ({ email, password: 'not the password' }), { hashes: 1 }],
  ['asking for a new password', auth.resetMail(), email => ({ email }), { hashes: 0, queries: 0 }],
  ['asking for another link that confirms an address', auth.confirmMail(), email => ({ email }), { hashes: 0, queries: 0 }],
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
  await post(auth.signUp(), { email: 'fresh@example.org', password: PASSWORD, name: 'Fresh' })
  const before = await mailTo('fresh@example.org')
  await post(auth.resetMail(), { email: 'fresh-nobody@example.org' })
  await post(auth.resetMail(), { email: 'fresh@example.org' })
  const mail = await until('it is there', () => server.mails.find(each => each.startsWith('fresh@') && each !== before))
  expect(mail).toMatch(/^fresh@example\.org [\w-]+$/)
  expect(server.mails.filter(each => each.startsWith('fresh-nobody'))).toEqual([])
})
