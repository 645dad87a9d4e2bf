// A person's devices in a real browser: a second one by link, removed from the first; a guest with unsent messages who becomes an account;
// devices that hear that their session is over, or their person no more.

import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  addDevice, askToBeAdded, confirmDevice, converse, makeDeviceLink, menuOf, PASSWORD, removeOtherDevice, replies, shoot, signIn, signUp,
  submitSignIn
} from '../rig/app-pages.ts'
import { openDevice, shareDevices, shownMessages, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import type { TcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
})
afterAll(() => world?.close())

/** A device with a line of its own. */
interface LineDevice extends Device {
  readonly line: TcpProxy
}
const devices = shareDevices(async (): Promise<LineDevice> => {
  const line = await world.newLine()
  return { ...await openDevice(world.browser, addressOf(line)), line }
})

/** A conversation that is open on both devices of its person, a guest or an account. */
const twoDevices = async (text: string, email?: string): Promise<{ old: LineDevice, phone: LineDevice, path: string }> => {
  const [old, phone] = [await devices.take(), await devices.take()]
  await old.goto('/')
  if (email !== undefined) await signUp(old, email)
  const path = await converse(old, text)
  if (email === undefined) await addDevice(old, phone)
  else {
    await phone.goto('/')
    await signIn(phone, email)
  }
  await phone.goto(path)
  await replies(phone.page).first().waitFor()
  return { old, phone, path }
}
const writeOffline = async ({ page, line }: LineDevice, text: string): Promise<void> => {
  line.cut()
  await write(page, text)
  await page.locator('[data-testid=message][data-delivery=on-device]').waitFor()
}
const deleteAccount = async ({ page }: Device): Promise<void> => {
  await page.getByTestId('to-devices').click()
  await page.getByTestId('delete').click()
  await page.getByTestId('delete-password').fill(PASSWORD)
  await page.getByTestId('delete-confirm').click()
  await menuOf(page, 'guest').waitFor()
}

it('a second device by link: it has everything, and when it is removed its screen says so and its stores are cleared', { timeout: 90_000 }, async () => {
  const [old, phone] = [await devices.take(), await devices.take()]
  await old.goto('/')
  const path = await converse(old, 'What is in the larder?')
  await old.page.locator('[data-delivery=saved]').first().waitFor()
  const onOld = await shownMessages(old.page)
  const name = await menuOf(old.page, 'guest').locator('strong').textContent()
  await phone.goto(await makeDeviceLink(old))
  const [shown, asked] = await askToBeAdded(old, phone)
  expect([shown, asked]).toEqual([expect.stringMatching(/^\d{4}$/), shown])
  expect(await phone.page.locator('main').innerText()).toContain(`one of ${name}’s`)
  // The code is in no address any more.
  expect(phone.page.url()).not.toContain('#')
  await confirmDevice(old, phone)
  expect(await menuOf(phone.page, 'guest').locator('strong').textContent()).toBe(name)
  await phone.goto(path)
  await replies(phone.page).first().waitFor()
  expect(onOld).toHaveLength(2)
  expect(await shownMessages(phone.page)).toEqual(onOld)
  await until('it is on the phone', async () => (await placesOf(phone.page, 'larder')).length > 0)
  await old.goto('/devices')
  await until('both are listed', async () => await old.page.getByTestId('device').count() === 2)
  await removeOtherDevice(old)
  await phone.page.getByTestId('removed').waitFor()
  await until('nothing is left on the phone', async () => (await placesOf(phone.page, 'larder')).length === 0)
  await phone.page.getByTestId('removed-ok').click()
  expect(await menuOf(phone.page, 'guest').locator('strong').textContent()).not.toBe(name)
  await phone.goto(path)
  await phone.page.getByRole('heading', { name: 'This conversation is not here for you' }).waitFor()
  expect(await phone.page.content()).not.toContain('larder')
  await old.goto(path)
  await replies(old.page).first().waitFor()
  expect(await shownMessages(old.page)).toEqual(onOld)
  expect([...old.complaints, ...phone.complaints]).toEqual([])
  devices.leave(old, phone)
})

it('what a removed device had not sent stays, out of sight, until it is saved or let go', { timeout: 90_000 }, async () => {
  const { old, phone } = await twoDevices('Quincunx')
  await writeOffline(phone, 'never-sent-words')
  await removeOtherDevice(old)
  phone.line.restore()
  await phone.page.getByTestId('removed-save').waitFor({ timeout: 30_000 })
  await shoot(phone.page, 'removed-unsent')
  expect(await phone.page.content()).not.toContain('never-sent-words')
  const [file] = await Promise.all([phone.page.waitForEvent('download'), phone.page.getByTestId('removed-save').click()])
  const text = await (await file.createReadStream()).toArray()
  expect(Buffer.concat(text).toString()).toContain('never-sent-words')
  await phone.page.getByTestId('removed-clear').click()
  await until('nothing is left', async () => (await placesOf(phone.page, 'never-sent-words')).length === 0)
  expect(await placesOf(phone.page, 'Quincunx')).toEqual([])
  expect([...old.complaints, ...phone.complaints]).toEqual([])
  devices.leave(old, phone)
})

it('a device that is removed while nothing is open on it but the list says so, too', { timeout: 60_000 }, async () => {
  const [old, phone] = [await devices.take(), await devices.take()]
  await old.goto('/')
  await converse(old, 'Nobody reads this')
  await addDevice(old, phone)
  await phone.page.getByTestId('conversation-item').getByText('Nobody reads this').first().waitFor()
  await removeOtherDevice(old)
  await phone.page.getByTestId('removed').waitFor()
  await until('nothing is left on the phone', async () => (await placesOf(phone.page, 'Nobody reads this')).length === 0)
  expect(await phone.page.getByTestId('conversation-item').count()).toBe(0)
  await phone.page.getByTestId('removed-ok').click()
  await menuOf(phone.page, 'guest').waitFor()
  devices.leave(old, phone)
})

it('another device of a guest who has an account now says so, keeps what it has, and brings it along', { timeout: 90_000 }, async () => {
  const { old, phone, path } = await twoDevices('Marmalade')
  await writeOffline(phone, 'spread offline')
  await old.goto('/')
  await signUp(old, 'guest-no-more@example.org', 'Grace')
  phone.line.restore()
  await phone.page.getByTestId('removed').waitFor({ timeout: 30_000 })
  expect(await phone.page.getByRole('heading', { name: 'You have an account now' }).count()).toBe(1)
  expect(await phone.page.getByTestId('removed').innerText()).toMatch(/who wrote here as a guest, has an account now/)
  await shoot(phone.page, 'became')
  expect((await placesOf(phone.page, 'spread offline')).length).toBeGreaterThan(0)
  await phone.page.locator('main').getByRole('link', { name: 'Sign in' }).click()
  await submitSignIn(phone, 'guest-no-more@example.org')
  await phone.goto(path)
  await phone.page.locator('[data-testid=message].own[data-delivery=saved]').nth(1).waitFor()
  await old.goto(path)
  await until('it reached the other device', async () => (await shownMessages(old.page)).includes('spread offline'))
  expect([...old.complaints, ...phone.complaints]).toEqual([])
})

it('a guest with messages that were not sent becomes an account: they are there under it, and sent once', { timeout: 90_000 }, async () => {
  const device = await devices.take()
  const { page } = device
  await device.goto('/')
  const path = await converse(device, 'Said as a guest')
  const id = path.slice('/c/'.length)
  // Only sockets are cut: the sign-up reaches the server, what was written does not.
  await page.routeWebSocket(/\/sync\//, socket => socket.close())
  await page.reload()
  await replies(page).first().waitFor()
  await write(page, 'Written while cut off')
  await until('it is on the device', async () => (await placesOf(page, 'Written while cut off')).length > 0)
  await page.getByTestId('composer').fill('half a thought')
  await signUp(device, 'ada@example.org')
  await device.goto(path)
  await until('both are shown as one’s own', async () => (await shownMessages(page)).includes('Written while cut off'))
  expect(await page.getByTestId('composer').inputValue()).toBe('half a thought')
  // Another page of the same browser, whose sockets work: what waited goes out by it.
  const other = await device.context.newPage()
  await page.close()
  await other.goto(addressOf(device.line) + path)
  await until('it is sent', async () => {
    const { messages } = await (await device.context.request.get(`${world.server.url}/api/conversations/${id}/messages`)).json() as {
      messages: { role: string, parts: { text?: string }[] }[]
    }
    const said = messages.filter(({ role }) => role === 'user').map(({ parts }) => parts[0]?.text)
    expect(new Set(said).size).toBe(said.length)
    return said.length === 2 && said.includes('Written while cut off')
  })
  expect(await other.locator('[data-testid=message].own').count()).toBe(2)
  expect((await other.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name!)))
    .filter(name => /^skein:guest-[0-9a-f]+$/.test(name))).toEqual([])
})

it('deleting the account needs its password, and leaves nothing of it, here or on the server', { timeout: 90_000 }, async () => {
  const device = await devices.take()
  const { page } = device
  await device.goto('/')
  await signUp(device, 'leaving@example.org', 'Leah')
  const path = await converse(device, 'Forget this kumquat')
  await until('it is on the device', async () => (await placesOf(page, 'kumquat')).length > 0)
  await page.getByTestId('to-devices').click()
  await page.getByTestId('delete').click()
  await page.getByTestId('delete-password').fill('not the password')
  await page.getByTestId('delete-confirm').click()
  await page.getByTestId('delete-confirm-problem').waitFor()
  expect(await page.getByTestId('delete-confirm-problem').textContent()).toMatch(/password is not right, so nothing was deleted/)
  await shoot(page, 'delete-account')
  // Whoever changes their mind has everything still.
  await page.getByRole('button', { name: 'Keep everything' }).click()
  expect(await page.getByTestId('delete-password').count()).toBe(0)
  await menuOf(page, 'user').waitFor()
  await deleteAccount(device)
  await until('the page is the first one', () => new URL(page.url()).pathname === '/')
  await until('nothing is left on the device', async () => (await placesOf(page, 'kumquat')).length === 0)
  expect(await page.content()).not.toContain('kumquat')
  expect(await page.getByTestId('ended-banner').count() + await page.getByTestId('removed').count()).toBe(0)
  const { status } = await page.evaluate(async url => ({ status: (await fetch(url)).status }), `/api/conversations/${path.slice('/c/'.length)}/messages`)
  expect(status).toBe(404)
  await page.getByTestId('to-sign-in').click()
  await page.getByTestId('email').fill('leaving@example.org')
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-in').click()
  await page.getByTestId('sign-in-problem').waitFor()
  expect(device.complaints).toEqual([])
  devices.leave(device)
})

it('another device of an account that was deleted says so, and keeps nothing of it but what was never sent', { timeout: 90_000 }, async () => {
  const { old, phone } = await twoDevices('Persimmons', 'deleted@example.org')
  await writeOffline(phone, 'never-sent-either')
  const desk = await devices.take()
  await desk.goto('/')
  await signIn(desk, 'deleted@example.org')
  await desk.page.getByTestId('conversation-item').getByText('Persimmons').first().waitFor()
  await deleteAccount(old)
  phone.line.restore()
  for (const { page } of [desk, phone]) {
    await page.getByRole('heading', { name: 'This account was deleted' }).waitFor({ timeout: 30_000 })
    expect(await page.content()).not.toContain('Persimmons')
    expect(await page.getByTestId('ended-banner').count()).toBe(0)
  }
  await until('nothing is left where all was sent', async () => (await placesOf(desk.page, 'Persimmons')).length === 0)
  await shoot(desk.page, 'account-deleted')
  await desk.page.getByTestId('removed-ok').click()
  await phone.page.reload()
  expect(await phone.page.getByTestId('removed').innerText()).toMatch(/What Ada had on this server was deleted.*one text that no server has/s)
  await shoot(phone.page, 'account-deleted-unsent')
  await phone.page.getByTestId('removed-clear').click()
  await until('nothing is left', async () => (await placesOf(phone.page, 'never-sent-either')).length === 0)
  await menuOf(phone.page, 'guest').waitFor()
  expect([...old.complaints, ...phone.complaints, ...desk.complaints]).toEqual([])
  devices.leave(old, phone, desk)
})

it('a device whose session is over says so until that is dealt with: what it keeps is theirs again after a sign-in, or is removed', { timeout: 90_000 }, async () => {
  const { old, phone, path } = await twoDevices('Medlars', 'ended@example.org')
  const { page } = phone
  const changePassword = async (current: string, next: string): Promise<void> => {
    await old.goto('/account')
    await old.page.getByTestId('current-password').fill(current)
    await old.page.getByTestId('new-password').fill(next)
    await old.page.getByTestId('change-password').click()
    await old.page.getByTestId('change-password-done').waitFor()
    await page.getByRole('heading', { name: 'You are not signed in here any more' }).waitFor()
    expect(await page.content()).not.toContain('Medlars')
  }
  await page.getByTestId('composer').fill('half a thought')
  await changePassword(PASSWORD, 'another long password')
  await page.reload()
  await until('it is said still', async () =>
    /session of Ada on this device is over.*out of sight.*one text that no server has/s.test(await page.getByTestId('removed').innerText()))
  await shoot(page, 'session-over')
  expect((await placesOf(page, 'Medlars')).length).toBeGreaterThan(0)
  await page.locator('main').getByRole('link', { name: 'Sign in' }).click()
  await page.getByTestId('email').fill('ended@example.org')
  await page.getByTestId('password').fill('another long password')
  await page.getByTestId('sign-in').click()
  await menuOf(page, 'user').waitFor()
  expect(await page.getByTestId('removed').count()).toBe(0)
  await phone.goto(path)
  await replies(page).first().waitFor()
  expect(await page.getByTestId('composer').inputValue()).toBe('half a thought')

  await changePassword('another long password', PASSWORD)
  await page.getByRole('button', { name: 'Remove it from this device' }).click()
  await page.getByRole('button', { name: 'Lose one text for good?' }).click()
  await until('nothing is left', async () => (await placesOf(page, 'Medlars')).length + (await placesOf(page, 'half a thought')).length === 0)
  await page.reload()
  await menuOf(page, 'guest').waitFor()
  expect(await page.getByTestId('removed').count()).toBe(0)
  expect([...old.complaints, ...phone.complaints]).toEqual([])
})
