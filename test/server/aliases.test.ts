// A guest becomes an account over real HTTP and sockets, on a server that is killed: nothing is lost, nothing is doubled, nothing stolen.
import { afterEach, beforeEach, expect, test } from 'vitest'
import * as Y from 'yjs'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import { routes } from '../../shared/api/routes.ts'
import type { ConversationListItem, Me } from '../../shared/api/schemas.ts'
import { readDrafts, readMessages, textOf } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DraftId } from '../../shared/ids.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const { auth } = routes
const PASSWORD = 'correct horse battery'
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: ServerProcess
const peers: Peer[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
})
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.stop('SIGKILL')
  await folder.remove()
})

const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const response = await answer
  expect(response.status, await response.clone().text()).toBeLessThan(300)
  return await response.json() as T
}
const browser = (): HttpBrowser => httpBrowser(server.url)
const meOf = (who: HttpBrowser, before = {}): Promise<Me> => json(who.get(routes.me(before)))
const listOf = async (who: HttpBrowser): Promise<string[]> =>
  (await json<{ conversations: ConversationListItem[] }>(who.get(routes.conversations()))).conversations.map(({ id, role }) => `${id} ${role}`).sort()
const enter = async (who: HttpBrowser, id: string, doc = new Y.Doc()): Promise<Peer> => {
  const peer = await Peer.join(server.syncUrl, conversationName(id)!, { cookie: who.cookie, doc })
  peers.push(peer)
  return peer
}
const signUp = async (who: HttpBrowser, email: string, name = 'Ann'): Promise<void> => {
  await json(who.post(auth.signUp(), { email, password: PASSWORD, name }))
}
const signIn = (who: HttpBrowser, email: string): Promise<Response> => who.post(auth.signIn(), { email, password: PASSWORD })
const kill = async (): Promise<void> => {
  await server.stop('SIGKILL')
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' }, server.port)
}

test('two guests of two devices become one account, which has all of both, whoever is killed meanwhile', async () => {
  const [phone, laptop] = [browser(), browser()]
  const ids: string[] = []
  for (const who of [phone, laptop]) {
    await meOf(who)
    const id = newConversationId()
    ids.push(id)
    const peer = await enter(who, id)
    say(peer.doc, `said on ${ids.length}`, { to: [] })
    await peer.allSaved()
  }
  const guests = [(await meOf(phone)).principal.id, (await meOf(laptop)).principal.id]
  await signUp(phone, 'ann@example.org')
  expect((await signIn(phone, 'ann@example.org')).status).toBe(200)
  await kill()
  expect((await signIn(laptop, 'ann@example.org')).status).toBe(200)
  await kill()
  for (const who of [phone, laptop]) {
    const { principal } = await meOf(who)
    expect([principal.kind, [...principal.aliases ?? []].sort()]).toEqual(['user', [...guests].sort()])
    expect(await listOf(who)).toEqual(ids.map(id => `${id} owner`).sort())
  }
  const peer = await enter(laptop, ids[0]!)
  expect(messageTexts(peer.doc)).toEqual(['said on 1'])
})

test('what a device wrote offline as the guest, or sent and heard nothing of, is taken once from the account', async () => {
  const phone = browser()
  await meOf(phone)
  const id = newConversationId()
  const first = await enter(phone, id)
  const sent = newRequestId()
  say(first.doc, 'sent before', { to: [], id: sent })
  await first.allSaved()
  const { doc } = first
  first.close()
  // Offline: under the client id that is the guest's, and a draft in the guest's name.
  const guest = (await meOf(phone)).principal.id
  say(doc, 'written offline', { to: [], id: newRequestId() })
  const draft = newRequestId() as string as DraftId
  putSharedDraft(doc, draft, { kind: 'shared', authorId: guest as never, parentId: null, createdAt: 1 }, 'letters')
  await signUp(phone, 'ann@example.org')
  await signIn(phone, 'ann@example.org')
  // The answer to this one was lost: it is put again.
  say(doc, 'sent before', { to: [], id: sent, parentId: null })
  const again = await enter(phone, id, doc)
  await again.allSaved()
  await until('both are there', () => readMessages(again.doc).length === 2)
  expect(messageTexts(again.doc)).toEqual(['sent before', 'written offline'])
  const me = (await meOf(phone)).principal
  expect(readMessages(again.doc).map(({ metadata }) => metadata.authorId)).toEqual([guest, me.id])
  expect(readDrafts(again.doc).map(({ parts }) => textOf(parts))).toEqual(['letters'])
  expect(again.closedBy).toBeNull()
  await kill()
  const other = await enter(phone, id)
  expect(messageTexts(other.doc)).toEqual(['sent before', 'written offline'])
})

test('the guest’s connections end at once, and its cookie reads nothing any more: who brings it is a new guest', async () => {
  const [phone, thief] = [browser(), browser()]
  await meOf(phone)
  const id = newConversationId()
  const peer = await enter(phone, id)
  say(peer.doc, 'secret', { to: [] })
  await peer.allSaved()
  const { principal: guest, device } = await meOf(phone)
  for (const cookie of phone.cookies) thief.cookies.set(...cookie)
  await signUp(phone, 'ann@example.org')
  await signIn(phone, 'ann@example.org')
  await until('the guest is cut off', () => peer.closedBy?.code === 4401, 5000)
  const refused = await Peer.open(server.syncUrl, conversationName(id)!, { cookie: thief.cookie })
  peers.push(refused)
  expect((await refused.closed()).code).toBe(4401)
  const now = await meOf(thief, { user: guest.id, device })
  expect([now.principal.kind, now.before]).toEqual(['guest', 'became'])
  expect(now.principal.id).not.toBe(guest.id)
  expect(await listOf(thief)).toEqual([])
  // Who merely knows the guest's id, which stands beside its messages, learns nothing of it.
  expect((await meOf(browser(), { user: guest.id, device: 'x'.repeat(32) })).before).toBeUndefined()
})

test('the guest of one account is not taken by another: that one begins without it', async () => {
  const [phone, other] = [browser(), browser()]
  await meOf(phone)
  const id = newConversationId()
  const peer = await enter(phone, id)
  say(peer.doc, 'mine', { to: [] })
  await peer.allSaved()
  for (const cookie of phone.cookies) other.cookies.set(...cookie)
  await signUp(phone, 'ann@example.org')
  await signIn(phone, 'ann@example.org')
  await signUp(other, 'ben@example.org', 'Ben')
  expect((await signIn(other, 'ben@example.org')).status).toBe(200)
  expect((await meOf(other)).principal).not.toHaveProperty('aliases')
  expect([await listOf(other), await listOf(phone)]).toEqual([[], [`${id} owner`]])
})
