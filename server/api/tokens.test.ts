/** `/api/tokens` and `/api/tickets`, and what their bearers may do over the API. Over sockets: `test/server/token-sockets.test.ts`. */
import { beforeEach, describe, expect, test } from 'vitest'
import { a, b, idOf, nameOf, createApiWorld, messageOf } from '../../test/rig/api-world.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import { issuedToken, ticket, tokenList } from '../../shared/api/token-schemas.ts'
import { limits } from '../../shared/limits.ts'
import { TICKET_PROTOCOL } from '../../shared/wire/frame.ts'

type Browser = ReturnType<ApiWorld['browser']>

let world: ApiWorld
let ada: Browser

const signIn = async (): Promise<Browser> => {
  const browser = world.browser()
  await browser.get(routes.me())
  return browser
}
const make = async (scopes: object, more: object = {}, by = ada) =>
  issuedToken.parse(await (await by.post(routes.tokens(), { name: 'bot', scopes: { read: true, ...scopes }, ...more })).json())
/** Asks with a token; a cookie may come along. */
const as = (secret: string) => (path: string, init: RequestInit = {}): Promise<Response> =>
  world.request(path, { ...init, headers: { ...init.headers, 'authorization': `Bearer ${secret}`, 'content-type': 'application/json' } })
const post = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) })
const codeOf = async (response: Response): Promise<string> => (await response.json() as { code: string }).code
const idsIn = async (response: Response): Promise<string[]> =>
  (await response.json() as { conversations: { id: string }[] }).conversations.map(({ id }) => id)

beforeEach(async () => {
  world = await createApiWorld()
  ada = await signIn()
  for (const id of [a, b]) {
    await ada.post(routes.conversations(), { id })
    await world.say(id, messageOf(id === a ? 1 : 2))
  }
})

describe('a token', () => {
  test('is told once, and listed without what proves it', async () => {
    const { token, secret } = await make({ write: true, documents: [nameOf(a)] }, { days: 7 })
    const answer = await ada.get(routes.tokens())
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const text = await answer.text()
    expect(tokenList.parse(JSON.parse(text))).toEqual({ tokens: [token] })
    expect(text).not.toContain(secret.slice(-43))
  })

  test('is its person towards the API, whatever cookie comes along', async () => {
    const { secret } = await make({})
    const me = await (await as(secret)(routes.me())).json() as { principal: { id: string, kind: string } }
    const own = await (await ada.get(routes.me())).json() as { principal: { id: string } }
    expect(me.principal).toMatchObject({ id: own.principal.id, kind: 'service' })
    const bob = await signIn()
    const mixed = await (await bob.request(routes.conversations(), { headers: { authorization: `Bearer ${secret}` } })).json() as object
    expect(mixed).toMatchObject({ conversations: [{ id: b }, { id: a }] })
    expect((await bob.request(routes.conversations(), { headers: { authorization: `Bearer ${secret}x` } })).status).toBe(401)
  })

  test('makes nobody a guest, good or bad', async () => {
    const { secret } = await make({})
    for (const text of [secret, `${secret.slice(0, -1)}~`]) {
      const answer = await as(text)(routes.me())
      expect([answer.headers.get('set-cookie'), answer.status]).toEqual([null, text === secret ? 200 : 401])
    }
  })

  test('that only reads, reads', async () => {
    const ask = as((await make({})).secret)
    expect((await ask(routes.messages(a))).status).toBe(200)
    expect((await ask(routes.conversations(), post({ id: idOf('new') }))).status).toBe(404)
    expect(await world.directory.find(nameOf(idOf('new')))).toBeNull()
  })

  test('that writes may begin a conversation of its person\'s', async () => {
    const answer = await as((await make({ write: true })).secret)(routes.conversations(), post({ id: idOf('new'), title: 'From a script' }))
    expect(await answer.json()).toMatchObject({ id: idOf('new'), role: 'editor', title: 'From a script' })
    expect(await idsIn(await ada.get(routes.conversations()))).toContain(idOf('new'))
  })

  test('for one conversation does not know of another one', async () => {
    const ask = as((await make({ write: true, documents: [nameOf(a)] })).secret)
    expect(await idsIn(await ask(routes.conversations()))).toEqual([a])
    const synced = await (await ask(routes.sync(), post({ documents: [] }))).json() as { documents: { name: string, role: string }[] }
    expect(synced.documents.map(({ name, role }) => [name, role])).toEqual([[nameOf(a), 'editor']])
    for (const path of [routes.messages(b), routes.request(b, '01900000-0000-7000-8000-000000000001')]) {
      expect(await codeOf(await ask(path))).toBe('not-found')
    }
    expect(await codeOf(await ask(routes.conversations(), post({ id: b })))).toBe('not-found')
    expect(await codeOf(await ask(routes.conversations(), post({ id: idOf('new') })))).toBe('not-found')
  })

  test('ends with its person\'s membership, and has their role of today', async () => {
    const bob = await signIn()
    const { secret: invitation } = await (await ada.post(routes.invitations(a), { role: 'viewer' })).json() as { secret: string }
    await bob.post(routes.acceptInvitation(), { secret: invitation })
    const ask = as((await make({ write: true, documents: [nameOf(a)] }, {}, bob)).secret)
    const listed = await (await ask(routes.conversations())).json() as object
    expect(listed).toMatchObject({ conversations: [{ id: a, role: 'viewer' }] })
  })

  test('is good for nothing when it was revoked, or when its time is over', async () => {
    const [revoked, short] = [await make({}), await make({}, { days: 1 })]
    expect((await ada.request(routes.token(revoked.token.id), { method: 'DELETE' })).status).toBe(204)
    expect((await as(revoked.secret)(routes.conversations())).status).toBe(401)
    expect((await as(short.secret)(routes.conversations())).status).toBe(200)
    world.pass(24 * 60 * 60 * 1000)
    expect((await as(short.secret)(routes.conversations())).status).toBe(401)
  })

  test('that was rotated is good under its new secret only', async () => {
    const { token, secret } = await make({})
    const rotated = issuedToken.parse(await (await ada.post(routes.rotateToken(token.id), {})).json())
    expect(rotated.token.id).toBe(token.id)
    expect((await as(secret)(routes.conversations())).status).toBe(401)
    expect((await as(rotated.secret)(routes.conversations())).status).toBe(200)
  })
})

describe('nobody gets more by a token than it allows', () => {
  test('it makes, lists, rotates and revokes no tokens, invites nobody, accepts nothing, and deletes nothing', async () => {
    const { token, secret } = await make({ write: true })
    const ask = as(secret)
    const { secret: invitation } = await (await ada.post(routes.invitations(a), { role: 'viewer' })).json() as { secret: string }
    const tried: [string, RequestInit][] = [
      [routes.tokens(), {}],
      [routes.tokens(), post({ name: 'more', scopes: { read: true, write: true } })],
      [routes.rotateToken(token.id), post({})],
      [routes.token(token.id), { method: 'DELETE' }],
      [routes.invitations(a), post({ role: 'viewer' })],
      [routes.acceptInvitation(), post({ secret: invitation })],
      [routes.conversation(a), { method: 'DELETE' }],
    ]
    for (const [path, init] of tried) expect(await codeOf(await ask(path, init)), path).toBe('not-allowed')
    expect((await ask(routes.messages(a))).status).toBe(200)
    expect((tokenList.parse(await (await ada.get(routes.tokens())).json())).tokens).toHaveLength(1)
  })

  test('it is made by who is known, for documents that they are a member of', async () => {
    expect((await world.browser().post(routes.tokens(), { name: 'x', scopes: { read: true } })).status).toBe(401)
    const bob = await signIn()
    const wanted = (scopes: object) => bob.post(routes.tokens(), { name: 'x', scopes: { read: true, ...scopes } })
    expect(await codeOf(await wanted({ documents: [nameOf(a)] }))).toBe('not-found')
    expect(await codeOf(await wanted({ documents: ['conversation/none'] }))).toBe('not-found')
  })

  test.each<[string, object]>([
    ['no name', { scopes: { read: true } }],
    ['a blank name', { name: '  ', scopes: { read: true } }],
    ['a long name', { name: 'x'.repeat(limits.tokenNameLength + 1), scopes: { read: true } }],
    ['no scopes', { name: 'x' }],
    ['not even reading', { name: 'x', scopes: { read: false, write: true } }],
    ['a scope that is none', { name: 'x', scopes: { read: true, manage: true } }],
    ['no documents at all', { name: 'x', scopes: { read: true, documents: [] } }],
    ['a name that is none', { name: 'x', scopes: { read: true, documents: ['conversation/../x'] } }],
    ['many documents', { name: 'x', scopes: { read: true, documents: Array.from({ length: limits.documentsPerToken + 1 }, (_, i) => `conversation/${i}`) } }],
    ['for ever', { name: 'x', scopes: { read: true }, days: limits.tokenDays + 1 }],
    ['for no time', { name: 'x', scopes: { read: true }, days: 0 }],
  ])('it is not made with %s', async (_, body) => {
    expect(await codeOf(await ada.post(routes.tokens(), body))).toBe('invalid-request')
  })

  test('another person\'s token cannot be seen, rotated or revoked', async () => {
    const { token, secret } = await make({})
    const bob = await signIn()
    expect((await (await bob.get(routes.tokens())).json())).toEqual({ tokens: [] })
    expect((await bob.post(routes.rotateToken(token.id), {})).status).toBe(404)
    expect((await bob.request(routes.token(token.id), { method: 'DELETE' })).status).toBe(404)
    expect((await as(secret)(routes.conversations())).status).toBe(200)
  })

  test('its person\'s name and role in the conversation are not changed by what it does', async () => {
    const before = (await world.directory.find(nameOf(a)))!.members
    await as((await make({ write: true })).secret)(routes.conversations(), post({ id: a }))
    expect((await world.directory.find(nameOf(a)))!.members).toEqual(before)
  })
})

describe('a ticket', () => {
  const issue = async (body: object = {}, by: (path: string, init: RequestInit) => Promise<Response> = (path, init) => ada.request(path, { ...init, headers: { 'content-type': 'application/json' } })) =>
    by(routes.tickets(), post(body))

  test('is made by who is known, and says how a socket offers it', async () => {
    const made = ticket.parse(await (await issue()).json())
    expect(made.protocol).toBe(TICKET_PROTOCOL + made.ticket)
    expect((await world.request(routes.tickets(), { ...post({}), headers: { 'content-type': 'application/json' } })).status).toBe(401)
  })

  test('opens the feed, and no route besides', async () => {
    const { ticket: text } = ticket.parse(await (await issue()).json())
    const feed = await world.request(`${routes.feed()}?ticket=${text}`)
    expect(feed.status).toBe(200)
    await feed.body!.cancel()
    for (const path of [routes.conversations(), routes.messages(a), routes.tokens()]) expect((await world.request(`${path}?ticket=${text}`)).status, path).toBe(401)
    expect((await world.request(`${routes.feed()}?ticket=${text}x`)).status).toBe(401)
    expect((await ada.get(`${routes.feed()}?ticket=${text}x`)).status).toBe(401)
  })

  test('is made by a token for what that reaches', async () => {
    const ask = as((await make({ documents: [nameOf(a)] })).secret)
    expect((await issue({ document: nameOf(a) }, ask)).status).toBe(201)
    expect(await codeOf(await issue({ document: nameOf(b) }, ask))).toBe('not-found')
  })
})
