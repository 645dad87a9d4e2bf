// A guest becomes an account over real HTTP and sockets, on a server that is killed: nothing is lost, nothing is doubled, nothing stolen.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { putSharedDraft } from '../../shared/conversation/write.ts'
import { readDrafts, readMessages, textOf } from '../../shared/conversation/read.ts'
import type { DraftId } from '../../shared/ids.ts'
import { AccountsServer, listOf, meOf, signIn, signUp } from '../rig/accounts-server.ts'
import { messageTexts, newConversationId, newRequestId, say } from '../rig/conversation.ts'
import { until } from '../rig/until.ts'

let server: AccountsServer
beforeEach(async () => {
  server = await AccountsServer.start()
})
afterEach(() => server.close())

test('two guests of two devices become one account, which has all of both, whoever is killed meanwhile', async () => {
  const [phone, laptop] = [server.browser(), server.browser()]
  const ids: string[] = []
  for (const who of [phone, laptop]) {
    await meOf(who)
    ids.push((await server.begin(who, `said on ${ids.length + 1}`)).id)
  }
  const guests = [(await meOf(phone)).principal.id, (await meOf(laptop)).principal.id]
  await signUp(phone, 'ann@example.org')
  expect((await signIn(phone, 'ann@example.org')).status).toBe(200)
  await server.kill()
  expect((await signIn(laptop, 'ann@example.org')).status).toBe(200)
  await server.kill()
  for (const who of [phone, laptop]) {
    const { principal } = await meOf(who)
    expect([principal.kind, [...principal.aliases ?? []].sort()]).toEqual(['user', [...guests].sort()])
    expect(await listOf(who)).toEqual(ids.map(id => `${id} owner`).sort())
  }
  const peer = await server.enter(laptop, ids[0]!)
  expect(messageTexts(peer.doc)).toEqual(['said on 1'])
})

test('what a device wrote offline as the guest, or sent and heard nothing of, is taken once from the account', async () => {
  const phone = server.browser()
  await meOf(phone)
  const id = newConversationId()
  const first = await server.enter(phone, id)
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
  const again = await server.enter(phone, id, doc)
  await again.allSaved()
  await until('both are there', () => readMessages(again.doc).length === 2)
  expect(messageTexts(again.doc)).toEqual(['sent before', 'written offline'])
  const me = (await meOf(phone)).principal
  expect(readMessages(again.doc).map(({ metadata }) => metadata.authorId)).toEqual([guest, me.id])
  expect(readDrafts(again.doc).map(({ parts }) => textOf(parts))).toEqual(['letters'])
  expect(again.closedBy).toBeNull()
  await server.kill()
  const other = await server.enter(phone, id)
  expect(messageTexts(other.doc)).toEqual(['sent before', 'written offline'])
})

test('the guest’s connections end at once, and its cookie reads nothing any more: who brings it is a new guest', async () => {
  const [phone, thief] = [server.browser(), server.browser()]
  await meOf(phone)
  const { id, peer } = await server.begin(phone, 'secret')
  const { principal: guest, device } = await meOf(phone)
  for (const cookie of phone.cookies) thief.cookies.set(...cookie)
  await signUp(phone, 'ann@example.org')
  await signIn(phone, 'ann@example.org')
  await until('the guest is cut off', () => peer.closedBy?.code === 4401, 5000)
  const refused = await server.open(thief.cookie, id)
  expect((await refused.closed()).code).toBe(4401)
  const now = await meOf(thief, { user: guest.id, device })
  expect([now.principal.kind, now.before]).toEqual(['guest', 'became'])
  expect(now.principal.id).not.toBe(guest.id)
  expect(await listOf(thief)).toEqual([])
  // Who merely knows the guest's id, which stands beside its messages, learns nothing of it.
  expect((await meOf(server.browser(), { user: guest.id, device: 'x'.repeat(32) })).before).toBeUndefined()
})

test('the guest of one account is not taken by another: that one begins without it', async () => {
  const [phone, other] = [server.browser(), server.browser()]
  await meOf(phone)
  const { id } = await server.begin(phone, 'mine')
  for (const cookie of phone.cookies) other.cookies.set(...cookie)
  await signUp(phone, 'ann@example.org')
  await signIn(phone, 'ann@example.org')
  await signUp(other, 'ben@example.org', 'Ben')
  expect((await signIn(other, 'ben@example.org')).status).toBe(200)
  expect((await meOf(other)).principal).not.toHaveProperty('aliases')
  expect([await listOf(other), await listOf(phone)]).toEqual([[], [`${id} owner`]])
})
