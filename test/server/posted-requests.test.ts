/** Requests by HTTP: taken like those of a socket, once whatever comes again, durable before the answer, refused for the same reasons. */
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { removeMember, setMember } from '../../server/directory/membership.ts'
import { LINK_PREFIX, routes } from '../../shared/api/routes.ts'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import type { AcceptedRequest, MessagePage, Problem } from '../../shared/api/schemas.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { proposeReact, proposeRedact, proposeRegenerate, proposeSend, proposeSetMeta, putRequest } from '../../shared/conversation/write.ts'
import { conversationName, messageIdOf } from '../../shared/ids.ts'
import type { AgentId, DocumentName, MessageId, RequestId, UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'
import { messageTexts, newConversationId, newRequestId, say, textOfMessage } from '../rig/conversation.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessOptions, InProcessServer } from '../rig/in-process.ts'
import { Peer } from '../rig/peer.ts'
import { times } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const OFFLINE = 'skein-offline' as AgentId
const closing: (() => unknown)[] = []
afterEach(async () => { for (const close of closing.splice(0).reverse()) await close() })

type Proof = Record<string, string>
interface Answer {
  status: number
  headers: Headers
  body: AcceptedRequest & Problem
}

const text = (words: string, more: object = {}): Request => proposeSend({ parts: [{ type: 'text', text: words }], parentId: null, to: [], ...more }, 1)

const post = async (url: string, id: string, key: string | null, request: unknown, headers: Proof = {}): Promise<Answer> => {
  const response = await fetch(url + routes.requests(id), {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...key !== null && { [IDEMPOTENCY_KEY]: key }, ...headers },
    body: typeof request === 'string' ? request : JSON.stringify(request),
  })
  return { status: response.status, headers: response.headers, body: await response.json() as Answer['body'] }
}

/** A server, somebody's conversation on it, and who that is. */
const start = async (options: InProcessOptions = { environment: { SKEIN_AUTH: 'accounts' } }) => {
  const server = await startInProcess({ durability: 'os', ...options })
  closing.push(server.close)
  const id = newConversationId()
  const owner = await guest(server)
  await fetch(server.url + routes.conversations(), {
    method: 'POST', headers: { 'content-type': 'application/json', ...owner.proof }, body: JSON.stringify({ id }),
  })
  return {
    server, id, owner, name: conversationName(id)!,
    ask: (key: string | null, request: unknown, headers = owner.proof) => post(server.url, id, key, request, headers),
    texts: async (): Promise<string[]> => (await messagesOf(server.url, id, owner.proof)).map(textOfMessage),
    join: (proof = owner.proof) => joined(server.syncUrl, `conversation/${id}`, proof),
  }
}

const messagesOf = async (url: string, id: string, headers: Proof = {}): Promise<MessagePage['messages']> =>
  (await (await fetch(url + routes.messages(id), { headers })).json() as MessagePage).messages

const guest = async ({ url }: Pick<InProcessServer, 'url'>): Promise<{ proof: Proof, id: UserId }> => {
  const response = await fetch(url + routes.me())
  const { principal } = await response.json() as { principal: { id: UserId } }
  return { id: principal.id, proof: { cookie: response.headers.get('set-cookie')!.split(';', 1)[0]! } }
}

const joined = async (syncUrl: string, name: string, { cookie }: Proof): Promise<Peer> => {
  const peer = await Peer.join(syncUrl, name, { ...cookie && { cookie } })
  closing.push(() => peer.close())
  return peer
}

const socketOutcome = (peer: Peer, id: RequestId) => until('the socket is told', () =>
  peer.controls.flatMap(control => control.kind === 'result' && control.requestId === id ? [control.outcome] : [])[0], 60_000)

describe('a message by HTTP', () => {
  it('is sealed under its key as its author\'s, begins the run that it asks for, and reaches who is connected', async () => {
    const { ask, join, owner, server, id } = await start()
    const reader = await join()
    const key = newRequestId()
    const { status, body } = await ask(key, text('Hello', { to: [OFFLINE] }))
    expect(status).toBe(201)
    expect(body).toMatchObject({
      requestId: key, outcome: { status: 'accepted' },
      message: { id: key, role: 'user', metadata: { authorId: owner.id, to: [OFFLINE], status: 'complete' } },
      runs: [{ agentId: OFFLINE, messageId: key }],
    })
    const [{ id: runId, replyId }] = body.runs as [AcceptedRequest['runs'][number]]
    const reply = await until('the reply is there', () => readMessages(reader.doc)[1])
    expect(reply).toMatchObject({ id: replyId, metadata: { runId, parentId: key } })
    expect(messageTexts(reader.doc)[0]).toBe('Hello')
    const asked = await fetch(server.url + routes.request(id, key), { headers: owner.proof })
    expect(await asked.json()).toEqual({ requestId: key, outcome: { status: 'accepted' }, at: body.at })
  })

  it('leaves nothing in the document but itself: no request, no tombstone of one, no client id', async () => {
    const { ask, server, name } = await start()
    for (let n = 0; n < 20; n++) await ask(newRequestId(), text(`message ${n}`))
    const doc = new Y.Doc()
    for (const update of (await server.log.read(name))!.updates) Y.applyUpdate(doc, update)
    expect(messageTexts(doc)).toHaveLength(20)
    expect(doc.store.clients.size).toBe(2)
    expect([...doc.store.clients.values()].flat().filter(({ deleted }) => deleted)).toEqual([])
  })

  it('is one record, with its event, its run and its entry in the ledger', async () => {
    const { ask, server, name } = await start()
    await ask(newRequestId(), text('first'))
    const before = await server.log.read(name)
    const key = newRequestId()
    await ask(key, text('second', { to: [OFFLINE] }))
    const [record] = await server.log.events(name, before!.head, 1)
    expect(record!.events.map(({ type }) => type)).toEqual(['message.sent', 'run.created'])
    expect((await server.log.ledger(name, [key])).get(key)).toMatchObject({ outcome: { status: 'accepted' } })
  })

  it('is answered when it is on the disk and not before', async () => {
    const { ask, server } = await start()
    const held = server.holdWrites()
    let answered = false
    const answer = ask(newRequestId(), text('Hello')).finally(() => { answered = true })
    await held.reached
    // A request that needs no write goes all the way meanwhile.
    for (let n = 0; n < 5; n++) await fetch(server.url + routes.health())
    expect(answered).toBe(false)
    held.release()
    expect((await answer).status).toBe(201)
  })

  it.each(['before', 'after'] as const)('whose write fails %s it was done is not taken, and taken once when it comes again', async when => {
    const { ask, texts, server } = await start()
    await ask(newRequestId(), text('first'))
    const key = newRequestId()
    server.failNextWrite(when)
    expect(await ask(key, text('second'))).toMatchObject({ status: 503, body: { code: 'not-saved' } })
    expect(await until('the log goes on', async () => {
      const answer = await ask(key, text('second'))
      return answer.status === 503 ? null : answer.status
    })).toBe(201)
    expect(await texts()).toEqual(['first', 'second'])
  })

  it('needs no room in memory, nor anybody connected', async () => {
    const { server, id, ask, texts, owner } = await start({ environment: { SKEIN_AUTH: 'accounts', SKEIN_SECRET: 's'.repeat(32) } })
    expect((await ask(newRequestId(), text('cold'))).status).toBe(201)
    expect(await texts()).toEqual(['cold'])
    expect((await post(server.url, newConversationId(), newRequestId(), text('x'), owner.proof)).body.code).toBe('not-found')
    expect((await post(server.url, id, newRequestId(), text('x'))).body.code).toBe('unauthenticated')
  })
})

describe('the same key again', () => {
  it('has the same answer: at once, many times together, when its run has ended, and after a restart', { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder()
    closing.push(folder.remove)
    const server = await startServer(folder.path)
    const id = newConversationId()
    const key = newRequestId()
    const request = text('Hello', { to: [OFFLINE] })
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(server.url, id, key, request)))
    const [{ status, body }] = answers as [Answer]
    expect(status).toBe(201)
    for (const answer of answers) expect([answer.status, answer.body]).toEqual([201, body])
    await until('the reply is there', async () => (await messagesOf(server.url, id)).length === 2)
    // Runs that have ended go when the next one begins.
    await post(server.url, id, newRequestId(), text('Again', { to: [OFFLINE] }))
    expect((await post(server.url, id, key, request)).body).toEqual(body)
    await server.stop('SIGKILL')
    const next = await startServer(folder.path)
    closing.push(() => next.stop('SIGKILL'))
    expect((await post(next.url, id, key, request)).body).toEqual(body)
    expect((await messagesOf(next.url, id)).filter(({ role }) => role === 'user').map(textOfMessage)).toEqual(['Hello', 'Again'])
  })

  it('is the same although it was written anew, and its keys stand in another order', async () => {
    const { ask, texts } = await start()
    const key = newRequestId()
    const { body } = await ask(key, { type: 'send', message: { parts: [{ type: 'data-x', data: { a: 1, b: 2 } }, { type: 'text', text: 'Hi' }], parentId: null, to: [] } })
    const again = { message: { to: [], parentId: null, parts: [{ data: { b: 2, a: 1 }, type: 'data-x' }, { text: 'Hi', type: 'text' }] }, createdAt: 5, type: 'send' }
    expect((await ask(key, again)).body).toEqual(body)
    expect(await texts()).toEqual(['Hi'])
  })

  it.each([
    ['another text', text('Hello, there')],
    ['another agent', text('Hello', { to: [OFFLINE] })],
    ['another kind of request', proposeSetMeta('title', 'Hello', 1)],
  ])('with %s is refused, and nothing is written, by whichever way the first one came', async (_, other) => {
    const { ask, join, texts } = await start()
    const [byHttp, bySocket] = [newRequestId(), newRequestId()]
    await ask(byHttp, text('Hello'))
    const peer = await join()
    putRequest(peer.doc, bySocket, text('Hello'))
    expect(await socketOutcome(peer, bySocket)).toEqual({ status: 'accepted' })
    for (const key of [byHttp, bySocket]) {
      expect(await ask(key, other)).toMatchObject({ status: 409, body: { code: 'id-conflict', detail: expect.stringContaining('Take a new id') } })
      expect(await ask(key, text('Hello'))).toMatchObject({ status: 201, body: { requestId: key } })
    }
    expect(await texts()).toEqual(['Hello', 'Hello'])
  })

  it('of somebody else is refused without a word about what it was', async () => {
    const { ask, server, name } = await start()
    const other = await guest(server)
    await server.directory.change(name, setMember({ id: other.id, role: 'editor', name: 'Other' }))
    const key = newRequestId()
    await ask(key, text('mine'))
    const taken = await ask(key, text('mine'), other.proof)
    expect(taken).toMatchObject({ status: 409, body: { code: 'id-conflict' } })
    expect(JSON.stringify(taken.body)).not.toContain('mine')
  })

  it('of a message that was taken out is answered without it, and nobody can try what it said', async () => {
    const { ask, server, name } = await start()
    const key = newRequestId()
    await ask(key, text('secret'))
    expect((await ask(newRequestId(), proposeRedact(messageIdOf(key), 1))).status).toBe(201)
    const [right, wrong] = [await ask(key, text('secret')), await ask(key, text('a guess'))]
    expect(right.body).toEqual(wrong.body)
    expect(right).toMatchObject({ status: 201, body: { requestId: key, runs: [] } })
    expect(right.body.message).toBeUndefined()
    expect((await server.log.ledger(name, [key])).get(key)).not.toHaveProperty('content')
  })
})

describe('every kind of request', () => {
  it('comes by the same door, and says which runs it began', async () => {
    const { ask, join } = await start()
    const [question, again] = [newRequestId(), newRequestId()]
    await ask(question, text('Hello', { to: [OFFLINE] }))
    const reader = await join()
    const reply = await until('the reply is there', () => readMessages(reader.doc)[1])
    const regenerated = await ask(again, proposeRegenerate(reply.id, 1))
    expect(regenerated.body).toMatchObject({ outcome: { status: 'accepted' }, runs: [{ messageId: question, agentId: OFFLINE }] })
    const second = await until('the other reply is there', () => readMessages(reader.doc)[2])
    expect(second).toMatchObject({ id: regenerated.body.runs[0]!.replyId, metadata: { replaces: reply.id } })
    expect((await ask(again, proposeRegenerate(reply.id, 1))).body).toEqual(regenerated.body)
    expect((await ask(newRequestId(), proposeReact(reply.id, 'up', true, 1))).body).toMatchObject({ outcome: { status: 'accepted' }, runs: [] })
    expect((await ask(newRequestId(), proposeSetMeta('title', 'A title', 1))).status).toBe(201)
    await until('the reader has the title', () => reader.doc.getMap('meta').get('title') === 'A title')
  })

  it.each([
    ['a message without content', text(' '), 422, 'message-empty'],
    ['a message that is too long', text('x'.repeat(limits.messageBytes + 1)), 413, 'message-too-long'],
    ['an agent that there is not', text('Hello', { to: ['nobody'] }), 404, 'agent-unknown'],
    ['something that is not there', proposeRedact(newRequestId() as never as MessageId, 1), 404, 'target-unknown'],
  ])('is refused as over a socket, for good, with the same words: %s', async (_, request, status, code) => {
    const { ask, join, texts } = await start()
    const [byHttp, bySocket] = [newRequestId(), newRequestId()]
    const { body, ...answer } = await ask(byHttp, request)
    expect([answer.status, body.code]).toEqual([status, code])
    const peer = await join()
    putRequest(peer.doc, bySocket, request)
    expect(await socketOutcome(peer, bySocket)).toEqual({ status: 'refused', code, reason: body.detail })
    expect((await ask(byHttp, request)).body).toEqual(body)
    expect((await ask(bySocket, request)).body).toEqual(body)
    putRequest(peer.doc, byHttp, request)
    expect(await socketOutcome(peer, byHttp)).toEqual({ status: 'refused', code, reason: body.detail })
    expect(await texts()).toEqual([])
  })

  it('that was refused as the first and last of a document is found after a restart', { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder()
    closing.push(folder.remove)
    const id = newConversationId()
    const [first, last] = [newRequestId(), newRequestId()]
    const server = await startServer(folder.path)
    expect((await post(server.url, id, first, text(' '))).body.code).toBe('message-empty')
    await post(server.url, id, newRequestId(), text('in between'))
    expect((await post(server.url, id, last, text(' '))).body.code).toBe('message-empty')
    await server.stop('SIGKILL')
    const next = await startServer(folder.path)
    closing.push(() => next.stop('SIGKILL'))
    for (const key of [first, last]) expect((await post(next.url, id, key, text(' '))).body.code).toBe('message-empty')
    const reader = await joined(next.syncUrl, `conversation/${id}`, {})
    say(reader.doc, 'and on')
    await reader.allSaved()
    expect(messageTexts(reader.doc).slice(0, 2)).toEqual(['in between', 'and on'])
  })
})

describe('a request that is not taken may come again under its key', () => {
  it('when it follows a message that is still on its way', async () => {
    const { ask, texts } = await start()
    const [first, second] = [newRequestId(), newRequestId()]
    const answer = text('second', { parentId: messageIdOf(first) })
    expect(await ask(second, answer)).toMatchObject({ status: 409, body: { code: 'parent-unknown' } })
    await ask(first, text('first'))
    expect((await ask(second, answer)).status).toBe(201)
    expect(await texts()).toEqual(['first', 'second'])
  })

  it('when its form is not right, by the names of the fields', async () => {
    const { ask, texts } = await start()
    const key = newRequestId()
    expect(await ask(key, { type: 'send', message: { parts: 'Hello', parentId: null } }))
      .toMatchObject({ status: 422, body: { code: 'invalid-request', fields: [{ field: 'message.parts' }] } })
    for (const body of ['"Hello"', 'null', '[]', '']) expect((await ask(key, body)).body.code, body).toBe('invalid-request')
    expect((await ask(key, text('Hello'))).status).toBe(201)
    expect(await texts()).toEqual(['Hello'])
  })

  it('when the hour\'s requests are used up, whichever way they went, and it says when', { timeout: 120_000 }, async () => {
    const { ask, join, server, name } = await start({ environment: { SKEIN_AUTH: 'accounts', SKEIN_MAX_WRITES_PER_MINUTE_PER_PERSON: '100000' } })
    const peer = await join()
    const last = Array.from({ length: limits.requestsPerHour }, () => {
      const id = newRequestId()
      putRequest(peer.doc, id, proposeSetMeta('title', 'x', 1))
      return id
    }).at(-1)!
    await socketOutcome(peer, last)
    // The hour goes on meanwhile.
    const { key, refused } = await until('it is one too many', async () => {
      const key = newRequestId()
      const refused = await ask(key, text('one more'))
      return refused.status === 201 ? null : { key, refused }
    })
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } })
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await server.log.ledger(name, [key])).size).toBe(0)
  })
})

describe('what is no request', () => {
  it('has no key, or one of another kind, and the header is named', async () => {
    const { ask, texts } = await start()
    for (const key of [null, '', '0b7c7a3e-1111-4111-8111-111111111111', newRequestId().toUpperCase(), '../../etc/passwd']) {
      const { status, body } = await ask(key, text('Hello'))
      expect(status, String(key)).toBe(422)
      expect(body.fields).toMatchObject([{ field: IDEMPOTENCY_KEY }])
    }
    expect(await texts()).toEqual([])
  })

  it('takes its key in quotes too, as the header\'s draft writes it', async () => {
    const { ask } = await start()
    const key = newRequestId()
    expect((await ask(`"${key}"`, text('Hello'))).body.requestId).toBe(key)
    expect((await ask(key, text('Hello'))).status).toBe(201)
  })

  const withData = (data: string): string =>
    `{"type":"send","message":{"parentId":null,"to":[],"parts":[{"type":"text","text":"x"},{"type":"data-x","data":${data}}]}}`
  it('holds what the document would keep as something else', async () => {
    const { ask, texts } = await start()
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
    const disguised = ['{"__proto__":{"polluted":true}}', '{"\\u005f_proto__":1}', '1e999', '-0', '"\\ud800"', '{"\\udc00":1}', '{"a":']
    for (const data of [...disguised, nested(limits.jsonDepth), nested(100_000)]) {
      expect(await ask(newRequestId(), withData(data)), data.slice(0, 40)).toMatchObject({ status: 422, body: { code: 'invalid-request' } })
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    expect(await texts()).toEqual([])
  })

  it('is not read past its longest form, and what is escaped in full is not too long', async () => {
    const { ask } = await start()
    const escaped = JSON.stringify(text('Д'.repeat(limits.messageBytes / 2 - 100))).replaceAll('Д', '\\u0434')
    expect(escaped.length).toBeGreaterThan(2.9 * limits.messageBytes)
    expect((await ask(newRequestId(), escaped)).status).toBe(201)
    expect(await ask(newRequestId(), `${' '.repeat(limits.postedRequestBytes)}{}`)).toMatchObject({ status: 413, body: { code: 'too-large' } })
  })

  it('is nothing that another site\'s page, a form or a ticket can send', async () => {
    const { ask, server, id, owner, texts } = await start()
    expect((await ask(newRequestId(), text('x'), { ...owner.proof, origin: 'https://evil.example' })).status).toBe(403)
    expect((await ask(newRequestId(), text('x'), { ...owner.proof, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await ask(newRequestId(), text('x'), { ...owner.proof, 'content-type': 'text/plain' })).status).toBe(422)
    const headers = { 'content-type': 'application/json', ...owner.proof }
    const { ticket } = await (await fetch(server.url + routes.tickets(), { method: 'POST', headers, body: '{}' })).json() as { ticket: string }
    expect((await ask(newRequestId(), text('x'), { authorization: `Bearer ${ticket}` })).status).toBe(401)
    const byAddress = await fetch(`${server.url}${routes.requests(id)}?ticket=${ticket}`, {
      method: 'POST', headers: { 'content-type': 'application/json', [IDEMPOTENCY_KEY]: newRequestId() }, body: JSON.stringify(text('x')),
    })
    expect(byAddress.status).toBe(401)
    expect(await texts()).toEqual([])
  })
})

describe('who may ask by HTTP', () => {
  it('is whoever may over a socket, as what they are now', async () => {
    const { ask, server, name, owner, texts } = await start()
    const [viewer, stranger] = [await guest(server), await guest(server)]
    await server.directory.change(name, setMember({ id: viewer.id, role: 'viewer', name: 'Viewer' }))
    const link = { by: owner.id, at: 2, expiresAt: null, maxUses: null, kind: 'read', role: 'viewer' } as const
    const { secret } = await server.directory.makeLink(name, link)
    const principal: Principal = { kind: 'guest', id: owner.id, name: 'Owner' }
    const token = async (scopes: { write: boolean, documents?: DocumentName[] }) =>
      ({ authorization: `Bearer ${(await server.tokens.create(principal, { name: 'bot', scopes: { read: true, ...scopes } })).secret}` })
    const [reads, writes] = [await token({ write: false }), await token({ write: true, documents: [name] })]
    const elsewhere = await token({ write: true, documents: [conversationName('elsewhere')!] })

    const key = newRequestId()
    expect(await ask(key, text('may I?'), viewer.proof)).toMatchObject({ status: 403, body: { code: 'viewer' } })
    expect(await ask(newRequestId(), text('x'), { authorization: `Bearer ${LINK_PREFIX}${secret}` })).toMatchObject({ status: 403, body: { code: 'viewer' } })
    expect(await ask(newRequestId(), text('x'), reads)).toMatchObject({ status: 403, body: { code: 'viewer' } })
    for (const proof of [stranger.proof, elsewhere]) expect(await ask(newRequestId(), text('x'), proof)).toMatchObject({ status: 404, body: { code: 'not-found' } })
    expect((await ask(newRequestId(), text('by a bot'), writes)).body.message?.metadata.authorId).toBe(owner.id)

    await server.directory.change(name, setMember({ id: viewer.id, role: 'editor', name: 'Viewer' }))
    // It has its outcome; another one has another.
    expect((await ask(key, text('may I?'), viewer.proof)).status).toBe(403)
    expect((await ask(newRequestId(), text('now I may'), viewer.proof)).status).toBe(201)
    await server.directory.change(name, removeMember(principal, viewer.id, 3))
    expect(await ask(newRequestId(), text('x'), viewer.proof)).toMatchObject({ status: 404, body: { code: 'not-found' } })
    expect(await texts()).toEqual(['by a bot', 'now I may'])
    await fetch(server.url + routes.conversation(name.split('/')[1]!), { method: 'DELETE', headers: owner.proof })
    expect(await ask(newRequestId(), text('x'))).toMatchObject({ status: 410, body: { code: 'gone' } })
  })
})

describe('a server that ends while requests come', () => {
  const MANY = times(150, 40)
  const flood = (url: string, id: string, count: number) => {
    const asked = Array.from({ length: count }, (_, n) => ({ key: newRequestId(), request: text(`message ${n}`) }))
    return asked.map(({ key, request }) => ({ key, request, answer: post(url, id, key, request).catch(() => null) }))
  }
  const texts = async (url: string, id: string) => (await messagesOf(url, id)).map(textOfMessage)

  it.each(['SIGKILL', 'SIGTERM'] as const)('with %s: what was answered is there, and all of it once when it comes again', { timeout: 120_000 }, async signal => {
    const folder = await temporaryFolder()
    closing.push(folder.remove)
    const id = newConversationId()
    const server = await startServer(folder.path)
    await post(server.url, id, newRequestId(), text('begin'))
    const asked = flood(server.url, id, MANY)
    await Promise.any(asked.map(async ({ answer }) => (await answer) ?? Promise.reject(new Error())))
    await server.stop(signal)
    const first = await Promise.all(asked.map(({ answer }) => answer))
    const next = await startServer(folder.path)
    closing.push(() => next.stop('SIGKILL'))
    const kept = new Set(await texts(next.url, id))
    for (const [n, answer] of first.entries()) if (answer?.status === 201) expect(kept).toContain(`message ${n}`)
    const again = await Promise.all(asked.map(({ key, request }) => post(next.url, id, key, request)))
    for (const [n, { status, body }] of again.entries()) {
      expect(status).toBe(201)
      if (first[n]?.status === 201) expect(body).toEqual(first[n].body)
    }
    const after = await texts(next.url, id)
    expect(after).toHaveLength(MANY + 1)
    expect(new Set(after).size).toBe(MANY + 1)
  })
})

it('a server that stops in good order answers what it has taken', { timeout: 60_000 }, async () => {
  const server = await startInProcess({ durability: 'os' })
  const id = newConversationId()
  await post(server.url, id, newRequestId(), text('begin'))
  const held = server.holdWrites()
  const answer = post(server.url, id, newRequestId(), text('Hello'))
  await held.reached
  const closed = server.close()
  held.release()
  expect((await answer).status).toBe(201)
  await closed
})
