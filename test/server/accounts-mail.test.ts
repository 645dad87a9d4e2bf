// Mails about accounts, by a real mail server: confirming an address, a new password, and what ends with the proof of an address.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Account } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { accountLimits } from '../../shared/limits.ts'
import { PASSWORD, json } from '../rig/accounts-server.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { secretIn, startMailServer } from '../rig/mail-server.ts'
import type { MailServer } from '../rig/mail-server.ts'
import { toldBy } from '../rig/operator.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'

const { auth } = routes

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let mail: MailServer
let server: ServerProcess
/** Accounts from before the server sent mails: of addresses that nobody has confirmed, with a token each. */
const early = new Map<string, { who: HttpBrowser, token: string }>()

beforeAll(async () => {
  folder = await temporaryFolder()
  mail = await startMailServer()
  const environment = { SKEIN_AUTH: 'accounts', SKEIN_MAX_SIGN_INS_PER_MINUTE_PER_ADDRESS: '1000' }
  server = await startServer(folder.path, environment)
  for (const email of ['early@example.org', 'claimed-early@example.org']) {
    const who = browser()
    await signUp(email)
    await signIn(email, PASSWORD, who)
    const { secret } = await json<{ secret: string }>(who.post(routes.tokens(), { name: 'bot', scopes: { read: true } }))
    early.set(email, { who, token: secret })
  }
  await server.stop()
  const mails = { SKEIN_SMTP_URL: mail.url, SKEIN_SMTP_FROM: 'skein@example.org', SKEIN_PUBLIC_URL: `http://127.0.0.1:${server.port}` }
  server = await startServer(folder.path, { ...environment, ...mails }, server.port)
})
afterAll(async () => {
  await server?.stop()
  await mail?.close()
  await folder?.remove()
})

const browser = (): HttpBrowser => httpBrowser(server.url)
const signUp = (email: string) => browser().post(auth.signUp(), { email, password: PASSWORD, name: 'Ada' })
const signIn = (email: string, password = PASSWORD, who = browser()) => who.post(auth.signIn(), { email, password })
const confirm = (token: string, password = PASSWORD) => browser().post(auth.confirm(), { token, password })
const remind = (email: string) => browser().post(auth.confirmMail(), { email })
const problem = async (answer: Promise<Response>): Promise<string> => {
  const response = await answer
  return `${response.status} ${(await response.json() as { code: string }).code}`
}
const tokenWorks = async (secret: string): Promise<boolean> =>
  (await fetch(server.url + routes.conversations(), { headers: { authorization: `Bearer ${secret}` } })).status === 200
const linkOfOperator = async (email: string): Promise<string> =>
  (await toldBy(['reset-password', email], { env: { SKEIN_DATA: folder.path } })).trim().split('#')[1]!

test('an account is of no use before its address is confirmed; who has one is told by mail alone', async () => {
  const [fresh, known] = [await signUp('mail@example.org'), await signUp('early@example.org')]
  expect([fresh.status, await fresh.json()]).toEqual([known.status, await known.json()])
  expect(await problem(signIn('mail@example.org'))).toBe('401 address-unconfirmed')
  expect(await problem(signIn('mail@example.org', 'a wrong password'))).toBe('401 sign-in-failed')
  const link = secretIn(await mail.nth('mail@example.org', 0))
  // Whoever follows it may not be who made the account: the link alone confirms nothing.
  expect(await problem(confirm(link, 'a wrong password'))).toBe('401 sign-in-failed')
  expect(await problem(signIn('mail@example.org'))).toBe('401 address-unconfirmed')
  expect((await confirm(link)).status).toBe(200)
  expect((await signIn('mail@example.org')).status).toBe(200)
  expect(await problem(confirm(link))).toBe('410 link-spent')
  await signUp('mail@example.org')
  expect(await mail.nth('mail@example.org', 1)).toContain('You have an account')
})

test('a link that is too old is none, and another one is sent; neither who has no account nor who needs none gets any, and the answer is one', async () => {
  const email = 'late@example.org'
  await signUp(email)
  const old = secretIn(await mail.nth(email, 0))
  const database = new DatabaseSync(join(folder.path, 'accounts.sqlite'))
  database.prepare('UPDATE verification SET expiresAt = ? WHERE value = (SELECT id FROM user WHERE email = ?)')
    .run(new Date(Date.now() - 1000).toISOString(), email)
  database.close()
  expect(await problem(confirm(old))).toBe('410 link-spent')
  const count = mail.to('mail@example.org').length
  const told = async (address: string) => {
    const answer = await remind(address)
    return { status: answer.status, body: await answer.text(), headers: [...answer.headers].filter(([name]) => name !== 'date') }
  }
  const [unconfirmed, confirmed, nobody] = [await told(email), await told('mail@example.org'), await told('no@example.org')]
  expect([confirmed, nobody]).toEqual([unconfirmed, unconfirmed])
  expect((await confirm(secretIn(await mail.nth(email, 1)))).status).toBe(200)
  expect((await signIn(email)).status).toBe(200)
  expect([mail.to('mail@example.org').length, mail.to('no@example.org').length]).toEqual([count, 0])
})

test('a mail box gets so many an hour, whatever is asked for', async () => {
  const email = 'flooded@example.org'
  for (let i = 0; i < accountLimits.mailsPerRecipientPerHour; i++) {
    await (i % 2 === 0 ? signUp(email) : remind(email))
    await mail.nth(email, i)
  }
  const asks = [() => signUp(email), () => remind(email), () => browser().post(auth.resetMail(), { email })]
    for (const ask of asks) expect((await ask()).status).toBe(200)
  // What would come comes before this one.
  await signUp('after-the-flood@example.org')
  await mail.nth('after-the-flood@example.org', 0)
  expect(mail.to(email)).toHaveLength(accountLimits.mailsPerRecipientPerHour)
})

test('with the proof of an address ends what was added to its account before, by whoever had it', async () => {
  const { who, token } = early.get('early@example.org')!
  expect([(await who.get(auth.account())).status, await tokenWorks(token)]).toEqual([200, true])
  const link = secretIn(await mail.nth('early@example.org', 0))
  expect((await confirm(link)).status).toBe(200)
  expect([(await who.get(auth.account())).status, await tokenWorks(token)]).toEqual([401, false])
  expect((await signIn('early@example.org')).status).toBe(200)
})

test('and a new password by a link that was mailed proves the address', async () => {
  const email = 'claimed-early@example.org'
  const { who, token } = early.get(email)!
  await browser().post(auth.resetMail(), { email })
  const link = secretIn(await mail.nth(email, 0))
  expect(await json(browser().post(auth.reset(), { token: link, password: 'by whose address it is' }))).toEqual({ everything: true })
  expect([(await who.get(auth.account())).status, await tokenWorks(token)]).toEqual([401, false])
  const own = browser()
  expect((await signIn(email, 'by whose address it is', own)).status).toBe(200)
  expect(await json<Account>(own.get(auth.account()))).toMatchObject({ emailConfirmed: true })
})

test('one by a link of the operator\'s proves none', async () => {
  const email = 'handed@example.org'
  await signUp(email)
  await mail.nth(email, 0)
  const token = await linkOfOperator(email)
  expect((await browser().post(auth.reset(), { token, password: 'a new long password' })).status).toBe(200)
  expect(await problem(signIn(email, 'a new long password'))).toBe('401 address-unconfirmed')
  await remind(email)
  expect((await confirm(secretIn(await mail.nth(email, 1)), 'a new long password')).status).toBe(200)
  expect((await signIn(email, 'a new long password')).status).toBe(200)
})

test('a link for a new password comes by mail, to who has an account, and the answer does not tell', async () => {
  const before = mail.to('late@example.org').length
  const ask = (email: string) => browser().post(auth.resetMail(), { email })
  const [known, unknown] = [await ask('late@example.org'), await ask('no@example.org')]
  expect([known.status, await known.text()]).toEqual([unknown.status, await unknown.text()])
  const token = secretIn(await mail.nth('late@example.org', before))
  expect(await json(browser().post(auth.reset(), { token, password: 'by a link of a mail' }))).toEqual({ everything: false })
  expect((await signIn('late@example.org', 'by a link of a mail')).status).toBe(200)
  expect(mail.to('no@example.org')).toEqual([])
  for (const each of mail.to('late@example.org')) expect(each).toContain(`http://127.0.0.1:${server.port}/`)
})
