/** The edge of a real server: its name, the proxies that it trusts, the pages that it serves, how much one caller may ask. */
import { describe, expect, it } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { guestCookie, startForTest, upgradeStatus } from '../rig/for-one-test.ts'
import { runServer } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const start = (environment: Record<string, string> = {}): Promise<ServerProcess> => startForTest({ SKEIN_AUTH: 'accounts', ...environment })

const post = (server: ServerProcess, path: string, headers: Record<string, string> = {}, body = '{}'): Promise<Response> =>
  fetch(`${server.url}${path}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })

const auditOf = (server: ServerProcess, event: string) => server.log.filter(line => line['audit'] === true && line['event'] === event)

describe('an IPv6 address', () => {
  it('is listened on with and without brackets, and printed as a browser takes it', async () => {
    for (const host of ['::1', '[::1]']) {
      const server = await startForTest({ HOST: host })
      expect(server.ready).toBe(`Skein is ready: http://[::1]:${server.port}`)
      expect((await fetch(`http://[::1]:${server.port}${routes.health()}`)).status).toBe(200)
    }
  })
})

describe('whose address it is that limits and logs speak of', () => {
  const ask = async (server: ServerProcess, forwardedFor: string): Promise<number> =>
    (await fetch(`${server.url}${routes.conversations()}`, { headers: { 'x-forwarded-for': forwardedFor, 'x-real-ip': forwardedFor } })).status

  it('the one that a trusted proxy saw', async () => {
    const server = await start({ SKEIN_MAX_READS_PER_MINUTE_PER_ADDRESS: '1', SKEIN_TRUSTED_PROXIES: '127.0.0.1,10.0.0.0/8' })
    expect([await ask(server, '192.0.2.1'), await ask(server, '192.0.2.2'), await ask(server, '192.0.2.1')]).toEqual([401, 401, 429])
    // What the caller made up stands left of what the proxies saw.
    expect([await ask(server, '203.0.113.1, 192.0.2.1'), await ask(server, '203.0.113.2, 192.0.2.2, 10.1.2.3')]).toEqual([429, 429])
    await until('it is written', () => auditOf(server, 'rate.limited').length === 2)
    expect(auditOf(server, 'rate.limited').map(({ address }) => address)).toEqual(['192.0.2.1', '192.0.2.2'])
  })

  it("the peer's own, when it is no proxy of ours, whatever it says", async () => {
    const server = await start({ SKEIN_MAX_READS_PER_MINUTE_PER_ADDRESS: '2', SKEIN_TRUSTED_PROXIES: '10.0.0.0/8' })
    expect([await ask(server, '192.0.2.1'), await ask(server, '192.0.2.2'), await ask(server, '192.0.2.3')]).toEqual([401, 401, 429])
  })

  it('for sockets too', async () => {
    const server = await start({ SKEIN_MAX_CONNECTS_PER_SECOND_PER_ADDRESS: '1', SKEIN_TRUSTED_PROXIES: '127.0.0.1' })
    const many = (address: string) => Promise.all(Array.from({ length: 20 }, () => upgradeStatus(server, { 'x-forwarded-for': address })))
    expect(await many('192.0.2.1')).toContain(429)
    expect(await upgradeStatus(server, { 'x-forwarded-for': '192.0.2.2' })).toBe(101)
    expect(await many('2001:db8::1')).toContain(429)
    expect(await upgradeStatus(server, { 'x-forwarded-for': '2001:db8:0:0:ffff::1' })).toBe(429)
  })
})

describe('pages of other sites', () => {
  const EVIL = 'https://evil.example'

  it('are refused at the upgrade and in the API, and noted', async () => {
    const server = await start({ SKEIN_PUBLIC_URL: 'https://chat.example.org', SKEIN_ALLOWED_ORIGINS: 'https://app.example.org' })
    const upgrades: [string | undefined, number][] = [
      [undefined, 101], ['https://chat.example.org', 101], ['https://app.example.org', 101], [server.url, 101],
      [EVIL, 403], ['null', 403], ['http://chat.example.org', 403], ['https://chat.example.org.evil.example', 403], ['https://evil.example#https://chat.example.org', 403],
    ]
    for (const [origin, status] of upgrades) {
      expect([origin, await upgradeStatus(server, origin === undefined ? {} : { origin })]).toEqual([origin, status])
      const cookie = await guestCookie(server)
      const changed = (await post(server, routes.conversations(), { cookie, ...origin !== undefined && { origin } })).status
      expect([origin, changed]).toEqual([origin, status === 101 ? 201 : 403])
    }
    expect(auditOf(server, 'origin.refused')).toMatchObject([{ address: '127.0.0.1', about: { origin: EVIL } }, {}, {}, {}, {}])
  })

  it('that the operator named may ask first, and read', async () => {
    const server = await start({ SKEIN_ALLOWED_ORIGINS: 'https://app.example.org' })
    const preflight = (origin: string) => fetch(`${server.url}${routes.conversations()}`, {
      method: 'OPTIONS', headers: { origin, 'sec-fetch-site': 'cross-site', 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    })
    const asked = await preflight('https://app.example.org')
    expect(asked.status).toBe(204)
    expect(Object.fromEntries(asked.headers)).toMatchObject({
      'access-control-allow-origin': 'https://app.example.org', 'access-control-allow-credentials': 'true', vary: 'Origin',
      'access-control-allow-headers': expect.stringContaining('authorization'), 'access-control-allow-methods': expect.stringContaining('POST'),
    })
    const read = await fetch(`${server.url}${routes.me()}`, { headers: { origin: 'https://app.example.org', 'sec-fetch-site': 'cross-site' } })
    expect([read.status, read.headers.get('access-control-allow-origin')]).toEqual([200, 'https://app.example.org'])
    const refused = await preflight(EVIL)
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null])
  })
})

describe('starting', () => {
  it('says in one line each what cannot be', async () => {
    const { code, stderr } = await runServer({ SKEIN_PUBLIC_URL: 'chat.example.org', SKEIN_TRUSTED_PROXIES: 'nginx', SKEIN_TLS_CERT: '/none' })
    expect(code).toBe(1)
    expect(stderr.trim().split('\n').map(line => line.split(' ')[0])).toEqual(['SKEIN_PUBLIC_URL', 'SKEIN_TRUSTED_PROXIES', 'SKEIN_TLS_KEY'])
  })

  it('tells people the public address', async () => {
    const server = await start({ SKEIN_PUBLIC_URL: 'https://chat.example.org/' })
    expect(server.ready).toBe('Skein is ready: https://chat.example.org')
  })
})
