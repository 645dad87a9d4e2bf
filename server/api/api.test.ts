/** The HTTP API over a directory and a log: who may do what, and what strangers learn. */
import { describe, expect, test } from 'vitest'
import { plainEdge } from '../edge/config.ts'
import { a, b, idOf, createApiWorld, messageOf, nameOf, requestIdOf, START } from '../../test/rig/api-world.ts'
import type { ApiWorld } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import * as people from '../../shared/api/people.ts'
import * as schemas from '../../shared/api/schemas.ts'
import { errorTable } from '../../shared/errors.ts'
import { readMeta } from '../../shared/conversation/read.ts'
import type { UserId } from '../../shared/ids.ts'

const problemOf = async (response: Response): Promise<schemas.Problem> => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const problem = schemas.problem.parse(await response.json())
  expect(problem.status).toBe(response.status)
  expect(problem.type).toBe(`urn:skein:error:${problem.code}`)
  return problem
}

const codeOf = async (response: Response): Promise<string> => (await problemOf(response)).code

const signedInBrowser = async (given?: ApiWorld) => {
  const world = given ?? await createApiWorld()
  const browser = world.browser()
  const me = schemas.me.parse(await (await browser.get(routes.me())).json())
  return { ...browser, me, world }
}

const listOf = async ({ get }: { get: (path: string) => Promise<Response> }, page = {}) =>
  schemas.conversationList.parse(await (await get(routes.conversations(page))).json())

describe('who am I', () => {
  test('a browser that nobody knows becomes a guest, and stays that guest', async () => {
    const { me, get } = await signedInBrowser()
    expect(me).toMatchObject({ principal: { kind: 'guest' }, defaultAgent: 'guide', limits: { messageBytes: 262144, frameBytes: 8388608 } })
    expect(me.agents).toEqual([{ id: 'guide', name: 'Guide', description: 'Not a language model.', isLanguageModel: false }])
    expect(schemas.me.parse(await (await get(routes.me())).json()).principal).toEqual(me.principal)
  })

  test('a forged cookie makes a new guest, not the one it names', async () => {
    const { me, world } = await signedInBrowser()
    const response = await world.request(routes.me(), { headers: { cookie: `skein_guest=${me.principal.id}.${START}.${'A'.repeat(43)}` } })
    expect(schemas.me.parse(await response.json()).principal.id).not.toBe(me.principal.id)
    expect(response.headers.get('set-cookie')).toMatch(/^skein_guest=.*HttpOnly/)
  })

  test('over https the cookie is Secure, also where the proxy in front speaks it', async () => {
    const world = await createApiWorld()
    const cookieOf = async (url: string, headers = {}) => (await world.request(url, { headers })).headers.get('set-cookie')
    expect(await cookieOf('http://localhost/api/me')).not.toContain('Secure')
    expect(await cookieOf('https://localhost/api/me')).toContain('; Secure')
    expect(await cookieOf('http://localhost/api/me', { 'x-forwarded-proto': 'https' })).not.toContain('Secure')
    const behind = await createApiWorld({ edge: { ...plainEdge, publicUrl: new URL('https://chat.example.org') } })
    expect((await behind.request('http://localhost/api/me')).headers.get('set-cookie')).toContain('; Secure')
  })

  test.each([
    ['GET', routes.conversations()],
    ['POST', routes.conversations()],
    ['GET', routes.messages(a)],
    ['GET', routes.request(a, requestIdOf(1))],
    ['POST', routes.invitations(a)],
    ['POST', routes.invitations(a, 'artifact')],
    ['POST', routes.acceptInvitation()],
    ['GET', routes.feed()],
  ])('%s %s makes nobody a guest', async (method, path) => {
    const response = await (await createApiWorld()).request(path, { method, headers: { 'Content-Type': 'application/json' } })
    expect(response.headers.get('set-cookie')).toBeNull()
    expect(await codeOf(response)).toBe('unauthenticated')
  })
})

describe('conversations', () => {
  test('a new one belongs to who made it and stands in their list', async () => {
    const { get, post } = await signedInBrowser()
    const created = await post(routes.conversations(), {})
    expect(created.status).toBe(201)
    const item = schemas.conversationListItem.parse(await created.json())
    expect(item).toMatchObject({ role: 'owner', title: '', preview: '', messageCount: 0, updatedAt: START, createdAt: START })
    expect(await (await get(routes.conversations())).json()).toEqual({ conversations: [item], next: null })
  })

  test('the device may have made the id, and asking again changes nothing', async () => {
    const { post, world, me } = await signedInBrowser()
    const own = idOf('own')
    const ask = async () => schemas.conversationListItem.parse(await (await post(routes.conversations(), { id: own, title: 'First' })).json())
    expect(await ask()).toMatchObject({ id: own, title: 'First' })
    await world.rooms.use(nameOf(own), room => room.write('someone', writer => writer.setMeta('title', 'Renamed since')))
    world.pass(1000)
    expect(await ask()).toMatchObject({ title: 'Renamed since', createdAt: START, role: 'owner' })
    expect([...(await world.directory.find(nameOf(own)))!.members.keys()]).toEqual([me.principal.id])
  })

  test('a title stands in the document and in the list at once', async () => {
    const { get, post, world } = await signedInBrowser()
    expect(await (await post(routes.conversations(), { id: a, title: 'Plans' })).json()).toMatchObject({ title: 'Plans', messageCount: 0, updatedAt: START })
    expect(await world.rooms.use(nameOf(a), room => room.read(readMeta))).toMatchObject({ title: 'Plans' })
    expect((await listOf({ get })).conversations[0]).toMatchObject({ title: 'Plans' })
  })

  test('show their newest message', async () => {
    const { get, post, world } = await signedInBrowser()
    await post(routes.conversations(), { id: a })
    await world.say(a, messageOf(1), messageOf(2))
    expect((await listOf({ get })).conversations[0]).toMatchObject({ preview: 'message 2', messageCount: 2, updatedAt: START + 2, createdAt: START })
  })

  test("another person's id is not taken over, and not told of", async () => {
    const world = await createApiWorld()
    const [owner, other] = [await signedInBrowser(world), await signedInBrowser(world)]
    await owner.post(routes.conversations(), { id: a })
    expect(await codeOf(await other.post(routes.conversations(), { id: a, title: 'Mine' }))).toBe('not-found')
    expect(await world.rooms.use(nameOf(a), room => room.read(readMeta))).toMatchObject({ title: '' })
    expect(await (await other.get(routes.conversations())).json()).toEqual({ conversations: [], next: null })
  })

  test('pages neither repeat nor skip one, newest first, when times are equal too', async () => {
    const { get, post, world } = await signedInBrowser()
    const ids = Array.from({ length: 25 }, (_, i) => idOf(`c${i}`))
    for (const [i, id] of ids.entries()) {
      await post(routes.conversations(), { id, title: id })
      await world.say(id, messageOf(i, START + Math.floor(i / 5)))
    }
    const seen: schemas.ConversationListItem[] = []
    let before: string | undefined
    for (let pages = 1; ; pages++) {
      const page = schemas.conversationList.parse(await (await get(routes.conversations({ limit: 4, before }))).json())
      seen.push(...page.conversations)
      if (page.next === null) {
        expect(pages).toBe(7)
        break
      }
      before = page.next
    }
    expect(new Set(seen.map(item => item.id)).size).toBe(25)
    expect(seen.map(item => item.updatedAt)).toEqual(seen.map(item => item.updatedAt).sort((a, b) => b - a))
    expect(seen[0]).toMatchObject({ title: seen[0]!.id, messageCount: expect.any(Number), updatedAt: START + 4 })
  })
})

describe('messages', () => {
  const withMessages = async (count: number) => {
    const signedIn = await signedInBrowser()
    await signedIn.post(routes.conversations(), { id: a })
    await signedIn.world.say(a, ...Array.from({ length: count }, (_, i) => messageOf(i)))
    return signedIn
  }
  const pageOf = async (response: Response) => schemas.messagePage.parse(await response.json())

  test('come in the order accepted, 200 a page, and each once', async () => {
    const { get } = await withMessages(450)
    const sizes: number[] = []
    const seen: string[] = []
    let after: string | undefined
    for (;;) {
      const page = await pageOf(await get(routes.messages(a, { after })))
      sizes.push(page.messages.length)
      seen.push(...page.messages.map(({ id }) => id))
      if (page.next === null) break
      after = page.next
    }
    expect(sizes).toEqual([200, 200, 50])
    expect(seen).toEqual(Array.from({ length: 450 }, (_, i) => requestIdOf(i)))
  })

  test('what came later is asked for by the last one known', async () => {
    const { get } = await withMessages(3)
    const { messages } = await pageOf(await get(routes.messages(a, { after: requestIdOf(1), limit: 1 })))
    expect(messages.map(({ id }) => id)).toEqual([requestIdOf(2)])
    expect(await pageOf(await get(routes.messages(a, { after: requestIdOf(2) })))).toEqual({ messages: [], next: null })
  })

  test('after an unknown one there is no place to go on from', async () => {
    const { get } = await withMessages(1)
    expect(await codeOf(await get(routes.messages(a, { after: requestIdOf(9) })))).toBe('target-unknown')
  })

  test('are not shown to strangers, who learn nothing of the conversation', async () => {
    const { world } = await withMessages(1)
    const { get } = await signedInBrowser(world)
    const [existing, missing] = [await get(routes.messages(a)), await get(routes.messages(b))]
    expect(existing.status).toBe(404)
    expect(await existing.text()).toBe(await missing.text())
  })
})

describe('what became of a request', () => {
  test('is answered with its outcome', async () => {
    const { get, post, world } = await signedInBrowser()
    await post(routes.conversations(), { id: a })
    const outcome = { status: 'refused', code: 'message-too-long', reason: 'too long' } as const
    await world.remember(a, { requestId: requestIdOf(1), outcome, principal: 'x' as UserId, at: START + 1 })
    const result = schemas.requestResult.parse(await (await get(routes.request(a, requestIdOf(1)))).json())
    expect(result).toEqual({ requestId: requestIdOf(1), outcome, at: START + 1 })
    expect(await codeOf(await get(routes.request(a, requestIdOf(2))))).toBe('not-found')
    expect(await codeOf(await get(routes.request(a, 'no-uuid')))).toBe('not-found')
  })

  test('is not told to strangers', async () => {
    const { post, world } = await signedInBrowser()
    await post(routes.conversations(), { id: a })
    await world.remember(a, { requestId: requestIdOf(1), outcome: { status: 'accepted' }, principal: 'x' as UserId, at: 0 })
    const stranger = await signedInBrowser(world)
    expect(await codeOf(await stranger.get(routes.request(a, requestIdOf(1))))).toBe('not-found')
  })
})

describe('invitations', () => {
  const invited = async (role: 'editor' | 'viewer') => {
    const world = await createApiWorld()
    const [owner, friend] = [await signedInBrowser(world), await signedInBrowser(world)]
    await owner.post(routes.conversations(), { id: a })
    const answer = await owner.post(routes.invitations(a), { role })
    expect(answer.status).toBe(201)
    return { world, owner, friend, invitation: people.madeLink.parse(await answer.json()) }
  }

  test('let the bearer in with the role that the owner chose', async () => {
    const { friend, invitation } = await invited('viewer')
    expect(invitation.path).toBe(`/join#${invitation.secret}`)
    const accepted = await friend.post(routes.acceptInvitation(), { secret: invitation.secret })
    expect(people.acceptedInvitation.parse(await accepted.json())).toEqual({ kind: 'conversation', id: a, role: 'viewer' })
    expect((await friend.get(routes.messages(a))).status).toBe(200)
    expect(schemas.conversationList.parse(await (await friend.get(routes.conversations())).json()).conversations[0]).toMatchObject({ id: a, role: 'viewer' })
  })

  test('are made by the owner alone', async () => {
    const { world, friend, invitation } = await invited('editor')
    await friend.post(routes.acceptInvitation(), { secret: invitation.secret })
    expect(await codeOf(await friend.post(routes.invitations(a), { role: 'editor' }))).toBe('not-allowed')
    const stranger = await signedInBrowser(world)
    expect(await codeOf(await stranger.post(routes.invitations(a), { role: 'editor' }))).toBe('not-found')
  })

  test('cannot give the conversation away', async () => {
    const { owner } = await invited('editor')
    expect(await codeOf(await owner.post(routes.invitations(a), { role: 'owner' }))).toBe('invalid-request')
  })

  test('do not lower the role of who is a member already', async () => {
    const { owner, invitation } = await invited('viewer')
    expect(await (await owner.post(routes.acceptInvitation(), { secret: invitation.secret })).json()).toEqual({ kind: 'conversation', id: a, role: 'owner' })
  })

  test('with another secret let nobody in', async () => {
    const { friend } = await invited('viewer')
    for (const secret of ['guess', '../a', '%00', 'x'.repeat(5000)]) {
      expect(await codeOf(await friend.post(routes.acceptInvitation(), { secret }))).toBe('not-found')
    }
  })
})

describe('without accounts', () => {
  test('the local person reaches every document and sets no cookie', async () => {
    const world = await createApiWorld({ openToAll: true })
    await world.directory.create(nameOf('of-a-guest'), { kind: 'guest', id: 'g' as UserId, name: 'G' }, START)
    await world.say('of-a-guest', messageOf(1))
    await world.say('of-nobody', messageOf(2))
    const { get, me } = await signedInBrowser(world)
    expect(me.principal).toEqual({ id: 'local', name: 'Local', kind: 'user' })
    expect((await get(routes.me())).headers.get('set-cookie')).toBeNull()
    const { conversations } = schemas.conversationList.parse(await (await get(routes.conversations())).json())
    expect(conversations.map(({ id, role }) => [id, role])).toEqual([['of-nobody', 'owner'], ['of-a-guest', 'owner']])
    expect((await get(routes.messages('of-a-guest'))).status).toBe(200)
    expect((await get(routes.messages('brand-new'))).status).toBe(200)
  })

  test('nothing is served under a name that is not of this machine', async () => {
    const { request } = await createApiWorld({ openToAll: true })
    for (const host of ['evil.example', 'localhost.evil.example', '192.168.1.2:4400', '127.0.0.1.evil.example']) {
      expect(await codeOf(await request(routes.me(), { headers: { host } }))).toBe('not-allowed')
    }
    for (const host of ['localhost:4400', '127.0.0.1:9', '[::1]:4400', 'LOCALHOST']) {
      expect((await request(routes.me(), { headers: { host } })).status).toBe(200)
    }
  })
})

describe('requests that are not right', () => {
  test.each([
    ['GET', '/api/nothing'],
    ['GET', '/api'],
    ['POST', '/api/me'],
    ['DELETE', '/api/conversations'],
    ['GET', '/api/conversations/a'],
    ['GET', '/sync/conversation/a'],
  ])('%s %s is unknown', async (method, path) => {
    expect(await codeOf(await (await createApiWorld()).request(path, { method, headers: { 'Content-Type': 'application/json' } }))).toBe('not-found')
  })

  test.each([
    [{ title: 5 }, 'title'],
    [{ title: 'x'.repeat(201) }, 'title'],
    [{ id: '../etc' }, 'id'],
    [{ id: 'a\u0000' }, 'id'],
    [{ id: '' }, 'id'],
    [[], '(body)'],
    ['text', '(body)'],
    [{ titel: 'sk-secret', 'sk-secret': 1 }, '(body)'],
  ])('creating with %j names the field and repeats no value', async (body, field) => {
    const { post } = await signedInBrowser()
    const problem = await problemOf(await post(routes.conversations(), body))
    expect(problem.code).toBe('invalid-request')
    expect(problem.fields!.map(entry => entry.field)).toEqual([field])
    expect(JSON.stringify(problem)).not.toMatch(/xxx|etc|secret/)
  })

  test.each([
    `${routes.conversations()}?limit=0`,
    `${routes.conversations()}?limit=201`,
    `${routes.conversations()}?limit=1e1`,
    `${routes.conversations()}?before=x`,
    `${routes.messages(a)}?after=x`,
    `${routes.messages(a)}?limit=-1`,
  ])('%s has a field that cannot be', async path => {
    const { get, post } = await signedInBrowser()
    await post(routes.conversations(), { id: a })
    expect(await codeOf(await get(path))).toBe('invalid-request')
  })

  test('a body that is not JSON is told as such', async () => {
    const { request } = await signedInBrowser()
    const response = await request(routes.conversations(), { method: 'POST', body: '{"title": sk-secret', headers: { 'Content-Type': 'application/json' } })
    const problem = await problemOf(response)
    expect(problem).toMatchObject({ code: 'invalid-request', detail: expect.stringContaining('not valid JSON') })
    expect(JSON.stringify(problem)).not.toContain('secret')
  })

  test('a body over the limit is not read', async () => {
    const { post } = await signedInBrowser()
    expect(await codeOf(await post(routes.conversations(), { title: 'x'.repeat(20_000) }))).toBe('too-large')
  })

  test('a form of another site cannot post, whatever it calls its content', async () => {
    const { request, post, world } = await signedInBrowser()
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', '']) {
      expect(await codeOf(await request(routes.conversations(), { method: 'POST', body: '{}', headers: type ? { 'Content-Type': type } : {} }))).toBe('invalid-request')
    }
    for (const origin of ['https://evil.example', 'null', 'http://localhost:1', 'http://localhost.evil.example', 'file://localhost', '']) {
      expect(await codeOf(await post(routes.conversations(), { id: 'x' }, { origin }))).toBe('not-allowed')
    }
    expect(await world.directory.find(nameOf('x'))).toBeNull()
    expect((await post(routes.conversations(), {}, { origin: 'http://localhost' })).status).toBe(201)
    expect((await post(routes.conversations(), {}, { 'origin': 'https://chat.example', 'host': 'chat.example', 'Content-Type': 'application/json; charset=utf-8' })).status).toBe(201)
    expect((await post(routes.conversations(), {}, { origin: 'http://localhost:4400', host: 'localhost:4400' })).status).toBe(201)
    expect((await post(routes.conversations(), {}, { origin: 'https://chat.example', host: 'chat.example:443' })).status).toBe(201)
  })
})

describe('what goes wrong inside', () => {
  test('is logged under an id, and only the id goes out', async () => {
    const world = await createApiWorld({ authenticate: async () => { throw new TypeError('secret path /var/db') } })
    const response = await world.request(routes.conversations())
    const problem = await problemOf(response)
    expect(problem.code).toBe('internal')
    expect(JSON.stringify(problem)).not.toMatch(/secret|TypeError|\.ts/)
    const [line] = world.lines
    expect(line).toMatchObject({ level: 'error', fields: { err: { message: 'secret path /var/db' } } })
    expect(problem.instance).toBe(`urn:uuid:${String(line!.fields.incident)}`)
    expect(problem.detail).toContain(String(line!.fields.incident))
  })

  test('every code has a title of its own and the status of the table', async () => {
    const { problemResponse } = await import('./problem.ts')
    for (const [code, { status, message: detail }] of Object.entries(errorTable)) {
      const problem = await problemOf(problemResponse(code as keyof typeof errorTable))
      expect(problem).toMatchObject({ code, status, detail, title: expect.stringMatching(/^[A-Z][a-z ]+$/) })
    }
  })
})

describe('every answer', () => {
  test.each([['GET', '/healthz'], ['GET', '/api/me'], ['GET', '/api/nothing'], ['GET', '/'], ['POST', '/x'], ['GET', '/api/conversations']])('%s %s tells browsers what not to do with it', async (method, path) => {
    const { headers } = await (await createApiWorld()).request(path, { method })
    const policy = headers.get('content-security-policy')
    for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"]) expect(policy).toContain(part)
    expect(policy).toContain("connect-src 'self' ws://localhost;")
    expect(policy).not.toMatch(/unsafe|ws: |wss:|https?:|\*|upgrade-insecure/)
    expect(headers.get('strict-transport-security')).toBeNull()
    expect(headers.get('permissions-policy')).toContain('camera=()')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('referrer-policy')).toBe('same-origin')
  })

  test('of a server behind https keeps browsers to it', async () => {
    const world = await createApiWorld({ edge: { ...plainEdge, publicUrl: new URL('https://chat.example.org') } })
    const { headers } = await world.request('/', { headers: { host: 'evil.example' } })
    expect(headers.get('content-security-policy')).toContain("connect-src 'self' wss://chat.example.org;")
    expect(headers.get('content-security-policy')).toContain('upgrade-insecure-requests')
    expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
  })

  test.each(["a.example; script-src 'unsafe-inline'", 'a.example *', '*', 'a.example,b'])('to a caller whose host is %j has nothing of that in its policy', async host => {
    const { headers } = await (await createApiWorld()).request('/healthz', { headers: { host } })
    expect(headers.get('content-security-policy')).toContain("connect-src 'self';")
  })

  test('of the API is not cached', async () => {
    const { get } = await signedInBrowser()
    expect((await get(routes.me())).headers.get('cache-control')).toBe('no-store')
    expect((await get(routes.messages('none'))).headers.get('cache-control')).toBe('no-store')
  })

  test('of the health check says the version', async () => {
    expect(schemas.health.parse(await (await (await createApiWorld()).request(routes.health())).json())).toEqual({ status: 'ok', version: '1.2.3' })
  })
})
