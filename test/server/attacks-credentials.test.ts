/**
 * Attacks with credentials, against a server process that trusts a JWT issuer: forged, expired, replayed, cut and foreign tokens and
 * tickets, over HTTP and sockets. Each is refused with the right code, an honest person goes on after each, and at the end nothing that
 * the server said anywhere holds a secret. Every kind of forgery at the smallest scale: `server/identity/jwt/jwt-identity.test.ts`.
 */
import { createHmac } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { routes } from '../../shared/api/routes.ts'
import type { IssuedToken, Ticket } from '../../shared/api/token-schemas.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { forge, jwkOf, keyPair, pemOf, sign, startKeyServer } from '../rig/jwt-issuer.ts'
import type { KeyServer, Pair } from '../rig/jwt-issuer.ts'
import { Peer } from '../rig/peer.ts'
import type { PeerOptions } from '../rig/peer.ts'
import { SecretWatch } from '../rig/secret-watch.ts'
import { openServerFolder } from '../rig/server-process.ts'
import type { ServerFolder, ServerProcess } from '../rig/server-process.ts'

const ISSUER = 'https://id.example.org'
const OTHER = 'https://other.example.org'

let folder: ServerFolder
let server: ServerProcess
let keys: Pair
let otherKeys: Pair
let keyServer: KeyServer
let watch: SecretWatch
let ada: Peer
let adas: string
let talk: string
/** Another conversation of Ada's. */
let other: string

const seconds = (): number => Math.floor(Date.now() / 1000)
const claimsOf = (sub: string, more: object = {}) => ({ iss: ISSUER, aud: 'skein', sub, name: sub, exp: seconds() + 600, ...more })
const jwt = async (sub: string, more: object = {}): Promise<string> => watch.keep(await sign(keys.privateKey, 'RS256', claimsOf(sub, more)))

/** Asks, and lets the watch see all of the answer but what `tells` a secret on purpose. */
const ask = async (path: string, authorization?: string, init: RequestInit & { tells?: boolean } = {}): Promise<Response> => {
  const headers = { ...authorization && { authorization }, ...init.body && { 'content-type': 'application/json' } }
  const response = await fetch(server.url + path, { ...init, headers: { ...headers, ...init.headers as Record<string, string> } })
  if (!init.tells) watch.said(path.split('?')[0]!, await response.clone().text())
  watch.said('headers', JSON.stringify([...response.headers]))
  return response
}
const post = (body: unknown, tells = false) => ({ method: 'POST', body: JSON.stringify(body), tells })
const make = async (scopes: object, by = adas, more: object = {}): Promise<IssuedToken> => {
  const answer = await ask(routes.tokens(), `Bearer ${by}`, post({ name: 'bot', scopes: { read: true, ...scopes }, ...more }, true))
  const issued = await answer.json() as IssuedToken
  watch.keep(issued.secret)
  return issued
}
const ticketFor = async (document: string | null, by = adas): Promise<string> => {
  const answer = await ask(routes.tickets(), `Bearer ${by}`, post(document === null ? {} : { document }, true))
  return watch.keep(((await answer.json()) as Ticket).ticket)
}
const open = async (options: PeerOptions, name = talk): Promise<string> => {
  const peer = await Peer.open(server.syncUrl, name, options)
  const { code, reason } = await peer.closed()
  watch.said('close reason', reason)
  watch.said('subprotocol', peer.socket.protocol)
  // Whoever is known here is told that they have no role, and nobody is told anything else.
  expect(peer.frames.filter(frame => frame.type !== 'control' || frame.control.kind !== 'role')).toEqual([])
  return `${code} ${reason.split(':')[0]}`
}
const codeOf = async (response: Response): Promise<string> => `${response.status} ${(await response.json() as { code: string }).code}`

/** It opens neither the API nor a socket: the same answer for every kind of forgery. */
const expectNobody = async (token: string): Promise<void> => {
  watch.keep(token)
  expect(await codeOf(await ask(routes.me(), `Bearer ${token}`))).toBe('401 unauthenticated')
  expect(await codeOf(await ask(routes.conversations(), `Bearer ${token}`))).toBe('401 unauthenticated')
  expect(await open({ authorization: `Bearer ${token}` })).toBe('4401 unauthenticated')
}

beforeAll(async () => {
  [keys, otherKeys] = [keyPair('RS256'), keyPair('ES256')]
  watch = new SecretWatch()
  folder = await openServerFolder()
  keyServer = await startKeyServer([await jwkOf(otherKeys, { kid: 'now', alg: 'ES256' })])
  const [pem, list] = [join(folder.path, 'issuer.pem'), join(folder.path, 'issuers.json')]
  await writeFile(pem, pemOf(keys))
  await writeFile(list, JSON.stringify([
    { issuer: ISSUER, audience: ['skein'], algorithms: ['RS256'], publicKeyFile: pem, skewSeconds: 0 },
    { issuer: OTHER, audience: ['skein'], algorithms: ['ES256'], jwksUrl: keyServer.url },
  ]))
  server = await folder.start({ SKEIN_AUTH: 'jwt', SKEIN_JWT_ISSUERS: list, LOG_LEVEL: 'trace' })
  adas = await jwt('ada')
  talk = `conversation/${newConversationId()}`
  other = `conversation/${newConversationId()}`
  for (const name of [other, talk]) {
    ada = await Peer.join(server.syncUrl, name, { authorization: `Bearer ${adas}` })
    say(ada.doc, 'Hello', { to: [] })
    await ada.allSaved()
  }
}, 60_000)

afterEach(async () => {
  const before = messageTexts(ada.doc).length
  say(ada.doc, 'I go on', { to: [] })
  await ada.allSaved()
  expect(messageTexts(ada.doc)).toHaveLength(before + 1)
  watch.expectNone(server.log)
})

afterAll(async () => {
  ada?.close()
  await folder?.close()
  await keyServer?.close()
  watch.expectNone(server.log)
  expect(server.log.some(line => line['event'] === 'credential.refused'), 'the operator is told').toBe(true)
})

describe('forged JWTs', () => {
  const signedWith = (secret: string) => (text: string) => createHmac('sha256', secret).update(text).digest('base64url')

  it.each<[string, () => Promise<string> | string]>([
    ['HS256 under the public key', () => forge({ alg: 'HS256', typ: 'JWT' }, claimsOf('ada'), signedWith(pemOf(keys)))],
    ['none', () => forge({ alg: 'none' }, claimsOf('ada'), () => '')],
    ['a key of the attacker\'s in the header', async () => {
      const own = keyPair('RS256')
      return sign(own.privateKey, 'RS256', claimsOf('ada'), { jwk: await jwkOf(own), kid: 'x', jku: keyServer.url, x5u: keyServer.url })
    }],
    ['a key id that is a path', () => sign(otherKeys.privateKey, 'ES256', claimsOf('ada', { iss: OTHER }), { kid: '../../../etc/passwd' })],
    ['another issuer\'s key in this one\'s name', () => sign(otherKeys.privateKey, 'ES256', claimsOf('ada'), { kid: 'now' })],
    ['expired', () => sign(keys.privateKey, 'RS256', claimsOf('ada', { exp: seconds() - 1 }))],
    ['not yet valid', () => sign(keys.privateKey, 'RS256', claimsOf('ada', { nbf: seconds() + 100 }))],
    ['for another audience', () => sign(keys.privateKey, 'RS256', claimsOf('ada', { aud: 'other' }))],
    ['of an issuer that nobody trusts', () => sign(keys.privateKey, 'RS256', claimsOf('ada', { iss: 'https://evil.example.org' }))],
    ['cut short', () => adas.slice(0, -10)],
    ['Ada\'s with somebody else\'s claims', async () => [adas.split('.')[0], (await jwt('bob')).split('.')[1], adas.split('.')[2]].join('.')],
    ['huge', () => sign(keys.privateKey, 'RS256', claimsOf('ada', { more: 'x'.repeat(9000) }))],
  ])('%s: nobody', async (_, token) => expectNobody(await token()))

  it('one subject of two issuers is two people: neither is in the other\'s documents', async () => {
    const theirs = watch.keep(await sign(otherKeys.privateKey, 'ES256', claimsOf('ada', { iss: OTHER }), { kid: 'now' }))
    expect((await ask(routes.me(), `Bearer ${theirs}`)).status).toBe(200)
    expect(await open({ authorization: `Bearer ${theirs}` })).toBe('4404 not-found')
  })

  it('a subject that is somebody\'s id here, or a path, is none of them', async () => {
    const { principal } = await (await ask(routes.me(), `Bearer ${adas}`)).json() as { principal: { id: string } }
    for (const sub of [principal.id, 'local', 'guest-1', `../home/${principal.id}`, '__proto__']) {
      const token = await jwt(sub)
      expect(await open({ authorization: `Bearer ${token}` }), sub).toBe('4404 not-found')
      expect(await open({ authorization: `Bearer ${token}` }, `home/${principal.id}`), sub).toBe('4404 not-found')
    }
  })

  it('an end that comes ends what is open by it, in seconds', async () => {
    const short = await jwt('ada', { exp: seconds() + 2 })
    const peer = await Peer.join(server.syncUrl, talk, { authorization: `Bearer ${short}` })
    expect(await peer.closed()).toMatchObject({ code: 1013, reason: expect.stringMatching(/^sign-in-expired/) })
    await expectNobody(short)
  })
})

describe('tokens', () => {
  it('guessed, cut, changed and mixed ones are nobody\'s', async () => {
    const [one, two] = [await make({}), await make({})]
    const { id } = one.token
    for (const token of [
      `skein_${id}_${'A'.repeat(43)}`, `skein_${'0'.repeat(24)}_${one.secret.slice(-43)}`, `skein_${id}_${two.secret.slice(-43)}`,
      one.secret.slice(0, -1), `${one.secret}A`, one.secret.toUpperCase(), `skein_${id}_`, 'skein_', `skein_${'x'.repeat(9000)}`,
    ]) await expectNobody(token)
  })

  it('one that was revoked, replayed: nobody, though a good cookie or ticket comes along', async () => {
    const { token, secret } = await make({ write: true })
    expect((await ask(routes.token(token.id), `Bearer ${adas}`, { method: 'DELETE' })).status).toBe(204)
    await expectNobody(secret)
    expect(await open({ authorization: `Bearer ${adas}`, ticket: `${await ticketFor(talk)}A` })).toBe('4401 unauthenticated')
  })

  it('make no token, revoke none, invite nobody and delete nothing', async () => {
    const { token, secret } = await make({ write: true, documents: [talk] })
    const id = talk.split('/')[1]!
    for (const [path, init] of [
      [routes.tokens(), post({ name: 'more', scopes: { read: true, write: true } })],
      [routes.tokens(), {}],
      [routes.rotateToken(token.id), post({})],
      [routes.token(token.id), { method: 'DELETE' }],
      [routes.invitations(id), post({ role: 'editor' })],
      [routes.conversation(id), { method: 'DELETE' }],
    ] as const) expect(await codeOf(await ask(path, `Bearer ${secret}`, init)), path).toBe('403 not-allowed')
  })

  it('for one conversation see no other, and none of their person\'s home', async () => {
    const { secret } = await make({ write: true, documents: [talk] })
    const { principal } = await (await ask(routes.me(), `Bearer ${secret}`)).json() as { principal: { id: string } }
    for (const name of [other, `home/${principal.id}`, `conversation/${newConversationId()}`]) {
      expect(await open({ authorization: `Bearer ${secret}` }, name), name).toBe('4404 not-found')
    }
    expect(await codeOf(await ask(routes.messages(other.split('/')[1]!), `Bearer ${secret}`))).toBe('404 not-found')
  })

  it('of a person for somebody else\'s conversation are not made, and by who is nobody neither', async () => {
    const bobs = await jwt('bob')
    const wanted = post({ name: 'x', scopes: { read: true, documents: [talk] } })
    expect(await codeOf(await ask(routes.tokens(), `Bearer ${bobs}`, wanted))).toBe('404 not-found')
    expect(await codeOf(await ask(routes.tokens(), undefined, wanted))).toBe('401 unauthenticated')
  })

  it('of a person who is made a reader, and then removed, lose the same at once: sockets, API and new tickets', async () => {
    const bobs = await jwt('bob')
    const id = talk.split('/')[1]!
    const invited = await ask(routes.invitations(id), `Bearer ${adas}`, post({ role: 'editor' }, true))
    const { secret: invitation } = await invited.json() as { secret: string }
    expect((await ask(routes.acceptInvitation(), `Bearer ${bobs}`, post({ secret: watch.keep(invitation) }))).status).toBe(200)
    const { secret } = await make({ write: true, documents: [talk] }, bobs)
    const ticket = await ticketFor(talk, secret)
    const bot = await Peer.join(server.syncUrl, talk, { authorization: `Bearer ${secret}` })
    say(bot.doc, 'written by a script', { to: [] })
    await bot.allSaved()
    const { principal: { id: bob } } = await (await ask(routes.me(), `Bearer ${bobs}`)).json() as { principal: { id: string } }
    const change = { method: 'PATCH', body: JSON.stringify({ role: 'viewer' }) }
    expect((await ask(routes.member(id, bob), `Bearer ${adas}`, change)).ok).toBe(true)
    say(bot.doc, 'no more', { to: [] })
    await bot.allSaved()
    expect(bot.controls.flatMap(control => control.kind === 'result' ? [control.outcome] : []).at(-1)).toMatchObject({ code: 'viewer' })
    expect((await ask(routes.member(id, bob), `Bearer ${adas}`, { method: 'DELETE' })).ok).toBe(true)
    expect((await bot.closed()).code).toBe(4404)
    expect(await open({ authorization: `Bearer ${secret}` })).toBe('4404 not-found')
    expect(await open({ ticket })).toBe('4404 not-found')
    expect(await codeOf(await ask(routes.messages(id), `Bearer ${secret}`))).toBe('404 not-found')
  })

  it('are not taken from the address, where others read them', async () => {
    const { secret } = await make({})
    for (const query of ['token', 'access_token', 'ticket']) {
      expect((await ask(`${routes.conversations()}?${query}=${secret}`)).status, query).toBe(401)
      expect(await openByAddress(`?${query}=${secret}`)).toBe(4401)
    }
  })
})

describe('tickets', () => {
  it('forged, cut, changed and huge ones open nothing, as a subprotocol or in the address', async () => {
    const good = await ticketFor(talk)
    for (const ticket of [good.slice(0, -1), `${good}A`, good.slice(1), `B${good.slice(1)}`, 'AAAA', 'A'.repeat(9000)]) {
      expect(await open({ ticket }), ticket.slice(0, 8)).toBe('4401 unauthenticated')
      if (ticket.length < 9000) expect(await openByAddress(`?ticket=${ticket}`)).toBe(4401)
    }
  })

  it('for one document opens no other', async () => {
    const ticket = await ticketFor(talk)
    expect(await open({ ticket }, other)).toBe('4404 not-found')
    const peer = await Peer.join(server.syncUrl, talk, { ticket })
    peer.close()
  })

  it('of another person\'s are for that person\'s documents', async () => {
    const bobs = await jwt('bob')
    expect(await open({ ticket: await ticketFor(talk, bobs) })).toBe('4404 not-found')
  })

  it('opens no route of the API, and makes no other ticket', async () => {
    const ticket = await ticketFor(null)
    for (const path of [routes.me(), routes.conversations(), routes.tokens()]) expect((await ask(`${path}?ticket=${ticket}`)).status, path).toBe(401)
    expect((await ask(`${routes.tickets()}?ticket=${ticket}`, `Bearer ${ticket}`, post({}))).status).toBe(401)
  })

  it('from a page of another site opens nothing', async () => {
    const ticket = await ticketFor(talk)
    await expect(Peer.open(server.syncUrl, talk, { ticket, origin: 'https://evil.example.org' })).rejects.toThrow('403')
  })

  it('that a token made is over with the token', async () => {
    const { token, secret } = await make({})
    const ticket = await ticketFor(talk, secret)
    const peer = await Peer.join(server.syncUrl, talk, { ticket })
    await ask(routes.token(token.id), `Bearer ${adas}`, { method: 'DELETE' })
    expect((await peer.closed()).code).toBe(4401)
    expect(await open({ ticket })).toBe('4401 unauthenticated')
  })
})

it('the watch would see a secret, whole or its last part, in whatever is said', () => {
  const sharp = new SecretWatch()
  sharp.keep(`skein_${'0'.repeat(24)}_${'S'.repeat(43)}`)
  expect(() => sharp.expectNone([{ err: { stack: `at ${'S'.repeat(43)}` } }])).toThrow()
  expect(() => sharp.expectNone([{ id: '0'.repeat(24) }])).not.toThrow()
})

/** @returns the close code of a socket whose address carries a query */
const openByAddress = (query: string): Promise<number> => new Promise((resolve, reject) => {
  const socket = new WebSocket(`${server.syncUrl}/${talk}${query}`, ['skein.v1'])
  socket.once('close', (code, reason) => {
    watch.said('close reason', String(reason))
    resolve(code)
  })
  socket.once('error', reject)
})
