// Accounts in a real browser: in, out, and in again, by password and by passkey; what stays on the device; what other tabs show.

import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { converse, menuOf, openSignOut, overflow, PASSWORD, photograph, plugInAuthenticator, replies, shoot, signIn, signUp } from '../rig/app-pages.ts'
import { openDevice, shareDevices, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { openOnScreen, screens } from '../rig/screens.ts'
import type { TcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
})
afterAll(() => world?.close())

/** Passkeys are for names, not for addresses. */
const localhost = ({ port }: { port: number }): string => `http://localhost:${port}`

/** A device with a line of its own. */
interface LineDevice extends Device {
  readonly line: TcpProxy
}
const devices = shareDevices(async (): Promise<LineDevice> => {
  const line = await world.newLine()
  return { ...await openDevice(world.browser, localhost(line)), line }
})
const signOutAndLeave = async (device: LineDevice): Promise<void> => {
  await openSignOut(device)
  await device.page.getByTestId('sign-out-now').click()
  await menuOf(device.page, 'guest').waitFor()
  devices.leave(device)
}

it('up, out and in again: what was said is gone from the device, and there again after the sign-in', { timeout: 90_000 }, async () => {
  const device = await devices.take()
  const { page } = device
  await device.goto('/')
  await menuOf(page, 'guest').waitFor()
  await signUp(device, 'ada@example.org')
  await converse(device, 'a word about herons')
  await openSignOut(device)
  await page.getByTestId('sign-out-now').click()
  await menuOf(page, 'guest').waitFor()
  await until('nothing of it is left on the device', async () => (await placesOf(page, 'herons')).length === 0)
  expect(await page.getByText('herons').count()).toBe(0)
  // Another one on the same browser sees nothing either.
  await signUp(device, 'bob@example.org', 'Bob')
  expect(await page.getByText('herons').count()).toBe(0)
  await openSignOut(device)
  await page.getByTestId('sign-out-now').click()
  await menuOf(page, 'guest').waitFor()

  await page.getByTestId('to-sign-in').click()
  await page.getByTestId('email').fill('ada@example.org')
  await page.getByTestId('password').fill('not the password')
  await page.getByTestId('sign-in').click()
  await page.getByTestId('sign-in-problem').waitFor()
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-in').click()
  await menuOf(page, 'user').waitFor()
  await page.locator('nav').getByText('a word about herons').first().waitFor()
  expect(device.complaints).toEqual([])
  await signOutAndLeave(device)
})

it('unsent work is told of at the sign-out: it can be waited for and saved, and nothing is lost while offline', { timeout: 120_000 }, async () => {
  const device = await devices.take()
  const { page } = device
  await device.goto('/')
  await signUp(device, 'unsent@example.org')
  const path = await converse(device, 'sent before')
  await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  device.line.cut()
  await page.getByTestId('offline-banner').waitFor()
  await write(page, 'written offline')
  await page.locator('[data-testid=message][data-delivery=on-device]').first().waitFor()
  await page.getByTestId('composer').fill('a begun thought')
  // Away from the conversation: what waits is sent in the background.
  await page.locator('nav a.name').click()
  await openSignOut(device)
  const count = page.getByTestId('unsent-count')
  await until('both texts are counted', async () => (await count.textContent())?.includes('2 texts'))
  await shoot(page, 'sign-out-unsent')
  // Nothing is discarded without being asked; and without the server nobody is signed out, and nothing is removed.
  const now = page.getByTestId('sign-out-now')
  expect(await now.textContent()).toContain('Discard and sign out')
  await now.click()
  await now.getByText('Lose it for good?').waitFor()
  await page.getByTestId('keep-device').focus()
  await now.getByText('Discard and sign out').waitFor()
  await now.click()
  await now.click()
  await page.getByTestId('sign-out-problem').waitFor()
  const save = async (): Promise<string> => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save-unsent').click()])
    return readFile(await download.path(), 'utf8')
  }
  const all = await save()
  for (const text of ['a begun thought', 'written offline']) expect(all).toContain(text)
  await page.getByTestId('wait-unsent').click()
  await page.getByTestId('unsent-count').getByText('Sending…').waitFor()
  device.line.restore()
  await until('what waited is sent', async () => (await count.textContent())?.includes('1 text '), 60_000)
  await page.getByTestId('unsent-sent').waitFor()
  const saved = await save()
  expect(saved).toContain('a begun thought')
  expect(saved).not.toContain('written offline')
  const there = await page.evaluate(async url => (await fetch(url)).text(), `/api/conversations/${path.split('/').at(-1)}/messages`)
  expect(there).toContain('written offline')
  // It is saved: no question.
  await now.click()
  await menuOf(page, 'guest').waitFor()
  await until('nothing of it is left on the device', async () => (await placesOf(page, 'begun thought')).length === 0)
  expect(device.complaints).toEqual([])
  devices.leave(device)
})

it('sign-in, sign-out and a session that is ended elsewhere reach every tab', { timeout: 120_000 }, async () => {
  const device = await devices.take()
  const other = await device.context.newPage()
  await device.goto('/')
  await other.goto(localhost(device.line))
  await menuOf(other, 'guest').waitFor()
  // A tab behind another one draws one frame a second, and each press waits for two.
  await device.page.bringToFront()
  await signUp(device, 'tabs@example.org')
  await menuOf(other, 'user').waitFor()
  const path = await converse(device, 'seen in two tabs')
  await other.goto(localhost(device.line) + path)
  await replies(other).first().waitFor()
  await openSignOut(device)
  await device.page.getByTestId('keep-device').click()
  await device.page.getByTestId('sign-out-now').click()
  await menuOf(device.page, 'guest').waitFor()
  await menuOf(other, 'guest').waitFor()
  expect(await other.getByText('seen in two tabs').count()).toBe(0)
  expect(await other.getByTestId('ended-banner').textContent()).toMatch(/Ada is not signed in here any more\. What was not sent is kept on this device/)
  await signIn(device, 'tabs@example.org')
  await menuOf(other, 'user').waitFor()
  await other.getByTestId('message').first().waitFor()

  const phone = await devices.take()
  await phone.goto('/')
  await signIn(phone, 'tabs@example.org')
  await menuOf(phone.page, 'user').locator('a[href="/account"]').click()
  const ends = phone.page.getByTestId('sessions').locator('button')
  await ends.first().click()
  await ends.first().click()
  for (const page of [other, device.page]) {
    await menuOf(page, 'guest').waitFor()
    await page.getByTestId('removed').waitFor()
  }
  await device.context.close()
  await signOutAndLeave(phone)
})

it('another account on the same browser finds nothing of the one before, whether that stays on the device or not', { timeout: 90_000 }, async () => {
  const device = await devices.take()
  const { page, line } = device
  const other = await device.context.newPage()
  await page.bringToFront()
  await device.goto('/')
  await signUp(device, 'first@example.org', 'First')
  const path = await converse(device, 'a secret about otters')
  await page.getByTestId('composer').fill('more otters')
  await until('it is kept', async () => (await placesOf(page, 'otters')).length > 0)
  const { principal: { id } } = await page.evaluate(async () => (await fetch('/api/me')).json() as Promise<{ principal: { id: string } }>)
  const leave = async (how: 'keep' | 'clear'): Promise<void> => {
    await openSignOut(device)
    await page.getByTestId(`${how}-device`).check()
    await page.getByTestId('sign-out-now').click()
    if (how === 'clear') await page.getByTestId('sign-out-now').click()
    await menuOf(page, 'guest').waitFor()
  }
  /** In the list, at the address, in the stores that are read for them, and without a network. */
  const expectNothing = async (): Promise<void> => {
    expect(await page.content()).not.toContain('otters')
    await device.goto(path)
    await page.getByRole('heading', { name: 'This conversation is not here for you' }).waitFor()
    expect(await page.content()).not.toContain('otters')
    line.cut()
    await page.reload()
    await page.getByRole('heading', { name: 'This conversation is not on this device' }).waitFor()
    expect(await page.content()).not.toContain('otters')
    line.restore()
    await device.goto('/')
  }
  await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  // A new chat of the one before, in which nothing is written yet, is not the next one's.
  await page.getByTestId('new-chat').first().click()
  const begun = new URL(page.url()).pathname
  await leave('keep')
  await signUp(device, 'second@example.org', 'Second')
  await page.getByTestId('new-chat').first().click()
  expect(new URL(page.url()).pathname).not.toBe(begun)
  await expectNothing()
  expect((await placesOf(page, 'otters')).filter(place => !place.includes(id))).toEqual([])
  await leave('keep')
  await signIn(device, 'first@example.org')
  await page.getByTestId('conversation-item').getByText('a secret about otters').first().waitFor()

  // And where it is to be removed, the other tabs do not say that it was kept.
  await other.goto(localhost(line))
  await menuOf(other, 'user').waitFor()
  await page.bringToFront()
  await leave('clear')
  await menuOf(other, 'guest').waitFor()
  expect(await other.getByTestId('ended-banner').count()).toBe(0)
  await until('nothing names them', async () => (await placesOf(page, 'otters')).length + (await placesOf(page, id)).length === 0)
  expect(await page.evaluate(async wanted => (await indexedDB.databases()).filter(({ name }) => name?.includes(wanted)), id)).toEqual([])
  await signUp(device, 'third@example.org', 'Third')
  await expectNothing()
  expect(device.complaints).toEqual([])
  await other.close()
  await signOutAndLeave(device)
})

it('the keyboard goes back to where it was when a dialog closes', { timeout: 60_000 }, async () => {
  const device = await devices.take()
  const { page } = device
  await device.goto('/')
  await signUp(device, 'keys@example.org', 'Kay')
  await converse(device, 'Said with the keyboard')
  const focused = () => page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset['testid'] ?? document.activeElement?.tagName)
  const ring = () => page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
  for (const [button, dialog] of [['share', 'people-dialog'], ['sign-out', 'sign-out-dialog']] as const) {
    for (const close of ['Escape', 'button']) {
      await page.getByTestId(button).focus()
      await page.keyboard.press('Enter')
      await page.getByTestId(dialog).waitFor()
      expect(await page.evaluate(wanted => document.activeElement?.closest('dialog')?.dataset['testid'] === wanted, dialog)).toBe(true)
      if (close === 'button') await page.getByTestId(dialog).getByRole('button', { name: /^(Close|Stay signed in)$/ }).press('Enter')
      else await page.keyboard.press(close)
      await page.getByTestId(dialog).waitFor({ state: 'detached' })
      expect([button, close, await focused(), await ring()]).toEqual([button, close, button, 'solid'])
    }
  }
  await signOutAndLeave(device)
})

it('a passkey is added and signs in', { timeout: 90_000 }, async () => {
  const device = await devices.take()
  const { page } = device
  const answersPrompts = await plugInAuthenticator(device)
  await device.goto('/')
  await signUp(device, 'key@example.org', 'Kim')
  await menuOf(page, 'user').locator('a[href="/account"]').click()
  await page.getByTestId('passkey-name').fill('This laptop')
  // Nobody answers the prompt: who has had enough can go on, and try again.
  await answersPrompts(false)
  await page.getByTestId('add-passkey').click()
  await page.getByTestId('add-passkey-cancel').click()
  await page.getByTestId('add-passkey-problem').getByText('You cancelled it.').waitFor()
  await answersPrompts(true)
  await page.getByTestId('add-passkey').click()
  await page.getByTestId('passkeys').locator('strong').getByText('This laptop').waitFor()
  await page.getByTestId('sign-out').first().click()
  await page.getByTestId('sign-out-now').click()
  await page.getByTestId('to-sign-in').click()
  await page.getByTestId('passkey-sign-in').click()
  await menuOf(page, 'user').getByText('Kim').waitFor()
  expect(device.complaints).toEqual([])
  await device.context.close()
})

it.each(screens.filter(({ name }) => name === 'desktop' || name === 'phone-small-dark'))('the pages of accounts fit the screen: $name', { timeout: 60_000 }, async screen => {
  const { name } = screen
  const device = await openOnScreen(world.browser, localhost(world.server), screen)
  const { page } = device
  await device.goto('/')
  await menuOf(page, 'guest').waitFor()
  await photograph(page, `accounts-${name}-guest`)
  for (const path of ['/sign-in', '/sign-up', '/forgot', '/reset', '/confirm']) {
    await device.goto(path)
    await page.getByRole('heading').first().waitFor()
    expect(await overflow(page)).toBe(0)
    await photograph(page, `accounts-${name}${path.replace('/', '-')}`)
  }
  await device.goto('/')
  await signUp(device, `${name}@example.org`, 'A rather long name that has to fit somewhere')
  await photograph(page, `accounts-${name}-home`)
  await menuOf(page, 'user').locator('a[href="/account"]').click()
  await page.getByTestId('sessions').waitFor()
  expect(await overflow(page)).toBe(0)
  await photograph(page, `accounts-${name}-account`)
  await device.goto('/')
  await openSignOut(device)
  await photograph(page, `accounts-${name}-sign-out`)
  expect(device.complaints).toEqual([])
  await device.context.close()
})
