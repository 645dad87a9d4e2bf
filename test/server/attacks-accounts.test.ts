/**
 * Attacks on who somebody is: becoming an account, or keeping hold of one, by way of what is given out for less. Each by somebody who has
 * something of the victim's, such as a token for reading or a device that was turned away.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AskedDevice, NewDeviceLink } from '../../shared/api/device-schemas.ts'
import { LINK_PREFIX, routes } from '../../shared/api/routes.ts'
import type { Me } from '../../shared/api/schemas.ts'
import type { IssuedToken } from '../../shared/api/token-schemas.ts'
import { newConversationId } from '../rig/conversation.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'

const PASSWORD = 'correct horse battery'
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let server: ServerProcess
let people = 0

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
})
afterAll(async () => {
  await server?.stop()
  await folder?.remove()
})

const json = async <T>(answer: Promise<Response>): Promise<T> => {
  const response = await answer
  expect(response.status, await response.clone().text()).toBeLessThan(300)
  return await response.json() as T
}
const codeOf = async (answer: Promise<Response>): Promise<string> => ((await (await answer).json()) as { code: string }).code
const browser = (): HttpBrowser => httpBrowser(server.url)
const guest = async (): Promise<HttpBrowser> => {
  const who = browser()
  await who.me()
  return who
}
const signIn = (who: HttpBrowser, email: string): Promise<Response> => who.post(routes.auth.signIn(), { email, password: PASSWORD })
const account = async (who = browser()): Promise<HttpBrowser & { email: string }> => {
  const email = `ann${++people}@example.org`
  await json(who.post(routes.auth.signUp(), { email, password: PASSWORD, name: 'Ann' }))
  await json(signIn(who, email))
  return Object.assign(who, { email })
}
const makeToken = async (who: HttpBrowser, scopes: object = {}): Promise<string> =>
  (await json<IssuedToken>(who.post(routes.tokens(), { name: 'bot', scopes: { read: true, ...scopes } }))).secret
const listOf = async (who: HttpBrowser): Promise<string[]> =>
  (await json<{ conversations: { id: string }[] }>(who.get(routes.conversations()))).conversations.map(({ id }) => id)
/** By a bearer and no cookie. */
const bear = (secret: string, method: string, path: string, body?: unknown): Promise<Response> => fetch(server.url + path, {
  method, headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' }, ...body !== undefined && { body: JSON.stringify(body) },
})
const link = async (old: HttpBrowser): Promise<{ id: string, code: string }> => {
  const { id, url } = await json<NewDeviceLink>(old.post(routes.deviceLinks()))
  return { id, code: new URL(url).hash.slice(1) }
}
/** A link that the person's device has confirmed: all that is missing is that the new one collects. */
const confirmed = async (old: HttpBrowser): Promise<string> => {
  const { id, code } = await link(old)
  const { claim } = await json<AskedDevice>(browser().post(routes.askForDevice(), { code }))
  expect((await old.post(routes.confirmDeviceLink(id))).status).toBe(204)
  return claim
}

describe('who has something of a person\'s does not make the person their alias:', () => {
  const ownConversation = async (who: HttpBrowser): Promise<string> =>
    (await json<{ id: string }>(who.post(routes.conversations(), { id: newConversationId() }))).id

  test.each([['an account', account], ['a guest', guest]])('a token for reading, of %s, shown where a device is added', async (_, person) => {
    const [victim, mallory] = [await person(), await account()]
    const id = await ownConversation(victim)
    const token = await makeToken(victim, { documents: [`conversation/${id}`] })
    expect(await codeOf(bear(token, 'POST', routes.askForDevice(), { code: (await link(mallory)).code }))).toBe('not-allowed')
    expect(await codeOf(bear(token, 'POST', routes.collectDevice(), { claim: await confirmed(mallory) }))).toBe('not-allowed')
    expect([await listOf(victim), await listOf(mallory)]).toEqual([[id], []])
  })

  test('a share link, shown where a device is added', async () => {
    const [victim, mallory] = [await account(), await account()]
    const id = await ownConversation(victim)
    const { secret } = await json<{ secret: string }>(victim.post(routes.shareLinks(id), {}))
    expect(await codeOf(bear(LINK_PREFIX + secret, 'POST', routes.collectDevice(), { claim: await confirmed(mallory) }))).toBe('not-allowed')
    expect((await json<Me>(mallory.get(routes.me()))).principal.aliases).toBeUndefined()
  })
})

describe('a link for a device that was confirmed adds none', () => {
  const collect = (claim: string, device = browser()): Promise<string> => codeOf(device.post(routes.collectDevice(), { claim }))

  test('when the device that confirmed it was signed out', async () => {
    const [stolen, own] = [await account(), browser()]
    const claim = await confirmed(stolen)
    await signIn(own, stolen.email)
    const { device } = await json<Me>(stolen.get(routes.me()))
    expect((await own.send('DELETE', routes.device(device!))).status).toBe(204)
    expect(await collect(claim)).toBe('link-spent')
  })

  test('when the password was changed', async () => {
    const [stolen, own] = [await account(), browser()]
    const claim = await confirmed(stolen)
    await signIn(own, stolen.email)
    await json(own.post(routes.auth.password(), { current: PASSWORD, password: 'another long one' }))
    expect(await collect(claim)).toBe('link-spent')
  })

  test('when a guest has turned the device away that confirmed it', async () => {
    const [own, stolen] = [await guest(), browser()]
    const claim = await confirmed(own)
    await json(stolen.post(routes.collectDevice(), { claim }))
    const next = await confirmed(stolen)
    expect((await own.send('DELETE', routes.device((await json<Me>(stolen.get(routes.me()))).device!))).status).toBe(204)
    expect(await collect(next)).toBe('link-spent')
  })

  test('when the guest has become an account meanwhile; and who collects stays who they are', async () => {
    const [own, other] = [await guest(), await guest()]
    const claim = await confirmed(own)
    await account(own)
    const before = await other.me()
    expect(await collect(claim, other)).toBe('link-spent')
    expect(await other.me()).toEqual(before)
    expect((await json<Me>(own.get(routes.me()))).principal.aliases).toHaveLength(1)
  })
})
