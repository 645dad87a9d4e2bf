/** The built app as files, and nothing beside it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createApiWorld } from '../../test/rig/api-world.ts'

const PAGE = '<!doctype html><title>Skein</title>'
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-static-'))
  await writeFile(join(folder, 'outside.txt'), 'SECRET')
  await mkdir(join(folder, 'client/assets'), { recursive: true })
})
afterEach(() => rm(folder, { recursive: true }))

const build = async () => {
  await writeFile(join(folder, 'client/index.html'), PAGE)
  await writeFile(join(folder, 'client/sw.js'), 'worker')
  await writeFile(join(folder, 'client/manifest.webmanifest'), '{}')
  await writeFile(join(folder, 'client/assets/index-abc123.js'), 'code')
}
const world = () => createApiWorld({ clientFolder: join(folder, 'client') })
const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('the built app', () => {
  test.each(['/', '/c/some-conversation', '/join/some-secret', '/a/b/c?x=1'])('has its page at %s', async path => {
    await build()
    const response = await (await world()).request(path, { headers: navigation })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    expect(response.headers.get('cache-control')).toBe('no-cache')
    expect(await response.text()).toBe(PAGE)
  })

  test.each([
    ['/assets/index-abc123.js', 'public, max-age=31536000, immutable', /javascript/],
    ['/sw.js', 'no-cache', /javascript/],
    ['/index.html', 'no-cache', /^text\/html/],
    ['/manifest.webmanifest', 'no-cache', /manifest/],
  ])('%s is kept by browsers for: %s', async (path, cacheControl, type) => {
    await build()
    const response = await (await world()).request(path)
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe(cacheControl)
    expect(response.headers.get('content-type')).toMatch(type)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('a missing file is not answered with the page, which a browser would take for a script', async () => {
    await build()
    for (const [path, headers] of [['/assets/old-123.js', navigation], ['/missing.js', { accept: '*/*' }]] as const) {
      const response = await (await world()).request(path, { headers })
      expect(response.status).toBe(404)
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/)
      expect(response.headers.get('cache-control') ?? '').not.toContain('immutable')
    }
  })

  test('the page does not stand in for the API or sync', async () => {
    await build()
    for (const path of ['/api/unknown', '/api', '/sync/conversation/a', '/healthz']) {
      expect((await (await world()).request(path, { headers: navigation })).headers.get('content-type')).toMatch(/json/)
    }
  })

  test('that is not built says what to do, and appears when it is', async () => {
    const { request } = await world()
    const response = await request('/', { headers: navigation })
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('npm run build')
    await build()
    expect(await (await request('/', { headers: navigation })).text()).toBe(PAGE)
  })
})

describe('what lies beside the built app', () => {
  /** `fetch` and `Request` tidy paths up; a stranger's program does not. */
  const rawGet = (port: number, path: string) => new Promise<{ status: number, body: string }>((resolve, reject) => {
    httpRequest({ port, path, host: '127.0.0.1' }, response => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => { body += chunk })
      response.on('end', () => resolve({ status: response.statusCode!, body }))
    }).on('error', reject).end()
  })

  test('is out of reach by any spelling of the path', async () => {
    await build()
    const { fetch } = await world()
    const server = createServer((incoming, outgoing) => void getRequestListener(fetch)(incoming, outgoing))
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const paths = [
      '/../outside.txt', '/assets/../../outside.txt', '/%2e%2e/outside.txt', '/..%2foutside.txt', '/%2e%2e%2foutside.txt', '/..\\outside.txt',
      '/..%5coutside.txt', '/%252e%252e/outside.txt', '/....//outside.txt', '//outside.txt', '/assets/..%00/../../outside.txt', '/./../outside.txt',
      `/${join(folder, 'outside.txt')}`, '/%c0%ae%c0%ae/outside.txt', '/assets/%2e%2e/%2e%2e/outside.txt', '/index.html%00.txt',
    ]
    for (const path of paths) expect((await rawGet(port, path)).body).not.toContain('SECRET')
    await new Promise(resolve => server.close(resolve))
  })
})
