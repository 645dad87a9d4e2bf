/** Attacks from outside: other sites' pages, forged names and headers, odd paths, smuggled requests, planted cookies, guessed ids. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { routes } from '../../shared/api/routes.ts'
import { newConversationId } from '../rig/conversation.ts'
import { openRaw, upgradeHead } from '../rig/raw-socket.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const EVIL = 'https://evil.example'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: ServerProcess
let ada: string
let mallory: string
const id = newConversationId()

const guest = async (): Promise<string> => (await fetch(`${server.url}${routes.me()}`)).headers.get('set-cookie')!.split(';')[0]!
const ask = (path: string, init: RequestInit = {}): Promise<Response> => fetch(`${server.url}${path}`, init)
const json = { 'content-type': 'application/json' }

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts', LOG_LEVEL: 'debug' })
  ada = await guest()
  mallory = await guest()
  const made = await ask(routes.conversations(), { method: 'POST', body: JSON.stringify({ id, title: 'Ours' }), headers: { ...json, cookie: ada } })
  expect(made.status).toBe(201)
})
afterAll(async () => {
  await server.stop()
  await folder.remove()
})

/** What is answered to bytes that no client would send; an empty text when the connection was cut without a word. */
const raw = async (text: string): Promise<string> => {
  const { socket, received, isClosed } = await openRaw(server.port)
  socket.write(text)
  await until('it is answered', () => isClosed() || received().includes('\r\n\r\n'))
  socket.destroy()
  return String(received()).split('\r\n')[0]!
}

/** The close code with which a socket ends, or the HTTP status with which it was refused. */
const socketEnd = (path: string, headers: Record<string, string> = {}): Promise<number> => new Promise(resolve => {
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers })
  socket.on('error', () => {})
  socket.once('unexpected-response', (_request, response) => resolve(response.statusCode!))
  socket.once('close', code => resolve(code))
})

describe('a page of another site', () => {
  const cross = { origin: EVIL, 'sec-fetch-site': 'cross-site' }
  const stillThere = async (): Promise<void> => {
    const listed = await ask(routes.conversations(), { headers: { cookie: ada } })
    const { conversations } = await listed.json() as { conversations: { id: string }[] }
    expect(conversations.map(each => each.id)).toEqual([id])
  }

  it.each([
    ['a form', { method: 'POST', body: 'title=x', headers: { ...cross, 'content-type': 'application/x-www-form-urlencoded' } }],
    ['a form with files', { method: 'POST', body: '--b--', headers: { ...cross, 'content-type': 'multipart/form-data; boundary=b' } }],
    ['a form that looks like JSON', { method: 'POST', body: '{"title":"x"}', headers: { ...cross, 'content-type': 'text/plain' } }],
    ['the same from an old browser', { method: 'POST', body: '{"title":"x"}', headers: { 'content-type': 'text/plain' } }],
    ['a script with no-cors', { method: 'POST', body: '{}', headers: { ...cross, 'sec-fetch-mode': 'no-cors', 'content-type': 'text/plain' } }],
    ['a script that sends JSON', { method: 'POST', body: '{}', headers: { ...cross, ...json } }],
    ['a sandboxed frame', { method: 'POST', body: '{}', headers: { origin: 'null', ...json } }],
    ['a page of a sibling domain', { method: 'POST', body: '{}', headers: { origin: 'http://x.127.0.0.1.nip.io', 'sec-fetch-site': 'same-site', ...json } }],
  ])('%s makes nothing', async (_what, init) => {
    const { status } = await ask(routes.conversations(), { ...init, headers: { ...init.headers, cookie: ada } as Record<string, string> })
    expect([403, 422]).toContain(status)
    await stillThere()
  })

  it('deletes nothing, with or without a browser that says where it is', async () => {
    for (const headers of [cross, { origin: EVIL }, { origin: 'null' }, { 'sec-fetch-site': 'same-site' }]) {
      expect((await ask(routes.conversation(id), { method: 'DELETE', headers: { ...headers, cookie: ada } as Record<string, string> })).status).toBe(403)
    }
    await stillThere()
  })

  it('reads nothing: no answer is for it, and it may not even ask', async () => {
    const read = await ask(routes.conversations(), { headers: { ...cross, cookie: ada } })
    expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([403, null])
    expect((await ask(routes.me(), { headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } })).headers.get('set-cookie')).toBeNull()
  })

  it('opens no socket with the visitor’s cookie', async () => {
    for (const origin of [EVIL, 'null', `${server.url}.evil.example`, 'file://']) {
      expect(await socketEnd(`/sync/conversation/${id}`, { cookie: ada, origin })).toBe(403)
    }
  })
})

describe('names that are not ours', () => {
  it('a Host of their own gives no page of theirs a way in, and goes into no header', async () => {
    const answer = await raw('GET /api/me HTTP/1.1\r\nHost: a.example; script-src *\r\nConnection: close\r\n\r\n')
    expect(answer).toMatch(/ (200|400) /)
    expect(await raw('GET /api/me HTTP/1.1\r\nConnection: close\r\n\r\n')).toContain(' 400 ')
    expect(await raw('GET /api/me HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n')).toMatch(/ (200|400) /)
  })

  it('headers that say who calls are not believed', async () => {
    const forged = {
      'x-forwarded-for': '127.0.0.1', 'x-real-ip': '127.0.0.1', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example', 'forwarded': 'for=127.0.0.1;proto=https',
      'x-user': 'ada', 'x-forwarded-user': 'ada', 'x-remote-user': 'ada', 'remote-user': 'ada', 'x-auth-request-email': 'ada@example.org', 'x-principal': 'ada',
    }
    expect((await ask(routes.conversations(), { headers: forged })).status).toBe(401)
    expect((await ask(routes.me(), { headers: forged })).headers.get('set-cookie')).not.toContain('Secure')
    expect(await socketEnd(`/sync/conversation/${id}`, forged)).toBe(4401)
    expect(await socketEnd(`/sync/conversation/${id}`, { ...forged, origin: 'http://evil.example' })).toBe(403)
  })
})

describe('paths', () => {
  it.each([
    `/api/conversations/%2e%2e/conversations/${id}/messages`, `/api/conversations/${id}%00/messages`, `/api/conversations//${id}/messages`,
    `/api/conversations/${id}%2fmessages`, `/api/./conversations/${id}/messages`, `/api/conversations/${'a'.repeat(5000)}/messages`,
    '/api/conversations/%ff/messages', '/api/conversations/%/messages', '/..%2f..%2fetc/passwd', '/assets/..%5c..%5csecret', '/%2e%2e/%2e%2e/data/secret',
  ])('%s leads a stranger nowhere', async path => {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nCookie: ${mallory}\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/ (400|404|414|422|431|503) /)
  })

  it.each(['%2e%2e', `${id}%00`, `/${id}`, `${id}/`, `${id}%2f..`, 'a'.repeat(3000), '%ff', '%', '..', `${id}%20`])(
    'a document called %s opens for no stranger', async name => {
      expect([400, 4401, 4404]).toContain(await socketEnd(`/sync/conversation/${name}`, { cookie: mallory }))
    })

  it('an id that was guessed answers like one that does not exist', async () => {
    const [there, missing] = await Promise.all([id, newConversationId()].map(async each => {
      const answer = await ask(routes.messages(each), { headers: { cookie: mallory } })
      return [answer.status, await answer.text()]
    }))
    expect(there).toEqual(missing)
    expect(there![0]).toBe(404)
    expect(await socketEnd(`/sync/conversation/${id}`, { cookie: mallory })).toBe(4404)
  })
})

describe('requests inside of requests', () => {
  const inner = 'GET /api/conversations HTTP/1.1\r\nHost: x\r\nCookie: '

  it.each([
    ['two ways to say where it ends', 'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 60\r\n\r\nabcd'],
    ['a length that is none', 'Content-Length: +4\r\n\r\nabcd'],
    ['an encoding that nobody knows', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a space before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a header that goes on in the next line', 'X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n'],
    ['a chunk whose size is none', 'Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n'],
  ])('%s are refused, and what follows is not read as a request', async (_what, rest) => {
    const { socket, received, isClosed } = await openRaw(server.port)
    socket.write(`POST /api/conversations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${rest}${inner}${ada}\r\n\r\n`)
    await until('it has ended', isClosed)
    expect(String(received())).toContain(' 400 ')
    expect(String(received()).match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(String(received())).not.toContain('Ours')
  })

  it('a head that never ends is ended', async () => {
    expect(await raw(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`)).toContain(' 431 ')
    expect(await raw(upgradeHead(server.port, `conversation/${id}`, ['Upgrade: h2c', 'Origin: https://evil.example']))).toMatch(/ (400|403) /)
  })
})

describe('a cookie that was planted', () => {
  const me = async (cookie: string): Promise<string> =>
    (await (await ask(routes.me(), { headers: { cookie } })).json() as { principal: { id: string } }).principal.id

  it('that the server did not sign makes a new guest, never the one that it names', async () => {
    const adasId = await me(ada)
    const [name, value] = ada.split('=') as [string, string]
    const fields = value.split('.')
    for (const forged of [
      fields.with(1, '1').join('.'), fields.with(-1, 'A'.repeat(fields.at(-1)!.length)).join('.'), fields.slice(0, -1).join('.'), `${value}x`, `${value}.x`, '', '.', '..',
    ]) expect(await me(`${name}=${forged}`)).not.toBe(adasId)
  })

  it('stays a guest after somebody signs in over it: the account has a session of its own, and the planter none', async () => {
    const planted = await guest()
    const before = await me(planted)
    const headers = { ...json, cookie: planted, origin: server.url }
    const body = JSON.stringify({ email: 'ada@example.org', password: 'a long enough passphrase', name: 'Ada' })
    expect((await ask(routes.auth.signUp(), { method: 'POST', headers: { ...json, origin: server.url }, body })).status).toBeLessThan(300)
    const signedIn = await ask(routes.auth.signIn(), { method: 'POST', headers, body: JSON.stringify({ email: 'ada@example.org', password: 'a long enough passphrase' }) })
    expect(signedIn.status, await signedIn.clone().text()).toBeLessThan(300)
    const session = signedIn.headers.getSetCookie().map(each => each.split(';')[0]!).find(each => !each.startsWith('skein_guest='))!
    const account = await me(session)
    expect(account).not.toBe(before)
    // Who planted the guest's cookie still has it: it is nobody's by now, and certainly not the account's.
    const planter = await me(planted)
    expect([before, account]).not.toContain(planter)
  })
})

it('nothing of all this is in the log in clear', () => {
  const log = JSON.stringify(server.log)
  for (const cookie of [ada, mallory]) expect(log).not.toContain(cookie.split('.').at(-1))
  expect(server.log.some(line => line['event'] === 'origin.refused')).toBe(true)
})
