/** What bearers of tokens and tickets may do over sockets, and how it ends. Over the API: `server/api/tokens.test.ts`. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { WebSocket } from 'ws'
import { createGuestIdentity } from '../../server/identity/guest-cookie.ts'
import { routes } from '../../shared/api/routes.ts'
import type { Ticket, IssuedToken } from '../../shared/api/token-schemas.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import type { PeerOptions } from '../rig/peer.ts'
import { until } from '../rig/until.ts'
import { noDevices, nobodyBecameAnybody } from '../rig/no-devices.ts'

let server: InProcessServer
let cookie: string
/** Ada's own conversation, fresh for each test. */
let talk: string
let ada: Peer

const ask = async (path: string, body: object, headers: Record<string, string> = { cookie }, method = 'POST'): Promise<unknown> => {
  const init = { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }
  const response = await fetch(server.url + path, init)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.status === 204 ? null : response.json()
}
const token = (scopes: object): Promise<IssuedToken> =>
  ask(routes.tokens(), { name: 'bot', scopes: { read: true, ...scopes } }) as Promise<IssuedToken>
const ticket = async (body: object = {}, headers?: Record<string, string>): Promise<string> =>
  ((await ask(routes.tickets(), body, headers)) as Ticket).ticket
const bearer = ({ secret }: { secret: string }): string => `Bearer ${secret}`
const join = (options: PeerOptions, name = talk): Promise<Peer> => Peer.join(server.syncUrl, name, options)
const closeOf = async (options: PeerOptions, name = talk): Promise<string> => {
  const { code, reason } = await (await Peer.open(server.syncUrl, name, options)).closed()
  return `${code} ${reason.split(':')[0]}`
}
const resultsOf = ({ controls }: Peer) => controls.flatMap(control => control.kind === 'result' ? [control.outcome] : [])
const roleOf = ({ controls }: Peer) => controls.flatMap(control => control.kind === 'hello' ? [control.role] : [])[0]

beforeAll(async () => {
  const random = <T extends Uint8Array>(target: T): T => crypto.getRandomValues(target as Uint8Array<ArrayBuffer>) as never
  const guests = createGuestIdentity({
    secret: new Uint8Array(32), now: Date.now, random, aliases: nobodyBecameAnybody, devices: noDevices
  })
  server = await startInProcess({ identity: guests })
  cookie = (await fetch(server.url + routes.me())).headers.get('set-cookie')!.split(';', 1)[0]!
})
afterAll(() => server.close())
beforeEach(async () => {
  talk = `conversation/${newConversationId()}`
  ada = await join({ cookie })
  say(ada.doc, 'Hello', { to: [] })
  await ada.allSaved()
})

describe('a token on a socket', () => {
  it('that writes speaks as its person, whose conversation it does not own', async () => {
    const bot = await join({ authorization: bearer(await token({ write: true })) })
    expect(roleOf(bot)).toBe('editor')
    say(bot.doc, 'from a script', { to: [] })
    await bot.allSaved()
    await until('Ada reads it', () => messageTexts(ada.doc).includes('from a script'))
  })

  it('that only reads is told for each request that it may not, and writes in no draft and no artifact', async () => {
    const authorization = bearer(await token({}))
    const bot = await join({ authorization })
    expect([roleOf(bot), messageTexts(bot.doc)]).toEqual(['viewer', ['Hello']])
    say(bot.doc, 'no', { to: [] })
    await bot.allSaved()
    expect(resultsOf(bot)).toMatchObject([{ status: 'refused', code: 'viewer' }])
    const canvas = `artifact/${newConversationId()}`
    expect(await closeOf({ authorization }, canvas)).toBe('4404 not-found')
    const own = await join({ cookie }, canvas)
    own.doc.getText('note').insert(0, 'mine')
    await own.allSaved()
    const reader = await join({ authorization }, canvas)
    reader.doc.getText('note').insert(0, 'no ')
    expect((await reader.closed()).reason).toMatch(/^not-allowed/)
    expect((await join({ cookie }, canvas)).doc.getText('note').toJSON()).toBe('mine')
  })

  it('for one conversation meets strangers\' answers everywhere else', async () => {
    const authorization = bearer(await token({ write: true, documents: [talk] }))
    const other = `conversation/${newConversationId()}`
    await join({ cookie }, other)
    await join({ authorization })
    for (const name of [other, `conversation/${newConversationId()}`, `artifact/${newConversationId()}`]) {
      expect(await closeOf({ authorization }, name)).toBe('4404 not-found')
    }
  })

  it('ends at once when it is revoked or rotated, and its person goes on', async () => {
    for (const end of [(id: string) => ask(routes.token(id), {}, { cookie }, 'DELETE'), (id: string) => ask(routes.rotateToken(id), {})]) {
      const issued = await token({ write: true })
      const bots = await Promise.all(Array.from({ length: 5 }, () => join({ authorization: bearer(issued) })))
      await end(issued.token.id)
      for (const bot of bots) expect((await bot.closed())).toMatchObject({ code: 4401, reason: expect.stringMatching(/^signed-out/) })
      expect(await closeOf({ authorization: bearer(issued) })).toBe('4401 unauthenticated')
    }
    say(ada.doc, 'I go on', { to: [] })
    await ada.allSaved()
  })
})

describe('a ticket on a socket', () => {
  it('is offered as a subprotocol and never said back', async () => {
    const peer = await join({ ticket: await ticket() })
    expect(peer.socket.protocol).toBe('skein.v1')
    expect(roleOf(peer)).toBe('owner')
    await expect(Peer.open(server.syncUrl, talk, { ticket: await ticket(), skein: false })).rejects.toThrow('Server sent no subprotocol')
  })

  it('opens sockets of a stock client by its address, again after a break', async () => {
    const doc = new Y.Doc()
    const provider = new WebsocketProvider(server.syncUrl, talk, doc, {
      WebSocketPolyfill: WebSocket as never, disableBc: true, params: { ticket: await ticket({ document: talk }) }
    })
    await until('it is synced', () => provider.synced)
    const told: string[] = []
    provider.on('status', ({ status }: { status: string }) => told.push(status))
    provider.ws!.close()
    await until('it noticed and came back', () => told.includes('disconnected') && told.at(-1) === 'connected')
    await until('it is synced again', () => provider.synced)
    expect(messageTexts(doc)).toEqual(['Hello'])
    provider.destroy()
  })

  it('for one document opens that one, as its person, and no other', async () => {
    const bound = await ticket({ document: talk })
    expect(roleOf(await join({ ticket: bound }))).toBe('owner')
    const other = `conversation/${newConversationId()}`
    await join({ cookie }, other)
    expect(await closeOf({ ticket: bound }, other)).toBe('4404 not-found')
    expect(await closeOf({ ticket: bound, cookie }, other)).toBe('4404 not-found')
  })

  it('that a token made ends when the token is rotated or revoked: sockets that it opened, and those that it would', async () => {
    const issued = await token({})
    const made = await ticket({}, { authorization: bearer(issued) })
    const peer = await join({ ticket: made })
    expect(roleOf(peer)).toBe('viewer')
    const rotated = await ask(routes.rotateToken(issued.token.id), {}) as IssuedToken
    expect((await peer.closed()).code).toBe(4401)
    expect(await closeOf({ ticket: made })).toBe('4401 unauthenticated')
    const again = await ticket({}, { authorization: bearer(rotated) })
    const second = await join({ ticket: again })
    await ask(routes.token(issued.token.id), {}, { cookie }, 'DELETE')
    expect((await second.closed()).code).toBe(4401)
    expect(await closeOf({ ticket: again })).toBe('4401 unauthenticated')
  })
})
