/** A server that speaks https itself: pages, sockets, and a renewal while somebody is connected. */
import { request } from 'node:https'
import { connect } from 'node:tls'
import { afterEach, expect, it } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { makeCertificate, replaceCertificate } from '../rig/certificate.ts'
import { newConversationId, say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'
import { runServer, startServer, temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const ended: (() => unknown)[] = []

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end()
})

interface Answer {
  status: number
  headers: Record<string, unknown>
  text: string
}

/** @param body of a POST; left out: a GET */
const send = (port: number, path: string, own: Record<string, string>, body?: object): Promise<Answer> => new Promise((resolve, reject) => {
  const more = body ? { 'content-type': 'application/json', 'origin': `https://127.0.0.1:${port}` } : {}
  const [method, headers] = [body ? 'POST' : 'GET', { ...more, ...own }]
  request({ port, host: '127.0.0.1', path, rejectUnauthorized: false, method, headers }, response => {
    let text = ''
    response.on('data', chunk => { text += String(chunk) })
    response.once('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
  }).once('error', reject).end(body && JSON.stringify(body))
})
const get = (port: number, path: string): Promise<Answer> => send(port, path, {})

/** Whom the certificate is for that a newcomer is shown. */
const shownTo = (port: number): Promise<unknown> => new Promise((resolve, reject) => {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
    resolve(socket.getPeerCertificate().subject.CN)
    socket.destroy()
  })
  socket.once('error', reject)
})

it('serves pages and sockets, takes a renewed certificate without a restart, and whoever is connected notices nothing', async () => {
  const folder = await temporaryFolder()
  ended.push(folder.remove)
  const [files, renewed] = [await makeCertificate(folder.path, 'first'), await makeCertificate(folder.path, 'second')]
  const server = await startServer(`${folder.path}/data`, {
    SKEIN_AUTH: 'accounts', SKEIN_TLS_CERT: files.cert, SKEIN_TLS_KEY: files.key, SKEIN_PUBLIC_URL: 'https://localhost:4400',
  })
  ended.push(() => server.stop())
  const me = await get(server.port, routes.me())
  expect(me.status).toBe(200)
  expect(me.headers['strict-transport-security']).toBe('max-age=31536000')
  const cookie = String(me.headers['set-cookie']).split(';')[0]!
  expect(String(me.headers['set-cookie'])).toContain('; Secure')
  const peer = await Peer.join(`wss://127.0.0.1:${server.port}/sync`, `conversation/${newConversationId()}`, { cookie, rejectUnauthorized: false })
  ended.push(() => peer.close())
  say(peer.doc, 'Hello', { to: [] })
  await peer.allSaved()
  expect(await shownTo(server.port)).toBe('first')

  await replaceCertificate(files, renewed)
  process.kill(server.pid, 'SIGHUP')
  await until('newcomers see the new one', async () => await shownTo(server.port) === 'second')
  const told = await until('it is told', () => server.log.find(line => line['event'] === 'certificate.loaded'))
  expect(told).toMatchObject({ audit: true, outcome: 'done' })
  say(peer.doc, 'Still here', { to: [] })
  await peer.allSaved()
  expect(peer.closedBy).toBeNull()
})

it('gives out cookies that no other host can plant, and takes no others', async () => {
  const folder = await temporaryFolder()
  ended.push(folder.remove)
  const { cert, key } = await makeCertificate(folder.path, 'only')
  const server = await startServer(`${folder.path}/data`, { SKEIN_AUTH: 'accounts', SKEIN_TLS_CERT: cert, SKEIN_TLS_KEY: key })
  ended.push(() => server.stop())
  const ask = async (path: string, cookies: readonly string[], body?: object) => {
    const answer = await send(server.port, path, { ...cookies.length > 0 && { cookie: cookies.join('; ') } }, body)
    expect(answer.status).toBeLessThan(300)
    const lines = [answer.headers['set-cookie'] ?? []].flat() as string[]
    for (const line of lines) {
      const [pair, ...attributes] = line.split('; ')
      expect(pair).toMatch(/^__Host-skein[._][a-z]+=/)
      expect(attributes.filter(each => !/^max-age=/i.test(each)).sort()).toEqual(['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure'])
    }
    return { given: lines.filter(line => !/max-age=0/i.test(line)).map(line => line.split(';')[0]!), text: answer.text }
  }
  const idOf = ({ text }: { text: string }): string => (JSON.parse(text) as { principal: { id: string } }).principal.id
  const guest = await ask(routes.me(), [])
  const person = { email: 'ada@example.org', password: 'correct horse battery' }
  await ask(routes.auth.signUp(), guest.given, { ...person, name: 'Ada' })
  const { given } = await ask(routes.auth.signIn(), [], person)
  const account = await ask(routes.me(), given)
  expect(idOf(await ask(routes.me(), guest.given))).toBe(idOf(guest))
  for (const [own, cookies] of [[guest, guest.given], [account, given]] as const) {
    expect(idOf(await ask(routes.me(), cookies.map(pair => pair.slice('__Host-'.length))))).not.toBe(idOf(own))
  }
})

it('does not start with a certificate that cannot be used, and changes nothing', async () => {
  const folder = await temporaryFolder()
  ended.push(folder.remove)
  const { cert } = await makeCertificate(folder.path, 'first')
  const { key } = await makeCertificate(folder.path, 'second')
  const { code, stderr } = await runServer({ PORT: '0', SKEIN_DATA: `${folder.path}/data`, SKEIN_TLS_CERT: cert, SKEIN_TLS_KEY: key })
  expect(code).toBe(1)
  expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(/second\.key is not that of the certificate in .*first\.crt/)])
})
