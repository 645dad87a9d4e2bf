// Accounts in a real browser: in, out, and in again, by password and by passkey; what stays on the device; what other tabs show.

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDevice, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

const PASSWORD = 'correct horse battery'
const pictures = process.env['SKEIN_SCREENSHOTS']

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
  if (pictures) await mkdir(pictures, { recursive: true })
})
afterAll(() => world?.close())

/** Passkeys are for names, not for addresses. */
const localhost = (): string => `http://localhost:${world.server.port}`

const menuOf = (page: Page, kind: 'guest' | 'user') => page.locator(`[data-testid=account-menu][data-kind=${kind}]`)
const replies = (page: Page) => page.locator('[data-testid=message][data-role=assistant]')
const shoot = async (page: Page, name: string): Promise<void> => {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) })
}

const signUp = async ({ page }: Device, email: string, name = 'Ada'): Promise<void> => {
  await page.getByTestId('to-sign-up').click()
  await page.getByTestId('name').fill(name)
  await page.getByTestId('email').fill(email)
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-up').click()
  await menuOf(page, 'user').waitFor()
}
const signIn = async ({ page }: Device, email: string): Promise<void> => {
  await page.getByTestId('to-sign-in').click()
  await page.getByTestId('email').fill(email)
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-in').click()
  await menuOf(page, 'user').waitFor()
}
const converse = async ({ page }: Device, text: string): Promise<string> => {
  await page.getByTestId('new-chat').first().click()
  await write(page, text)
  await replies(page).first().waitFor()
  return new URL(page.url()).pathname
}
const openSignOut = async ({ page }: Device): Promise<void> => {
  await page.getByTestId('sign-out').first().click()
  await page.getByTestId('sign-out-dialog').waitFor()
}

it('up, out and in again: what was said is gone from the device, and there again after the sign-in', { timeout: 90_000 }, async () => {
  const device = await openDevice(world.browser, world.server.url)
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
  await device.context.close()
})

it('a passkey is added and signs in', { timeout: 90_000 }, async () => {
  const device = await openDevice(world.browser, localhost())
  const { page } = device
  const cdp = await device.context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  await device.goto('/')
  await signUp(device, 'key@example.org', 'Kim')
  await menuOf(page, 'user').locator('a[href="/account"]').click()
  await page.getByTestId('passkey-name').fill('This laptop')
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

it('unsent work is told of at the sign-out: it can be waited for and saved, and nothing is lost while offline', { timeout: 120_000 }, async () => {
  const device = await openDevice(world.browser, addressOf(world.line), { acceptDownloads: true })
  const { page } = device
  await device.goto('/')
  await signUp(device, 'unsent@example.org')
  const path = await converse(device, 'sent before')
  await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  world.line.cut()
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
  // Without the server nobody is signed out, and nothing is removed.
  await page.getByTestId('sign-out-now').click()
  await page.getByTestId('sign-out-problem').waitFor()
  await page.getByTestId('wait-unsent').click()
  world.line.restore()
  await until('what waited is sent', async () => (await count.textContent())?.includes('1 text '), 60_000)
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('save-unsent').click()])
  const saved = await readFile(await download.path(), 'utf8')
  expect(saved).toContain('a begun thought')
  expect(saved).not.toContain('written offline')
  const there = await page.evaluate(async url => (await fetch(url)).text(), `/api/conversations/${path.split('/').at(-1)}/messages`)
  expect(there).toContain('written offline')
  await page.getByTestId('sign-out-now').click()
  await menuOf(page, 'guest').waitFor()
  await until('nothing of it is left on the device', async () => (await placesOf(page, 'begun thought')).length === 0)
  expect(device.complaints).toEqual([])
  await device.context.close()
})

it('sign-in, sign-out and a session that is ended elsewhere reach every tab', { timeout: 120_000 }, async () => {
  const device = await openDevice(world.browser, world.server.url)
  const other = await device.context.newPage()
  await device.goto('/')
  await other.goto(world.server.url)
  await menuOf(other, 'guest').waitFor()
  await signUp(device, 'tabs@example.org')
  await menuOf(other, 'user').waitFor()
  const path = await converse(device, 'seen in two tabs')
  await other.goto(world.server.url + path)
  await replies(other).first().waitFor()
  await openSignOut(device)
  await device.page.getByTestId('keep-device').click()
  await device.page.getByTestId('sign-out-now').click()
  await menuOf(device.page, 'guest').waitFor()
  await menuOf(other, 'guest').waitFor()
  expect(await other.getByText('seen in two tabs').count()).toBe(0)
  await signIn(device, 'tabs@example.org')
  await menuOf(other, 'user').waitFor()
  await other.getByTestId('message').first().waitFor()

  const phone = await openDevice(world.browser, world.server.url)
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
  await Promise.all([device.context.close(), phone.context.close()])
})

const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

it.each([
  { name: 'desktop', width: 1280, height: 800, colorScheme: 'light' },
  { name: 'phone-dark', width: 390, height: 844, colorScheme: 'dark' },
] as const)('the pages of accounts fit the screen: $name', { timeout: 60_000 }, async ({ name, width, height, colorScheme }) => {
  const isPhone = width < 500
  const viewport = { width, height }
  const device = await openDevice(world.browser, localhost(), { viewport, colorScheme, isMobile: isPhone, hasTouch: isPhone })
  const { page } = device
  await device.goto('/')
  await menuOf(page, 'guest').waitFor()
  await shoot(page, `accounts-${name}-guest`)
  for (const path of ['/sign-in', '/sign-up', '/forgot', '/reset', '/confirm']) {
    await device.goto(path)
    await page.getByRole('heading').first().waitFor()
    expect(await overflow(page)).toBe(0)
    await shoot(page, `accounts-${name}${path.replace('/', '-')}`)
  }
  await device.goto('/')
  await signUp(device, `${name}@example.org`, 'A rather long name that has to fit somewhere')
  await shoot(page, `accounts-${name}-home`)
  await menuOf(page, 'user').locator('a[href="/account"]').click()
  await page.getByTestId('sessions').waitFor()
  expect(await overflow(page)).toBe(0)
  await shoot(page, `accounts-${name}-account`)
  await device.goto('/')
  await openSignOut(device)
  await shoot(page, `accounts-${name}-sign-out`)
  expect(device.complaints).toEqual([])
  await device.context.close()
})
