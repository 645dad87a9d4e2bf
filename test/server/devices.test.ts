// A person's devices over real HTTP and sockets: one more by a link confirmed on the old one, listed, and turned away from elsewhere.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AskedDevice, Device, DeviceLink, NewDeviceLink } from '../../shared/api/device-schemas.ts'
import { routes } from '../../shared/api/routes.ts'
import { deviceLimits } from '../../shared/limits.ts'
import { AccountsServer, codeOf, json, listOf, meOf, signIn, signUp } from '../rig/accounts-server.ts'
import { messageTexts, newConversationId } from '../rig/conversation.ts'
import type { HttpBrowser } from '../rig/http-browser.ts'
import { until } from '../rig/until.ts'

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0'
const IPHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1'
let server: AccountsServer
let people = 0

beforeAll(async () => {
  server = await AccountsServer.start()
})
afterAll(() => server?.close())

const guest = (): Promise<HttpBrowser> => server.guest(FIREFOX)
const account = async (): Promise<HttpBrowser> => {
  const who = server.browser(FIREFOX)
  const email = `ann${++people}@example.org`
  await signUp(who, email)
  await json(signIn(who, email))
  return who
}
const fresh = (): HttpBrowser => server.browser(IPHONE)
const link = async (old: HttpBrowser): Promise<{ id: string, code: string }> => {
  const { id, url } = await json<NewDeviceLink>(old.post(routes.deviceLinks()))
  return { id, code: new URL(url).hash.slice(1) }
}
const stateOf = (old: HttpBrowser, id: string): Promise<DeviceLink> => json(old.get(routes.deviceLink(id)))
const ask = (device: HttpBrowser, code: string): Promise<AskedDevice> => json(device.post(routes.askForDevice(), { code }))
const add = async (old: HttpBrowser, device: HttpBrowser): Promise<void> => {
  const { id, code } = await link(old)
  const { claim } = await ask(device, code)
  expect((await old.post(routes.confirmDeviceLink(id))).status).toBe(204)
  expect(await json(device.post(routes.collectDevice(), { claim }))).toEqual({ state: 'added' })
}
const devicesOf = async (who: HttpBrowser): Promise<Device[]> => (await json<{ devices: Device[] }>(who.get(routes.devices()))).devices

describe.each([['a guest', guest], ['an account', account]])('%s', (_, person) => {
  test('adds a device: both screens show the same, and only what the old one confirms is let in', async () => {
    const [old, phone] = [await person(), fresh()]
    const { id } = await server.begin(old, 'from the old one')
    const made = await link(old)
    expect(await stateOf(old, made.id)).toEqual({ state: 'open' })
    const asked = await ask(phone, made.code)
    expect(asked).toMatchObject({ name: 'Safari on iPhone', check: expect.stringMatching(/^\d{4}$/), from: (await meOf(old)).principal.name })
    expect(await stateOf(old, made.id)).toEqual({ state: 'asked', device: { name: 'Safari on iPhone', check: asked.check } })
    expect(await json(phone.post(routes.collectDevice(), { claim: asked.claim }))).toEqual({ state: 'waiting' })
    // A server that is killed has forgotten nothing of it.
    await server.kill()
    expect((await old.post(routes.confirmDeviceLink(made.id))).status).toBe(204)
    expect(await json(phone.post(routes.collectDevice(), { claim: asked.claim }))).toEqual({ state: 'added' })
    expect(await stateOf(old, made.id)).toMatchObject({ state: 'added' })
    expect((await meOf(phone)).principal).toEqual((await meOf(old)).principal)
    expect(await listOf(phone)).toEqual([`${id} owner`])
    expect(messageTexts((await server.enter(phone, id)).doc)).toEqual(['from the old one'])
  })

  test('lists its devices, this one first, and turns one away: it is cut off at once, for good, and told why', async () => {
    const [old, phone] = [await person(), fresh()]
    await add(old, phone)
    const id = newConversationId()
    const [mine, theirs] = [await server.enter(old, id), await server.enter(phone, id)]
    const devices = await devicesOf(old)
    expect(devices.map(({ name, current }) => [name, current])).toEqual([['Firefox on Linux', true], ['Safari on iPhone', false]])
    expect((await devicesOf(phone)).map(({ name, current }) => [name, current])).toEqual([['Safari on iPhone', true], ['Firefox on Linux', false]])
    const { principal, device } = await meOf(phone)
    expect(device).toBe(devices[1]!.id)
    expect((await old.send('DELETE', routes.device(device!))).status).toBe(204)
    await until('it is cut off', () => theirs.closedBy?.code === 4401, 5000)
    expect(mine.closedBy).toBeNull()
    expect(await codeOf(phone.get(routes.conversations()))).toBe('unauthenticated')
    const cookie = phone.cookie
    await server.kill()
    const back = await meOf(phone, { user: principal.id, device })
    expect([back.before, back.principal.id === principal.id]).toEqual(['removed', false])
    const again = await server.open(cookie, id)
    expect((await again.closed()).code).toBe(4401)
    expect((await devicesOf(old)).map(({ name }) => name)).toEqual(['Firefox on Linux'])
    expect(await codeOf(old.send('DELETE', routes.device(device!)))).toBe('not-found')
  })

  test('may turn away its first device from the second', async () => {
    const [old, phone] = [await person(), fresh()]
    await add(old, phone)
    await devicesOf(old)
    const { device } = await meOf(old)
    expect((await phone.send('DELETE', routes.device(device!))).status).toBe(204)
    expect(await codeOf(old.get(routes.conversations()))).toBe('unauthenticated')
    expect((await meOf(phone)).device).not.toBe(device)
  })

  test('turns away no device of anybody else', async () => {
    const [one, other] = [await person(), await person()]
    await devicesOf(other)
    expect(await codeOf(one.send('DELETE', routes.device((await meOf(other)).device!)))).toBe('not-found')
    expect((await other.get(routes.conversations())).status).toBe(200)
  })
})

describe('a link', () => {
  test('is good for one device, once', async () => {
    const [old, phone, other] = [await guest(), fresh(), fresh()]
    const { id, code } = await link(old)
    const { claim } = await ask(phone, code)
    expect(await codeOf(other.post(routes.askForDevice(), { code }))).toBe('link-spent')
    await old.post(routes.confirmDeviceLink(id))
    const answers = await Promise.all([1, 2, 3].map(() => phone.post(routes.collectDevice(), { claim })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 410, 410])
    expect(await codeOf(old.post(routes.confirmDeviceLink(id)))).toBe('link-spent')
  })

  test('lets nobody in before it is confirmed, and not who only knows its id or its code', async () => {
    const [old, phone] = [await guest(), fresh()]
    const { id, code } = await link(old)
    expect(await codeOf(old.post(routes.confirmDeviceLink(id)))).toBe('link-spent')
    const { claim } = await ask(phone, code)
    for (const wrong of [`${id}.${code}`, `${id}.`, id, claim.slice(0, -1), '']) {
      expect(await codeOf(phone.post(routes.collectDevice(), { claim: wrong })), wrong).toBe('link-spent')
    }
    expect(await json(phone.post(routes.collectDevice(), { claim }))).toEqual({ state: 'waiting' })
    expect(phone.cookies.size).toBe(0)
  })

  test('is its maker’s: others neither see nor confirm it', async () => {
    const [old, other, phone] = [await guest(), await guest(), fresh()]
    const { id, code } = await link(old)
    await ask(phone, code)
    expect(await codeOf(other.get(routes.deviceLink(id)))).toBe('not-found')
    expect(await codeOf(other.post(routes.confirmDeviceLink(id)))).toBe('link-spent')
    expect(await codeOf(phone.post(routes.confirmDeviceLink(id)))).toBe('unauthenticated')
  })

  test('that is refused tells the device so', async () => {
    const [old, phone] = [await guest(), fresh()]
    const { id, code } = await link(old)
    const { claim } = await ask(phone, code)
    expect((await old.send('DELETE', routes.deviceLink(id))).status).toBe(204)
    expect(await json(phone.post(routes.collectDevice(), { claim }))).toEqual({ state: 'refused' })
  })

  test('is one of few of a person', async () => {
    const old = await guest()
    for (let made = 0; made < deviceLimits.openLinksPerPerson; made++) await link(old)
    expect(await codeOf(old.post(routes.deviceLinks()))).toBe('rate-limited')
  })

  test('stands in no log line and in no file in the clear', async () => {
    const [old, phone] = [await guest(), fresh()]
    const { code } = await link(old)
    const { claim } = await ask(phone, code)
    const logged = JSON.stringify(server.log)
    for (const secret of [code, claim.split('.')[1]!]) expect(logged).not.toContain(secret)
  })
})

test('what the new device had written as a guest of its own comes along', async () => {
  const [old, phone] = [await account(), await guest()]
  const { id } = await server.begin(phone, 'written before')
  const before = (await meOf(phone)).principal.id
  await add(old, phone)
  expect((await meOf(phone)).principal.aliases).toEqual([before])
  expect(await listOf(old)).toEqual([`${id} owner`])
})

test('a browser that is signed in is nobody’s new device', async () => {
  const [old, other] = [await account(), await account()]
  const { code } = await link(old)
  expect(await codeOf(other.post(routes.askForDevice(), { code }))).toBe('not-allowed')
})
