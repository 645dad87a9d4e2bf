/** What people who sign in by JWT make for bots: nobody takes a JWT back, so what outlives it is bounded. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { JWTPayload } from 'jose'
import { routes } from '../../shared/api/routes.ts'
import type { IssuedToken } from '../../shared/api/token-schemas.ts'
import { limits } from '../../shared/limits.ts'
import { startInProcess } from '../rig/in-process.ts'
import type { InProcessServer } from '../rig/in-process.ts'
import { sign } from '../rig/jwt-issuer.ts'
import { temporaryFolder } from '../rig/server-process.ts'

const DAY = 24 * 60 * 60 * 1000
const SECRET = 'a shared secret of more than 32 bytes'
const issuer = (name: string, more: Record<string, string> = {}) => ({
  SKEIN_AUTH: 'jwt', SKEIN_JWT_ISSUER: name, SKEIN_JWT_AUDIENCE: 'skein', SKEIN_JWT_ALGORITHMS: 'HS256', SKEIN_JWT_SECRET: SECRET, ...more,
})

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: InProcessServer
const start = async (environment: Record<string, string>): Promise<void> => {
  await server?.close()
  server = await startInProcess({ environment, dataFolder: folder.path })
}

beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(async () => {
  await server?.close()
  await folder?.remove()
})

const ada = (more: JWTPayload = {}): Promise<string> =>
  sign(SECRET, 'HS256', { iss: 'us', aud: 'skein', sub: 'ada', name: 'Ada', exp: Math.floor(Date.now() / 1000) + 300, ...more })
const ask = async (bearer: string, path: string, body?: object): Promise<Response> => fetch(server.url + path, {
  headers: { 'authorization': `Bearer ${bearer}`, 'content-type': 'application/json' }, ...body && { method: 'POST', body: JSON.stringify(body) },
})
const wanted = (days?: number) => ({ name: 'bot', scopes: { read: true }, ...days && { days } })
const made = async (days?: number): Promise<IssuedToken> => {
  const answer = await ask(await ada(), routes.tokens(), wanted(days))
  expect(answer.status).toBe(201)
  return await answer.json() as IssuedToken
}

it('a token lives so many days and no more, however long its person would have it', async () => {
  await start(issuer('us'))
  const { token } = await made()
  expect(Math.round((token.expiresAt - token.createdAt) / DAY)).toBe(limits.jwtTokenDays)
  const refused = await ask(await ada(), routes.tokens(), wanted(limits.tokenDays))
  expect([refused.status, await refused.json()]).toEqual([422, expect.objectContaining({ detail: expect.stringContaining('30 days at most') })])
  await start(issuer('us', { SKEIN_JWT_TOKEN_DAYS: '365' }))
  const { secret, token: { id } } = await made(365)
  await start(issuer('us', { SKEIN_JWT_TOKEN_DAYS: '7' }))
  const { tokens } = await (await ask(await ada(), routes.tokens())).json() as { tokens: IssuedToken['token'][] }
  const now = tokens.find(each => each.id === id)!
  expect(Math.round((now.expiresAt - now.createdAt) / DAY)).toBe(7)
  expect((await ask(secret, routes.conversations())).status).toBe(200)
})

it('nobody makes any where the operator wants none', async () => {
  await start(issuer('us', { SKEIN_JWT_TOKEN_DAYS: '0' }))
  expect((await ask(await ada(), routes.tokens(), wanted(1))).status).toBe(403)
})

it('it takes a JWT that may do all that its person may', async () => {
  await start(issuer('us', { SKEIN_JWT_SCOPES_CLAIM: 'scope' }))
  for (const [scope, status] of [['skein:read skein:write', 403], ['skein:read skein:write skein:manage', 201]] as const) {
    expect((await ask(await ada({ scope }), routes.tokens(), wanted())).status).toBe(status)
  }
})

it('it is nobody\'s when its person\'s issuer is not trusted here any more, and theirs again when it is', async () => {
  await start(issuer('us'))
  const { secret } = await made()
  await start(issuer('others'))
  expect((await ask(secret, routes.conversations())).status).toBe(401)
  await start(issuer('us'))
  expect((await ask(secret, routes.conversations())).status).toBe(200)
})
