/** What holds for every route: who is served, what is not taken, what is told when something goes wrong. */
import { describe, expect, test } from 'vitest'
import { plainEdge } from '../edge/config.ts'
import { codeOf, problemOf, signedInBrowser } from '../../test/rig/api-browser.ts'
import { a, createApiWorld, messageOf, nameOf, START } from '../../test/rig/api-world.ts'
import { routes } from '../../shared/api/routes.ts'
import * as schemas from '../../shared/api/schemas.ts'
import { errorTable } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'

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
