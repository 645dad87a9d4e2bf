// Keys of model providers that an admin gives to a running server, as its models use them: no restart, no key in sight afterwards.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProviderKeyList } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { parseAgentId } from '../../shared/ids.ts'
import type { AgentId } from '../../shared/ids.ts'
import { readMessages } from '../../shared/conversation/read.ts'
import { newConversationId, say, textOfMessage } from '../rig/conversation.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { ModelServer } from '../rig/model-server.ts'
import { toldBy } from '../rig/operator.ts'
import { Peer } from '../rig/peer.ts'
import { SecretWatch } from '../rig/secret-watch.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const { auth } = routes
const [claude, local] = [parseAgentId('claude')!, parseAgentId('local')!]
const PASSWORD = 'correct horse battery'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let [anthropic, compatible]: ModelServer[] = []
let server: ServerProcess
let admin: HttpBrowser
const watch = new SecretWatch()
const earlier: Record<string, unknown>[] = []
const key = (text: string): string => watch.keep(`sk-${text}-0123456789abcdef`)
const environment = () => ({ SKEIN_AUTH: 'accounts', SKEIN_MODELS: join(folder.path, 'models.json'), LOG_LEVEL: 'debug' })

const signedIn = async (email: string): Promise<HttpBrowser> => {
  const who = httpBrowser(server.url)
  await who.post(auth.signUp(), { email, password: PASSWORD, name: 'Ada' })
  expect((await who.post(auth.signIn(), { email, password: PASSWORD })).status).toBe(200)
  return who
}
const listed = async () => {
  const text = await (await admin.get(auth.providerKeys())).text()
  watch.said('the list', text)
  return (JSON.parse(text) as ProviderKeyList).keys
}
const command = (args: string[], input = ''): Promise<string> => toldBy([...args, '--data', folder.path], { input })

/** @returns what its server was shown as proof, or else what the conversation shows instead of a reply */
const ask = async (agent: AgentId, model: ModelServer): Promise<string> => {
  const peer = await Peer.join(server.syncUrl, `conversation/${newConversationId()}`, { cookie: admin.cookie })
  const before = model.exchanges.length
  say(peer.doc, 'Hello', { to: [agent] })
  const reply = () => readMessages(peer.doc).find(({ role }) => role === 'assistant')
  await until('it is asked, or not', () => model.exchanges.length > before || reply())
  if (model.exchanges.length === before) {
    const text = JSON.stringify(reply())
    peer.close()
    watch.said('a reply', text)
    return text
  }
  const exchange = await model.next()
  await exchange.token('Hi')
  await exchange.finish()
  await until('the reply is there', () => reply() && textOfMessage(reply()!) === 'Hi')
  peer.close()
  const { 'x-api-key': apiKey, authorization } = exchange.headers
  return String(apiKey ?? authorization)
}

beforeAll(async () => {
  folder = await temporaryFolder()
  ;[anthropic, compatible] = await Promise.all([startModelServer('anthropic'), startModelServer()])
  await writeFile(environment().SKEIN_MODELS, JSON.stringify([
    { id: 'claude', name: 'Claude', provider: 'anthropic', model: 'c', baseUrl: anthropic.baseURL, storedKey: 'anthropic' },
    { id: 'local', name: 'Local', provider: 'openai-compatible', model: 'l', baseUrl: compatible.baseURL },
  ]))
  server = await startServer(folder.path, environment())
  admin = await signedIn('admin@example.org')
})
afterAll(async () => {
  await server?.stop()
  await Promise.all([anthropic?.close(), compatible?.close()])
  await folder?.remove()
})

test('without a key a model that needs one says so; an endpoint that needs none is asked without', async () => {
  expect(await ask(claude, anthropic!)).toContain('The server has no key for this model. Your message is saved')
  expect(await ask(local, compatible!)).toBe('undefined')
  expect(await listed()).toEqual([{ name: 'anthropic', models: ['Claude'], stored: null }, { name: 'local', models: ['Local'], stored: null }])
})

test('an admin stores a key and the next reply uses it; it is shown to nobody again', async () => {
  expect((await admin.post(auth.providerKeys(), { name: 'anthropic', key: ` ${key('first')}\n` })).status).toBe(200)
  expect((await admin.post(auth.providerKeys(), { name: 'local', key: key('local') })).status).toBe(200)
  expect(await ask(claude, anthropic!)).toBe(key('first'))
  expect(await ask(local, compatible!)).toBe(`Bearer ${key('local')}`)
  expect(await listed()).toMatchObject([
    { name: 'anthropic', stored: { lastFour: 'cdef', setAt: expect.any(Number), readable: true } }, { name: 'local', stored: { lastFour: 'cdef' } },
  ])
})

test('the operator changes it by a command, and rotates the secret meanwhile: the server goes on without a restart', async () => {
  await command(['set-key', 'anthropic'], key('second'))
  expect(await ask(claude, anthropic!)).toBe(key('second'))
  await command(['rotate-secret', '--forget-old'])
  expect(await ask(claude, anthropic!)).toBe(key('second'))
})

test('a name that no model uses is refused, and so is what is no key; nothing of it is repeated', async () => {
  for (const wanted of [{ name: 'openai', key: key('stray') }, { name: '../secret', key: key('stray') }, { name: 'local', key: `${key('two')} ${key('words')}` }]) {
    const refused = await admin.post(auth.providerKeys(), wanted)
    watch.said('a refusal', await refused.text())
    expect(refused.status).toBe(422)
  }
})

test('to everybody else there is no such thing', async () => {
  for (const who of [await signedIn('other@example.org'), httpBrowser(server.url)]) {
    const answers = [await who.get(auth.providerKeys()), await who.post(auth.providerKeys(), { name: 'local', key: key('theirs') }), await who.send('DELETE', auth.providerKey('local'))]
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404])
  }
  expect(await ask(local, compatible!)).toBe(`Bearer ${key('local')}`)
})

test('with another secret the server starts, says what is wrong, and the model says so too', async () => {
  await server.stop()
  earlier.push(...server.log)
  server = await startServer(folder.path, { ...environment(), SKEIN_SECRET: 'another secret of thirty-two characters' })
  admin = await signedIn('admin@example.org')
  expect(server.log.find(line => line['msg'] === 'a stored key cannot be read, so its models do not answer')?.['problem']).toMatch(/^The stored key "anthropic" cannot be read\. It was sealed under a secret that this server does not have any more/)
  expect(await ask(claude, anthropic!)).toContain('The server cannot read the key that it keeps for this model. Your message is saved')
  expect(await listed()).toMatchObject([{ name: 'anthropic', stored: { lastFour: null, readable: false } }, {}])
  expect((await admin.post(auth.providerKeys(), { name: 'anthropic', key: key('third') })).status).toBe(200)
  expect(await ask(claude, anthropic!)).toBe(key('third'))
  expect((await admin.send('DELETE', auth.providerKey('anthropic'))).status).toBe(204)
  expect((await admin.send('DELETE', auth.providerKey('anthropic'))).status).toBe(404)
})

test('who did it stands in the audit trail, and no key stands anywhere', async () => {
  const lines = [...earlier, ...server.log]
  const audited = lines.filter(line => line['audit'] === true && String(line['event']).startsWith('provider-key.'))
  expect(audited.map(line => [line['event'], (line['about'] as { name: string }).name])).toEqual([
    ['provider-key.set', 'anthropic'], ['provider-key.set', 'local'], ['provider-key.set', 'anthropic'], ['provider-key.removed', 'anthropic'],
  ])
  expect(new Set(audited.map(line => line['principal'])).size).toBe(1)
  watch.expectNone(lines)
})
