/** Tokens of people with accounts: a token is its person, and nobody when they are no more. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccountsPage } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import type { IssuedToken, Ticket } from '../../shared/api/token-schemas.ts'
import { newConversationId } from '../rig/conversation.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const { auth } = routes
const password = 'correct horse battery'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: ServerProcess

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
}, 60_000)
afterAll(async () => {
  await server?.stop()
  await folder?.remove()
})

const account = async (name: string): Promise<HttpBrowser> => {
  const browser = httpBrowser(server.url)
  await browser.post(auth.signUp(), { email: `${name}@example.org`, password, name })
  expect((await browser.post(auth.signIn(), { email: `${name}@example.org`, password })).status).toBe(200)
  return browser
}

test('an account that is disabled takes its tokens, its tickets and their sockets with it', async () => {
  const [admin, ada] = [await account('admin'), await account('ada')]
  const { secret } = await (await ada.post(routes.tokens(), { name: 'bot', scopes: { read: true, write: true } })).json() as IssuedToken
  const { ticket } = await (await ada.post(routes.tickets(), {})).json() as Ticket
  const authorization = `Bearer ${secret}`
  const name = `conversation/${newConversationId()}`
  const bot = await Peer.join(server.syncUrl, name, { authorization })
  const page = await Peer.join(server.syncUrl, name, { ticket })
  const { accounts } = await (await admin.get(auth.accounts())).json() as AccountsPage
  const { id } = accounts.find(({ email }) => email === 'ada@example.org')!
  await admin.send('PATCH', auth.otherAccount(id), { disabled: true })
  for (const peer of [bot, page]) expect((await peer.closed()).code).toBe(4401)
  expect((await fetch(server.url + routes.me(), { headers: { authorization } })).status).toBe(401)
  for (const options of [{ authorization }, { ticket }]) {
    expect(await (await Peer.open(server.syncUrl, name, options)).closed()).toMatchObject({ code: 4401, reason: expect.stringMatching(/^unauth/) })
  }
})

test('a session that is ended takes the tickets with it that were made by it', async () => {
  const ada = await account('grace')
  const { ticket } = await (await ada.post(routes.tickets(), {})).json() as Ticket
  const name = `conversation/${newConversationId()}`
  const page = await Peer.join(server.syncUrl, name, { ticket })
  await ada.post(auth.signOut(), {})
  expect((await page.closed()).code).toBe(4401)
  expect((await (await Peer.open(server.syncUrl, name, { ticket })).closed()).code).toBe(4401)
})

/** Whoever was the guest before, on a browser that several use, must not be whoever signs in on it next. */
test('a token that a guest made ends when the guest becomes an account, and so does what is open by it', async () => {
  const browser = httpBrowser(server.url)
  await browser.get(routes.me())
  const { secret } = await (await browser.post(routes.tokens(), { name: 'bot', scopes: { read: true, write: true } })).json() as IssuedToken
  const authorization = `Bearer ${secret}`
  const bot = await Peer.join(server.syncUrl, `conversation/${newConversationId()}`, { authorization })
  await browser.post(auth.signUp(), { email: 'guest@example.org', password, name: 'Once a guest' })
  await browser.post(auth.signIn(), { email: 'guest@example.org', password })
  expect((await bot.closed()).code).toBe(4401)
  expect((await fetch(server.url + routes.conversations(), { headers: { authorization } })).status).toBe(401)
  await until('it is gone from the list', async () => {
    const { tokens } = await (await browser.get(routes.tokens())).json() as { tokens: unknown[] }
    return tokens.length === 0
  })
})
