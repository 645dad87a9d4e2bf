/** Behind a real nginx with TLS, set up by docs/nginx.conf: sockets, large bodies, the feed, the end of the server, addresses. */
import { request } from 'node:https'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { routes } from '../../shared/api/routes.ts'
import { messageTexts, newConversationId, say } from '../rig/conversation.ts'
import { freePort, nginxHere, startNginx } from '../rig/nginx.ts'
import type { Nginx } from '../rig/nginx.ts'
import { Peer } from '../rig/peer.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

interface Asked {
  method?: string
  headers?: Record<string, string>
  body?: string
  /** The caller's own address, one of this machine's many. */
  from?: string
}

describe.skipIf(nginxHere() === undefined)('behind nginx', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let server: ServerProcess
  let nginx: Nginx
  let origin: string

  beforeAll(async () => {
    folder = await temporaryFolder()
    const port = await freePort()
    nginx = await startNginx(`${folder.path}`, port)
    origin = `https://localhost:${nginx.port}`
    server = await startServer(`${folder.path}/data`, {
      SKEIN_AUTH: 'accounts', SKEIN_PUBLIC_URL: origin, SKEIN_TRUSTED_PROXIES: '127.0.0.1', SKEIN_MAX_NEW_GUESTS_PER_MINUTE_PER_ADDRESS: '5',
      LOG_LEVEL: 'debug',
    }, port)
  })
  afterAll(async () => {
    await nginx?.close()
    await server?.stop()
    await folder.remove()
  })

  const open = (path: string, { method = 'GET', headers = {}, body, from = '127.0.0.9' }: Asked = {}): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', servername: 'localhost', port: nginx.port, localAddress: from, rejectUnauthorized: false }
      const type = body === undefined ? {} : { 'content-type': 'application/json' }
      request({ ...options, path, method, headers: { host: `localhost:${nginx.port}`, ...type, ...headers } }, resolve)
        .once('error', reject).end(body)
    })
  const ask = async (path: string, asked?: Asked) => {
    const response = await open(path, asked)
    let text = ''
    for await (const chunk of response) text += String(chunk)
    return { status: response.statusCode, headers: response.headers, text }
  }
  const guest = async (from: string): Promise<string> => (await ask(routes.me(), { from })).headers['set-cookie']![0]!.split(';')[0]!
  const join = (name: string, cookie: string, more = {}): Promise<Peer> =>
    Peer.join(`wss://localhost:${nginx.port}/sync`, name, { cookie, origin, rejectUnauthorized: false, ...more })

  it('cookies are of https alone, and browsers are kept to it', async () => {
    const { headers } = await ask(routes.me(), { from: '127.0.0.10' })
    expect(headers['set-cookie']![0]).toMatch(/^__Host-skein_guest=.*HttpOnly; SameSite=Lax; Secure$/)
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    expect(headers['content-security-policy']).toContain(`connect-src 'self' wss://localhost:${nginx.port};`)
  })

  it('sockets, large frames and large bodies get through', async () => {
    const cookie = await guest('127.0.0.11')
    const id = newConversationId()
    const [peer, note] = [await join(`conversation/${id}`, cookie), await join(`artifact/${id}`, cookie)]
    say(peer.doc, 'Hello', { to: [] })
    note.doc.getText('note').insert(0, 'x'.repeat(1_000_000))
    await Promise.all([peer.allSaved(), note.allSaved()])
    const other = await join(`artifact/${id}`, cookie, { doc: new Y.Doc() })
    await until('all of it arrives', () => other.doc.getText('note').length === 1_000_000)
    // As many bytes as the server takes; what a device holds would fill it with names.
    const body = JSON.stringify({ documents: [] }).padEnd(1024 * 1024)
    const synced = await ask(routes.sync(), { method: 'POST', body, headers: { cookie, origin } })
    expect(synced.status, synced.text.slice(0, 300)).toBe(200)
    expect(synced.text).toContain(`conversation/${id}`)
    for (const each of [peer, note, other]) each.close()
  })

  it('the feed tells at once, not when a buffer is full', async () => {
    const cookie = await guest('127.0.0.12')
    const feed = await open(routes.feed(), { headers: { cookie } })
    expect(feed.headers['content-type']).toContain('text/event-stream')
    let told = ''
    feed.on('data', chunk => { told += String(chunk) })
    await until('it has begun', () => told.includes(':'))
    const id = newConversationId()
    const peer = await join(`conversation/${id}`, cookie)
    say(peer.doc, 'Hello', { to: [] })
    await until('the change is told', () => told.includes(id))
    feed.destroy()
    peer.close()
  })

  it('limits and the audit trail go by the real address, whatever the caller says', async () => {
    const statuses = (from: string) => Promise.all(Array.from({ length: 8 }, async (_, i) =>
      (await ask(routes.me(), { from, headers: { 'x-forwarded-for': `192.0.2.${i}`, 'forwarded': `for=192.0.2.${i}` } })).status))
    expect((await statuses('127.0.0.13')).sort()).toEqual([200, 200, 200, 200, 200, 429, 429, 429])
    expect((await ask(routes.me(), { from: '127.0.0.14' })).status).toBe(200)
    const told = (event: string) => until('it is told', () => server.log.find(line => line['event'] === event))
    expect(await told('rate.limited')).toMatchObject({ audit: true, address: '127.0.0.13' })
    const cookie = await guest('127.0.0.15')
    const evil = { origin: 'https://evil.example', cookie }
    expect((await ask(routes.conversations(), { method: 'POST', body: '{}', headers: evil, from: '127.0.0.15' })).status).toBe(403)
    await expect(join('conversation/a', cookie, { origin: 'https://evil.example' })).rejects.toThrow('403')
    expect(await told('origin.refused')).toMatchObject({ address: '127.0.0.15' })
    expect(server.log.filter(line => line['event'] === 'rate.limited')).toHaveLength(1)
  })

  it('no ticket that stands in an address is in any log', async () => {
    await ask('/sync/conversation/a?ticket=S3CRET-TICKET')
    await until('it is written', async () => (await nginx.log()).includes('/sync/conversation/a'))
    expect(await nginx.log()).not.toContain('S3CRET')
    expect(JSON.stringify(server.log)).not.toContain('S3CRET')
  })

  it('a server that stops tells everybody in time, and the next one finds what was saved', async () => {
    const cookie = await guest('127.0.0.16')
    const name = `conversation/${newConversationId()}`
    const peers = await Promise.all(Array.from({ length: 5 }, () => join(name, cookie)))
    for (const peer of peers) say(peer.doc, 'Before the end', { to: [] })
    await Promise.all(peers.map(peer => peer.allSaved()))
    const { port } = server
    expect(await server.stop('SIGTERM')).toBe(0)
    for (const peer of peers) {
      await peer.closed()
      expect(peer.controls.some(({ kind }) => kind === 'draining')).toBe(true)
      expect(peer.closedBy).toMatchObject({ code: 1012 })
    }
    expect((await ask(routes.health())).status).toBe(502)
    server = await startServer(`${folder.path}/data`, { SKEIN_AUTH: 'accounts', SKEIN_PUBLIC_URL: origin, SKEIN_TRUSTED_PROXIES: '127.0.0.1' }, port)
    const back = await join(name, cookie)
    expect(messageTexts(back.doc)).toHaveLength(5)
    back.close()
  })
})
