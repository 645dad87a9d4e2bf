/**
 * Who may do what: every route of the API, as the server itself lists them, and a socket to every kind of document, by everybody who could
 * come. A route that stands in no row here fails. Whoever may not know of a document gets, byte for byte, what they would get if there were
 * none.
 */
import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import WebSocket from 'ws'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { removeMember, setMember } from '../../server/directory/membership.ts'
import { createGuestIdentity } from '../../server/identity/guest-cookie.ts'
import { LINK_PREFIX, routes } from '../../shared/api/routes.ts'
import { parseDocumentName, parseUserId } from '../../shared/ids.ts'
import type { DocumentKind, DocumentName, UserId } from '../../shared/ids.ts'
import { serverLimits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'
import { decodeFrame } from '../../shared/wire/codec.ts'
import { SUBPROTOCOL } from '../../shared/wire/frame.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { newConversationId } from '../rig/conversation.ts'
import { answers, columns, outsiders, PASSWORD, table } from './authorisation-table.ts'
import type { Column, Letter, Row, Target } from './authorisation-table.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { noDevices, nobodyBecameAnybody } from '../rig/no-devices.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { until } from '../rig/until.ts'

/** Not about anything: the answer to what there is not, files of the app, and what stands before all routes. */
const notRoutes = new Set(['ALL /*', 'ALL /api/*', 'ALL /sync/*', 'GET /*'])

const DAY = 24 * 60 * 60 * 1000
const SECRET = 'a secret of thirty-two characters'
let server: InProcessServer
const cookies = new Map<Column, string>()
const ids = new Map<Column, UserId>()
/** Tokens that the owner made. */
const bots = new Map<Column, string>()
/** Secrets of share links, by the document's id: one that is good, and one that is over. */
const readers = new Map<string, Record<'reader' | 'expiredLink', string>>()
const others = { session: '', account: '', link: '', bot: '' }
const principalOf = (column: Column): Principal => ({ kind: 'guest', id: ids.get(column)!, name: column })

const guest = async (): Promise<HttpBrowser> => {
  const browser = httpBrowser(server.url)
  await browser.get(routes.me())
  return browser
}
const signedIn = async (name: string): Promise<HttpBrowser> => {
  const browser = httpBrowser(server.url)
  const person = { email: `${name}@example.org`, password: PASSWORD }
  await browser.post(routes.auth.signUp(), { ...person, name })
  expect((await browser.post(routes.auth.signIn(), person)).status).toBe(200)
  return browser
}
const admit = async (column: Column, browser: HttpBrowser): Promise<void> => {
  cookies.set(column, browser.cookie)
  ids.set(column, (await browser.me()).id as UserId)
}

/** A guest's cookie and a session's, as the server gave them out, which have lived their time. */
const expiredCookies = async (): Promise<string> => {
  const random = <T extends Uint8Array>(target: T): T => randomFillSync(target)
  const longAgo = createGuestIdentity({
    secret: new TextEncoder().encode(SECRET), now: () => Date.now() - 401 * DAY, random, aliases: nobodyBecameAnybody, devices: noDevices,
  })
  const { setCookie } = (await longAgo.admitGuest({ address: '' }, false))!
  const { cookie } = await signedIn('expired')
  const database = new DatabaseSync(join(server.dataFolder, 'accounts.sqlite'))
  const { changes } = database.prepare('UPDATE session SET expiresAt = ? WHERE userId = (SELECT id FROM user WHERE email = ?)')
    .run(new Date(Date.now() - DAY).toISOString(), 'expired@example.org')
  database.close()
  expect(changes).toBe(1)
  const both = `${setCookie.split(';', 1)[0]!}; ${cookie}`
  // A session is believed for a moment after it was read.
  await until('it is over', async () => (await fetch(server.url + routes.conversations(), { headers: { cookie: both } })).status === 401)
  return both
}

beforeAll(async () => {
  const unlimited = Object.fromEntries(Object.keys(serverLimits).filter(key => /PerMinute|PerSecond/.test(key)).map(key => [key, 1e9]))
  const environment = { SKEIN_AUTH: 'accounts', SKEIN_SECRET: SECRET }
  server = await startInProcess({ environment, durability: 'os', limits: { ...serverLimits, ...unlimited } })
  // The first account is the admin's.
  await admit('admin', await signedIn('admin'))
  await admit('account', await signedIn('account'))
  for (const column of ['owner', 'editor', 'viewer', 'stranger', 'removed'] as const) await admit(column, await guest())
  cookies.set('expired', await expiredCookies())
  const other = await signedIn('other')
  const { sessions: [session] } = await (await other.get(routes.auth.sessions())).json() as { sessions: { id: string }[] }
  const { id: link } = await (await other.post(routes.deviceLinks())).json() as { id: string }
  const { id: bot } = await (await other.post(routes.bots(), { name: 'Of another' })).json() as { id: string }
  Object.assign(others, { session: session!.id, account: (await other.me()).id, link, bot })
  const another = nameOf('conversation', 'another-one')
  const { id: actsAs } = await server.bots.register([ids.get('owner')!], { name: 'Deploys', description: '' })
  const allowed = {
    narrow: { write: true, documents: [another] }, readsOnly: {}, writes: { write: true }, bot: { write: true, actAs: [actsAs] },
  }
  for (const [column, scopes] of Object.entries(allowed) as [Column, object][]) {
    const { secret } = await server.tokens.create(principalOf('owner'), { name: column, scopes: { read: true, ...scopes } })
    bots.set(column, secret)
  }
}, 60_000)
afterAll(() => server.close())

/** A document with a member of each kind, which is nobody else's. */
const make = async (kind: DocumentKind): Promise<Target> => {
  const id = kind === 'home' ? ids.get('owner')! : newConversationId()
  const name = nameOf(kind, id)
  await server.directory.create(name, principalOf('owner'), 1)
  for (const column of ['editor', 'viewer', 'removed'] as const) {
    await server.directory.change(name, setMember({ id: ids.get(column)!, role: column === 'editor' ? 'editor' : 'viewer', name: column }))
  }
  const member = parseUserId('somebody')!
  await server.directory.change(name, setMember({ id: member, role: 'viewer', name: 'Somebody' }))
  const link = { by: ids.get('owner')!, at: 2, expiresAt: null, maxUses: null }
  const join = await server.directory.makeLink(name, { ...link, kind: 'join', role: 'viewer' })
  const read = await server.directory.makeLink(name, { ...link, kind: 'read', role: 'viewer' })
  const over = await server.directory.makeLink(name, { ...link, kind: 'read', role: 'viewer', expiresAt: Date.now() - 1 })
  await server.directory.change(name, removeMember(principalOf('owner'), ids.get('removed')!, 3))
  readers.set(id, { reader: read.secret, expiredLink: over.secret })
  return { id, kind, member, joinLink: { id: join.link.id, secret: join.secret }, readLink: { id: read.link.id }, others }
}
const nameOf = (kind: DocumentKind, id: string): DocumentName => parseDocumentName(`${kind}/${id}`)!

/** What there is not, named as if there were. */
const missing = (target: Target): Target => ({
  ...target, id: newConversationId(), joinLink: { ...target.joinLink }, readLink: { ...target.readLink },
})

const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` })

/** How somebody of this column proves who they are. */
const credentials = async (column: Column, { id }: Target, own = false): Promise<Record<string, string>> => {
  switch (column) {
    case 'reader':
    case 'expiredLink': return bearer(LINK_PREFIX + readers.get(id)![column])
    case 'narrow':
    case 'readsOnly':
    case 'writes':
    case 'bot': return bearer(bots.get(column)!)
    case 'guest': return { cookie: (await guest()).cookie }
    case 'account': return { cookie: own ? (await signedIn('account')).cookie : cookies.get(column)! }
    case 'admin': return { cookie: own ? (await signedIn('admin')).cookie : cookies.get(column)! }
    default: return { cookie: cookies.get(column)! }
  }
}

interface Answer {
  status: number
  text: string
}

const ask = async (
  route: string, { path, body, type = 'application/json', headers: more }: Row, target: Target, proof: Record<string, string>,
): Promise<Answer> => {
  const [method = ''] = route.split(' ', 1)
  const stop = new AbortController()
  const response = await fetch(server.url + path(target), {
    method,
    signal: stop.signal,
    redirect: 'manual',
    headers: { ...proof, ...body && { 'content-type': type }, ...more?.() },
    ...body && { body: JSON.stringify(body(target)) },
  })
  const { status, headers } = response
  // The feed never ends by itself.
  const isStream = headers.get('content-type')?.startsWith('text/event-stream')
  const text = isStream ? '' : await response.text()
  if (isStream) stop.abort()
  const told = [...headers].filter(([name]) => name !== 'date' && name !== 'set-cookie')
  return { status, text: `${status} ${JSON.stringify(told)} ${text}`.replaceAll(target.id, 'ID') }
}

const expected = (may: string, column: Column): typeof answers[Letter] => answers[may.replaceAll(' ', '')[columns.indexOf(column)] as Letter]

it('every route of the API stands in the table, and nothing else does', () => {
  const routed = server.routes.filter(route => !notRoutes.has(route))
  expect(routed.sort()).toEqual(Object.keys(table).sort())
})

describe.each(Object.entries(table))('%s', (route, row) => {
  it.each(columns)('by %s', async column => {
    const target = await make(row.kind ?? 'conversation')
    const proof = await credentials(column, target, row.own)
    const answer = await ask(route, row, target, proof)
    const wanted = expected(row.may, column)
    expect(wanted === 'ok' ? answer.status < 300 ? 'ok' : answer.text : answer.status, answer.text).toBe(wanted)
    if (row.kind === null || row.tells || !outsiders.includes(column)) return
    expect(answer.text).toBe((await ask(route, row, missing(target), proof)).text)
  })
})

describe('a socket', () => {
  const roles: Record<DocumentKind, string> = {
    conversation: 'owner editor viewer viewer 4404 4404 4401 4404 4404 viewer editor 4401 4404 4404 editor',
    artifact: 'owner editor viewer viewer 4404 4404 4401 4404 4404 viewer editor 4401 4404 4404 editor',
    // Nobody but its person, whatever a directory says.
    home: 'owner 4404 4404 4404 4404 4404 4401 4404 4404 viewer editor 4401 4404 4404 4404',
  }

  /** @returns the role, or the close code; and every byte that came */
  const open = async (name: string, headers: Record<string, string>): Promise<{ got: Role | number, bytes: string[] }> => {
    const socket = new WebSocket(`${server.syncUrl}/${name}`, [SUBPROTOCOL], { headers })
    const bytes: string[] = []
    const got = await new Promise<Role | number>((resolve, reject) => {
      socket.on('message', (data: Buffer) => {
        bytes.push(data.toString('latin1'))
        const frame = decodeFrame(new Uint8Array(data))
        if (frame?.type === 'control' && frame.control.kind === 'hello') resolve(frame.control.role)
      })
      socket.on('close', (code, reason) => {
        bytes.push(`${code} ${reason.toString()}`)
        resolve(code)
      })
      socket.on('error', reject)
    })
    socket.terminate()
    return { got, bytes }
  }

  describe.each(Object.keys(roles) as DocumentKind[])('to a document of the kind %s', kind => {
    it.each(columns)('by %s', async column => {
      const target = await make(kind)
      const proof = await credentials(column, target)
      const { got, bytes } = await open(nameOf(kind, target.id), proof)
      expect(String(got)).toBe(roles[kind].split(' ')[columns.indexOf(column)])
      // Of a home document nobody learns whether there is one; a conversation that there is not would become the asker's.
      if (outsiders.includes(column)) expect(bytes).toEqual((await open('home/nobody-at-all', proof)).bytes)
    })
  })

  it.each(['conversation/a/b', 'conversation/%2e%2e', 'admin/a', 'conversation/'])('to %s, which no document is called, finds none', async path => {
    const target = await make('conversation')
    expect((await open(path, await credentials('owner', target))).got).toBe(4404)
  })
})
