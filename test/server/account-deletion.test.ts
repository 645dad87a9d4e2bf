// A person takes all that is kept of them, and leaves for good, on a server that is killed meanwhile: over real HTTP and sockets.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLevelDbBots } from '../../server/identity/bots/leveldb-bots.ts'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { routes } from '../../shared/api/routes.ts'
import { readMessages, readRuns } from '../../shared/conversation/read.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { AgentId, BotId, RequestId } from '../../shared/ids.ts'
import { AccountsServer, PASSWORD, codeOf, json, listOf, meOf, signIn, signUp } from '../rig/accounts-server.ts'
import { messageTexts, say, textOfMessage } from '../rig/conversation.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { toldBy } from '../rig/operator.ts'
import { Peer } from '../rig/peer.ts'
import { until } from '../rig/until.ts'

const EMAIL = 'ann@example.org'
const OFFLINE = 'skein-offline' as AgentId

let server: AccountsServer
beforeEach(async () => {
  server = await AccountsServer.start()
})
afterEach(() => server.close())

const ann = async (): Promise<HttpBrowser> => {
  const who = await server.guest()
  await signUp(who, EMAIL)
  await json(signIn(who, EMAIL))
  return who
}
const begin = async (who: HttpBrowser, text: string): Promise<string> => (await server.begin(who, text)).id
const invite = async (owner: HttpBrowser, id: string, other: HttpBrowser, role: 'editor' | 'viewer'): Promise<void> => {
  const { secret } = await json<{ secret: string }>(owner.post(routes.invitations(id), { role }))
  await json(other.post(routes.acceptInvitation(), { secret }))
}
const leave = (who: HttpBrowser, password?: string): Promise<Response> => fetch(`${server.url}/api/me`, {
  method: 'DELETE', body: JSON.stringify({ confirm: 'delete', ...password !== undefined && { password } }),
  headers: { cookie: who.cookie, 'content-type': 'application/json', origin: server.url }
})
const exportOf = async (who: HttpBrowser): Promise<Record<string, unknown>[]> => {
  const response = await who.get(routes.exportMe())
  expect(response.headers.get('content-disposition')).toMatch(/attachment/)
  return (await response.text()).trim().split('\n').map(line => JSON.parse(line) as Record<string, unknown>)
}
const filesWith = async (text: string): Promise<string[]> => {
  const entries = await readdir(server.dataFolder, { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const found = await Promise.all(files.map(async file => (await readFile(file)).includes(text)))
  return files.filter((_, i) => found[i])
}

test('an account leaves: what nobody else is in is erased, the rest goes on with who is left, and its words stay under no name', async () => {
  const [who, bob, cleo] = [await ann(), await server.guest(), await server.guest()]
  const alone = await begin(who, 'nobody-else-reads-this')
  const shared = await begin(who, 'said to others')
  await invite(who, shared, cleo, 'viewer')
  await invite(who, shared, bob, 'editor')
  const bobs = await begin(bob, 'of bob')
  await invite(bob, bobs, who, 'editor')
  const visit = await server.enter(who, bobs)
  say(visit.doc, 'from ann', { to: [] })
  await visit.allSaved()
  expect(await codeOf(leave(who, 'a wrong password'))).toBe('sign-in-failed')
  expect(await listOf(who)).toHaveLength(3)
  const cookie = who.cookie
  const { id: botId } = await json<{ id: BotId }>(who.post(routes.bots(), { name: 'Helper of hers' }))
  const { secret } = await json<{ secret: string }>(who.post(routes.tokens(), { name: 'x', scopes: { read: true, write: true, actAs: [botId] } }))
  const bot = await Peer.join(`${server.url.replace('http', 'ws')}/sync`, conversationName(bobs)!, { authorization: `Bearer ${secret}` })
  say(bot.doc, 'from her bot', { to: [] })
  await bot.allSaved()
  const { principal, device } = await meOf(who)
  expect((await leave(who, PASSWORD)).status).toBe(204)
  // Killed at whichever step it is.
  await server.kill()
  await until('she is cut off', () => visit.closedBy !== null && bot.closedBy !== null)
  expect((await fetch(server.url + routes.me(), { headers: { authorization: `Bearer ${secret}` } })).status).toBe(401)
  expect((await fetch(server.url + routes.conversations(), { headers: { cookie } })).status).toBe(401)
  expect(await codeOf(signIn(server.browser(), EMAIL))).toBe('sign-in-failed')
  // Another device of hers is told when it asks next.
  expect((await meOf(server.browser(), { user: principal.id, device })).before).toBe('deleted')
  expect([await listOf(bob), await listOf(cleo)]).toEqual([[`${bobs} owner`, `${shared} owner`].sort(), [`${shared} viewer`]])
  for (const [id, texts] of [[shared, ['said to others']], [bobs, ['of bob', 'from ann', 'from her bot']]] as const) {
    const { doc } = await server.enter(bob, id)
    expect(messageTexts(doc)).toEqual(texts)
    const hers = readMessages(doc).find(message => textOfMessage(message).match(/others|ann/))
    expect(hers?.metadata.authorName).toBe('Deleted account')
    const bots = readMessages(doc).find(({ metadata }) => metadata.bot)
    if (id === bobs) expect(bots?.metadata).toMatchObject({ authorName: 'Deleted bot · bot of Deleted account', bot: { name: 'Deleted bot', of: { name: 'Deleted account' } } })
  }
  expect(await codeOf(bob.get(routes.messages(alone)))).toBe('not-found')
  await server.stop()
  expect(await filesWith('nobody-else-reads-this')).toEqual([])
  expect(await filesWith(EMAIL)).toEqual([])
  const log = await openLevelDbLog({ path: join(server.dataFolder, 'log'), durability: 'os' })
  expect(await openLevelDbBots({ store: log.store, random: bytes => bytes, now: Date.now }).find(botId)).toBeNull()
  await log.close()
})

test('replies that an account asked for end when it leaves, those of others go on', async () => {
  const [who, bob] = [await ann(), await server.guest()]
  const shared = await begin(who, 'said to others')
  await invite(who, shared, bob, 'editor')
  const [hers, his] = [await server.enter(who, shared), await server.enter(bob, shared)]
  const [asked, askedByBob] = [say(hers.doc, '/slow', { to: [OFFLINE] }), say(his.doc, '/slow', { to: [OFFLINE] })]
  const runOf = (id: RequestId) => readRuns(his.doc).find(({ requestId }) => requestId === id)
  await until('both are being answered', () => [asked, askedByBob].every(id => runOf(id)?.state === 'processing'))
  expect((await leave(who, PASSWORD)).status).toBe(204)
  const reply = await until('hers has ended', () => readMessages(his.doc).find(({ metadata }) => metadata.parentId === messageIdOf(asked) && metadata.agentId))
  expect(reply.metadata.status).toBe('cancelled')
  expect(['processing', 'completed']).toContain(runOf(askedByBob)?.state)
})

test('a guest leaves: its cookie proves nobody, and a new guest has nothing', async () => {
  const who = await server.guest()
  await begin(who, 'mine')
  const { principal: { id: before }, device } = await meOf(who)
  expect(await codeOf(fetch(`${server.url}/api/me`, { method: 'DELETE', headers: { cookie: who.cookie, origin: server.url } }))).toBe('invalid-request')
  expect((await leave(who)).status).toBe(204)
  const now = await meOf(who, { user: before, device })
  expect([now.principal.id === before, now.before]).toEqual([false, 'deleted'])
  expect(await listOf(who)).toEqual([])
})

test('an export holds all that one may read and nothing secret, by the server and by the command', async () => {
  const [who, bob] = [await ann(), await server.guest()]
  const [own, bobs] = [await begin(who, 'mine'), await begin(bob, 'of bob')]
  await begin(bob, 'not for ann')
  await invite(bob, bobs, who, 'viewer')
  const { secret } = await json<{ secret: string }>(who.post(routes.invitations(own), { role: 'editor' }))
  const { id: botId } = await json<{ id: string }>(who.post(routes.bots(), { name: 'Deploys', description: 'Says what went out.' }))
  await json(bob.post(routes.bots(), { name: 'of somebody else' }))
  const lines = await exportOf(who)
  const kinds = (kind: string) => lines.filter(line => line['kind'] === kind)
  expect([lines[0]!['kind'], lines.at(-1)!['kind']]).toEqual(['export', 'end'])
  expect(kinds('account')).toMatchObject([{ email: EMAIL, name: 'Ann', signsInBy: ['password'] }])
  expect(kinds('conversation').map(line => line['document']).sort()).toEqual([own, bobs].map(id => conversationName(id)).sort())
  expect(kinds('message').map(({ message }) => textOfMessage(message as never)).sort()).toEqual(['mine', 'of bob'])
  expect(kinds('bot')).toMatchObject([{ id: botId, name: 'Deploys', description: 'Says what went out.' }])
  const text = JSON.stringify(lines)
  for (const hidden of [secret, 'of somebody else', PASSWORD, 'not for ann', ...who.cookies.values()]) expect(text).not.toContain(hidden)
  await server.stop()
  const told = await toldBy(['export-person', EMAIL, '--data', server.dataFolder])
  const withoutTime = (all: string[]): string[] => all.filter(line => !line.startsWith('{"kind":"export"') && !line.startsWith('{"kind":"device"')).sort()
  expect(withoutTime(told.trim().split('\n'))).toEqual(withoutTime(lines.map(line => JSON.stringify(line))))
})
