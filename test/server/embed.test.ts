/** A program that runs the server inside itself and says who people are by a function, over real HTTP and sockets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createServer } from '../../server/embed.ts'
import type { EmbeddedServer, KnownPerson } from '../../server/embed.ts'
import { routes } from '../../shared/api/routes.ts'
import type { IssuedToken } from '../../shared/api/token-schemas.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import type { PeerOptions } from '../rig/peer.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: EmbeddedServer
/** Whom the program knows, by what they show. */
let people: Map<string, KnownPerson | (() => never)>
let asked: { address: string, origin?: string | undefined }[]
const peers: Peer[] = []

const start = async (): Promise<void> => {
  server = await createServer({
    dataFolder: folder.path,
    environment: { LOG_LEVEL: 'silent', SKEIN_OFFLINE_PACE: '0' },
    authenticate: ({ authorization = '', address, origin }) => {
      asked.push({ address, origin })
      const person = people.get(authorization)
      return typeof person === 'function' ? person() : person ?? null
    },
  })
}
const join = async (name: string, options: PeerOptions): Promise<Peer> => {
  const peer = await Peer.join(`${server.url.replace('http', 'ws')}/sync`, name, options)
  peers.push(peer)
  return peer
}
const get = (path: string, authorization: string): Promise<Response> => fetch(server.url + path, { headers: { authorization } })

beforeEach(async () => {
  folder = await temporaryFolder()
  asked = []
  people = new Map<string, KnownPerson | (() => never)>([
    ['App ada', { id: 'ada', name: 'Ada', credential: 'login-1' }],
    ['App bob', { id: 'bob', name: 'Bob' }],
  ])
  await start()
})
afterEach(async () => {
  for (const peer of peers.splice(0)) peer.close()
  await server.close()
  await folder.remove()
})

describe('people that the program knows', () => {
  it('are who it says, over HTTP and sockets; others are nobody, and nobody is made a guest', async () => {
    expect(await (await get(routes.me(), 'App ada')).json()).toMatchObject({ principal: { id: 'ada', name: 'Ada', kind: 'user' } })
    const stranger = await get(routes.me(), 'App eve')
    expect([stranger.status, stranger.headers.get('set-cookie')]).toEqual([401, null])
    const name = `conversation/${newConversationId()}`
    const ada = await join(name, { authorization: 'App ada' })
    say(ada.doc, 'Hello', { to: [] })
    await ada.allSaved()
    await expect(join(name, { authorization: 'App bob' })).rejects.toThrow('4404 not-found')
    await expect(join(name, { authorization: 'App eve' })).rejects.toThrow('4401 unauthenticated')
    expect(asked.every(({ address }) => address.includes('127.0.0.1'))).toBe(true)
  })

  it('are the same after a restart of the program', async () => {
    const name = `conversation/${newConversationId()}`
    say((await join(name, { authorization: 'App ada' })).doc, 'Hello', { to: [] })
    await peers[0]!.allSaved()
    await server.close()
    await start()
    expect(messageTexts((await join(name, { authorization: 'App ada' })).doc)).toEqual(['Hello'])
  })

  it('are gone at once when the program says so', async () => {
    const name = `conversation/${newConversationId()}`
    const ada = await join(name, { authorization: 'App ada' })
    people.delete('App ada')
    server.revoke({ credential: 'login-1' })
    expect(await ada.closed()).toMatchObject({ code: 4401, reason: expect.stringMatching(/^signed-out/) })
    await expect(join(name, { authorization: 'App ada' })).rejects.toThrow('4401')
  })

  it('make tokens for their scripts', async () => {
    const made = await fetch(server.url + routes.tokens(), {
      method: 'POST', headers: { 'authorization': 'App ada', 'content-type': 'application/json' }, body: JSON.stringify({ name: 'bot', scopes: { read: true } }),
    })
    const { secret } = await made.json() as IssuedToken
    expect(await (await get(routes.me(), `Bearer ${secret}`)).json()).toMatchObject({ principal: { id: 'ada', kind: 'service' } })
  })

  it('take their tokens with them when they leave, and what is open by these', async () => {
    people.set('App leaver', { id: 'leaver', name: 'Leaver' })
    const made = await fetch(server.url + routes.tokens(), {
      method: 'POST', headers: { 'authorization': 'App leaver', 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'bot', scopes: { read: true, write: true } }),
    })
    const authorization = `Bearer ${(await made.json() as IssuedToken).secret}`
    const bot = await join(`conversation/${newConversationId()}`, { authorization })
    people.delete('App leaver')
    server.revoke({ user: 'leaver' as UserId })
    expect((await bot.closed()).code).toBe(4401)
    await until('the token is good for nothing', async () => (await get(routes.me(), authorization)).status === 401)
  })

  it.each<[string, KnownPerson['scopes']]>([
    ['for one document', { read: true, write: true, manage: true, documents: ['conversation/one' as DocumentName] }],
    ['for reading', { read: true, write: false, manage: true }],
    ['for nothing', { read: false, write: false, manage: true }],
  ])('make nothing that goes further by a proof that is %s', async (_, scopes) => {
    people.set('App narrow', { id: 'ada', name: 'Ada', ...scopes && { scopes } })
    const headers = { 'authorization': 'App narrow', 'content-type': 'application/json' }
    const post = async (path: string, body: object) => (await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).status
    expect(await post(routes.tokens(), { name: 'bot', scopes: { read: true, write: true } })).toBe(403)
    expect(await post(routes.acceptInvitation(), { secret: 'x' })).toBe(403)
    expect((await get(routes.tokens(), 'App narrow')).status).toBe(403)
    // Also not of a token that there is: its new secret would go as far as the old one.
    const whole = { 'authorization': 'App ada', 'content-type': 'application/json' }
    const made = await fetch(server.url + routes.tokens(), { method: 'POST', headers: whole, body: '{"name":"bot","scopes":{"read":true}}' })
    const { token: { id } } = await made.json() as IssuedToken
    expect(await post(routes.rotateToken(id), {})).toBe(403)
    expect((await fetch(server.url + routes.token(id), { method: 'DELETE', headers })).status).toBe(403)
  })

  it('may be let in no further than a scope says, and no longer than a time', async () => {
    const name = `conversation/${newConversationId()}`
    await join(name, { authorization: 'App ada' })
    people.set('App reader', { id: 'ada', name: 'Ada', scopes: { read: true, write: false }, expiresAt: Date.now() + 2000 })
    const reader = await join(name, { authorization: 'App reader' })
    expect(reader.controls[0]).toMatchObject({ kind: 'hello', role: 'viewer' })
    expect((await reader.closed()).reason).toMatch(/^sign-in-expired/)
  })
})

describe('a function that fails', () => {
  it.each<[string, KnownPerson | (() => never)]>([
    ['throws', () => { throw new Error('the database is away') }],
    ['says an id that is none', { id: '../ada', name: 'Ada' }],
    ['says no id', { name: 'Ada' } as never],
    ['says no name', { id: 'ada', name: ' ' }],
    ['says a time that is none', { id: 'ada', name: 'Ada', expiresAt: NaN }],
  ])('because it %s, signs nobody out and lets nobody in: it is tried again', async (_, person) => {
    people.set('App ada', person)
    const answer = await get(routes.me(), 'App ada')
    expect(answer.status).toBe(500)
    expect(await answer.text()).not.toMatch(/database|authenticate/)
    const peer = await Peer.open(`${server.url.replace('http', 'ws')}/sync`, `conversation/${newConversationId()}`, { authorization: 'App ada' })
    expect(await peer.closed()).toMatchObject({ code: 1011, reason: expect.stringMatching(/^internal/) })
    people.set('App ada', { id: 'ada', name: 'Ada' })
    await until('it works again', async () => (await get(routes.me(), 'App ada')).ok)
  })
})

it('a folder in use ends the start with an error that says so, and the program goes on', async () => {
  await expect(createServer({ authenticate: () => null, dataFolder: folder.path })).rejects.toThrow(/in use/)
  expect((await get(routes.me(), 'App ada')).ok).toBe(true)
})
