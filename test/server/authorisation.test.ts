/**
 * Who may do what: every route of the API, as the server itself lists them, and a socket to every kind of document, by everybody who could
 * come. A route that stands in no row here fails. Whoever may not know of a document gets, byte for byte, what they would get if there were
 * none.
 */
import { randomFillSync } from 'node:crypto'
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
import { newConversationId, newRequestId } from '../rig/conversation.ts'
import { noDevices, nobodyBecameAnybody } from '../rig/no-devices.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'

/** In this order. `expired`: by a proof that is over. The last three are tokens of the owner: for another document, to read, to write. */
const columns = ['owner', 'editor', 'viewer', 'reader', 'stranger', 'removed', 'expired', 'guest', 'narrow', 'readsOnly', 'writes'] as const
type Column = typeof columns[number]

/** To them a document of others does not exist. */
const outsiders: readonly Column[] = ['stranger', 'removed', 'guest', 'narrow']

/** What a column gets: yes, or the status. One letter each, in the order of the columns. */
const answers = { y: 'ok', n: 403, 0: 404, 1: 401, 2: 409 } as const
type Letter = keyof typeof answers

interface Target {
  id: string
  kind: DocumentKind
  member: UserId
  joinLink: { id: string, secret: string }
  readLink: { id: string }
}

interface Row {
  /** Of this kind of document; null: of none. */
  kind: 'conversation' | 'artifact' | null
  /** `owner editor viewer reader | stranger removed expired guest | narrow readsOnly writes` */
  may: string
  path: (target: Target) => string
  body?: (target: Target) => unknown
  /** Why an outsider's answer may tell that the name is taken. */
  tells?: string
}

const requestId = newRequestId()

/** Routes about members and links are there for both kinds. */
const shared = (kind: 'conversation' | 'artifact', at: string): Record<string, Row> => ({
  [`GET ${at}/members`]: { kind, may: 'yyyy 0010 0yy', path: ({ id }) => routes.members(id, kind) },
  [`PATCH ${at}/members/:userId`]: { kind, may: 'ynnn 0010 nnn', path: ({ id, member }) => routes.member(id, member, kind), body: () => ({ role: 'editor' }) },
  [`DELETE ${at}/members/:userId`]: { kind, may: 'ynnn 0010 nnn', path: ({ id, member }) => routes.member(id, member, kind) },
  // The owner here is the last one.
  [`POST ${at}/leave`]: { kind, may: '2yyn 0010 nnn', path: ({ id }) => routes.leave(id, kind), body: () => ({}) },
  [`POST ${at}/hand-over`]: { kind, may: 'ynnn 0010 nnn', path: ({ id }) => routes.handOver(id, kind), body: ({ member }) => ({ to: member }) },
  [`GET ${at}/invitations`]: { kind, may: 'ynnn 0010 nnn', path: ({ id }) => routes.invitations(id, kind) },
  [`POST ${at}/invitations`]: { kind, may: 'ynnn 0010 nnn', path: ({ id }) => routes.invitations(id, kind), body: () => ({ role: 'editor' }) },
  [`DELETE ${at}/invitations/:linkId`]: { kind, may: 'ynnn 0010 nnn', path: ({ id, joinLink }) => routes.invitation(id, joinLink.id, kind) },
  [`GET ${at}/share-links`]: { kind, may: 'ynnn 0010 nnn', path: ({ id }) => routes.shareLinks(id, kind) },
  [`POST ${at}/share-links`]: { kind, may: 'ynnn 0010 nnn', path: ({ id }) => routes.shareLinks(id, kind), body: () => ({}) },
  [`DELETE ${at}/share-links/:linkId`]: { kind, may: 'ynnn 0010 nnn', path: ({ id, readLink }) => routes.shareLink(id, readLink.id, kind) },
})

const table: Record<string, Row> = {
  'GET /healthz': { kind: null, may: 'yyyy yyyy yyy', path: () => routes.health() },
  // Whoever brings a proof that is over is a new guest.
  'GET /api/me': { kind: null, may: 'yyyy yyyy yyy', path: () => routes.me() },
  'GET /api/feed': { kind: null, may: 'yyyy yy1y yyy', path: () => routes.feed() },
  'GET /api/conversations': { kind: null, may: 'yyyy yy1y yyy', path: () => routes.conversations() },
  'POST /api/conversations': {
    kind: 'conversation', may: 'yyyy 0010 0yy', path: () => routes.conversations(), body: ({ id }) => ({ id }),
    tells: 'a name that nobody has becomes the asker\'s, so 128 random bits are what keeps it',
  },
  'DELETE /api/conversations/:id': { kind: 'conversation', may: 'ynnn 0010 0nn', path: ({ id }) => routes.conversation(id) },
  'GET /api/conversations/:id/messages': { kind: 'conversation', may: 'yyyy 0010 0yy', path: ({ id }) => routes.messages(id) },
  // Nobody ever asked for it, so it is not found for members either.
  'GET /api/conversations/:id/requests/:requestId': { kind: 'conversation', may: '0000 0010 000', path: ({ id }) => routes.request(id, requestId) },
  'POST /api/invitations/accept': {
    kind: 'conversation', may: 'yyyn yn1y nnn', path: () => routes.acceptInvitation(), body: ({ joinLink }) => ({ secret: joinLink.secret }),
    tells: 'whoever has the secret was invited',
  },
  'POST /api/sync': {
    kind: 'conversation', may: 'yyyy yy1y yyy', path: () => routes.sync(),
    body: ({ id }) => ({ documents: [{ name: `conversation/${id}`, epoch: 'x', stateVector: 'AA==' }] }),
  },
  'GET /api/tokens': { kind: null, may: 'yyyn yy1y nnn', path: () => '/api/tokens' },
  'POST /api/tokens': {
    kind: 'conversation', may: 'yyyn 0010 nnn', path: () => '/api/tokens',
    body: ({ id }) => ({ name: 'bot', scopes: { read: true, documents: [`conversation/${id}`] } }),
  },
  'POST /api/tokens/:id/rotate': { kind: null, may: '000n 0010 nnn', path: () => `/api/tokens/${'0'.repeat(24)}/rotate`, body: () => ({}) },
  'DELETE /api/tokens/:id': { kind: null, may: '000n 0010 nnn', path: () => `/api/tokens/${'0'.repeat(24)}` },
  // A ticket opens what its maker may open, when it is used.
  'POST /api/tickets': {
    kind: 'conversation', may: 'yyyy yy1y 0yy', path: () => '/api/tickets', body: ({ id }) => ({ document: `conversation/${id}` }),
    tells: 'it is the asker\'s own, whatever it names',
  },
  ...shared('conversation', '/api/conversations/:id'),
  ...shared('artifact', '/api/documents/artifact/:id'),
}

/** Not about anything: the answer to what there is not, files of the app, and what stands before all routes. */
const notRoutes = new Set(['ALL /*', 'ALL /api/*', 'ALL /sync/*', 'GET /*'])

let server: InProcessServer
let now = Date.now()
const people = createGuestIdentity({
  secret: new Uint8Array(32), now: () => now, random: target => randomFillSync(target), aliases: nobodyBecameAnybody, devices: noDevices,
})
const cookies = new Map<Column, string>()
const ids = new Map<Column, UserId>()
/** Tokens that the owner made. */
const bots = new Map<Column, string>()
/** Secrets of share links, by the document's id. */
const readers = new Map<string, string>()
const principalOf = (column: Column): Principal => ({ kind: 'guest', id: ids.get(column)!, name: column })

const admit = async (column: Column): Promise<void> => {
  const { principal, setCookie } = (await people.admitGuest({ address: '' }, false))!
  cookies.set(column, setCookie.split(';', 1)[0]!)
  ids.set(column, principal.id)
}

beforeAll(async () => {
  const unlimited = Object.fromEntries(Object.keys(serverLimits).filter(key => /PerMinute|PerSecond/.test(key)).map(key => [key, 1e9]))
  server = await startInProcess({ identity: people, durability: 'os', limits: { ...serverLimits, ...unlimited } })
  for (const column of ['owner', 'editor', 'viewer', 'stranger', 'removed'] as const) await admit(column)
  const proven = now
  now -= 401 * 24 * 60 * 60 * 1000
  const { setCookie } = (await people.admitGuest({ address: '' }, false))!
  cookies.set('expired', setCookie.split(';', 1)[0]!)
  now = proven
  const another = nameOf('conversation', 'another-one')
  const allowed = { narrow: { write: true, documents: [another] }, readsOnly: {}, writes: { write: true } }
  for (const [column, scopes] of Object.entries(allowed) as [Column, object][]) {
    const { secret } = await server.tokens.create(principalOf('owner'), { name: column, scopes: { read: true, ...scopes } })
    bots.set(column, secret)
  }
})
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
  await server.directory.change(name, removeMember(principalOf('owner'), ids.get('removed')!, 3))
  readers.set(id, read.secret)
  return { id, kind, member, joinLink: { id: join.link.id, secret: join.secret }, readLink: { id: read.link.id } }
}
const nameOf = (kind: DocumentKind, id: string): DocumentName => parseDocumentName(`${kind}/${id}`)!

/** What there is not, named as if there were. */
const missing = (target: Target): Target => ({
  ...target, id: newConversationId(), joinLink: { ...target.joinLink }, readLink: { ...target.readLink },
})

const bearer = (text: string): Record<string, string> => ({ authorization: `Bearer ${text}` })

/** How somebody of this column proves who they are. */
const credentials = async (column: Column, { id }: Target): Promise<Record<string, string>> => {
  switch (column) {
    case 'reader': return bearer(LINK_PREFIX + readers.get(id)!)
    case 'narrow':
    case 'readsOnly':
    case 'writes': return bearer(bots.get(column)!)
    case 'guest': {
      const { setCookie } = (await people.admitGuest({ address: '' }, false))!
      return { cookie: setCookie.split(';', 1)[0]! }
    }
    default: return { cookie: cookies.get(column)! }
  }
}

interface Answer {
  status: number
  text: string
}

const ask = async (route: string, { path, body }: Row, target: Target, proof: Record<string, string>): Promise<Answer> => {
  const [method = ''] = route.split(' ', 1)
  const stop = new AbortController()
  const response = await fetch(server.url + path(target), {
    method,
    signal: stop.signal,
    headers: { ...proof, ...body && { 'content-type': 'application/json' } },
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
    const proof = await credentials(column, target)
    const answer = await ask(route, row, target, proof)
    const wanted = expected(row.may, column)
    expect(wanted === 'ok' ? answer.status < 300 ? 'ok' : answer.text : answer.status, answer.text).toBe(wanted)
    if (row.kind === null || row.tells || !outsiders.includes(column)) return
    expect(answer.text).toBe((await ask(route, row, missing(target), proof)).text)
  })
})

describe('a socket', () => {
  const roles: Record<DocumentKind, string> = {
    conversation: 'owner editor viewer viewer 4404 4404 4401 4404 4404 viewer editor',
    artifact: 'owner editor viewer viewer 4404 4404 4401 4404 4404 viewer editor',
    // Nobody but its person, whatever a directory says.
    home: 'owner 4404 4404 4404 4404 4404 4401 4404 4404 viewer editor',
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
