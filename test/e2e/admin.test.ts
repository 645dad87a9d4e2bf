// The admin's page in a real browser: who has an account, what can be done about it, invitations, and keys of models.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { overflow, photograph } from '../rig/app-pages.ts'
import { openDevice } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { openOnScreen, screens } from '../rig/screens.ts'
import { until } from '../rig/until.ts'

const PASSWORD = 'correct horse battery'
const KEY = 'sk-ant-0123456789-WXYZ'

let world: BrowserWorld
let folder: Awaited<ReturnType<typeof temporaryFolder>>
let admin: Device
let policy = 'open'

const enter = async (page: Page): Promise<void> => {
  await page.getByTestId('email').fill('ada@example.org')
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-in').click()
  await page.locator('[data-testid=account-menu][data-kind=user]').waitFor({ state: 'attached' })
}
const row = (page: Page, email: string) => page.locator(`[data-testid=account][data-email="${email}"]`)

beforeAll(async () => {
  folder = await temporaryFolder()
  const models = join(folder.path, 'models.json')
  await writeFile(models, JSON.stringify([{ id: 'claude', name: 'Claude', provider: 'anthropic', model: 'c' }]))
  // The first one is the admin.
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0', SKEIN_MODELS: models, get SKEIN_SIGNUP() { return policy } })
  for (const [email, name] of [['ada@example.org', 'Ada Lovelace'], ['grace@example.org', 'Grace Hopper'], ['alan@example.org', 'Alan Turing']]) {
    const who = httpBrowser(addressOf(world.line))
    expect((await who.post(routes.auth.signUp(), { email, password: PASSWORD, name })).status).toBe(200)
    await who.post(routes.auth.signIn(), { email, password: PASSWORD })
  }
  admin = await openDevice(world.browser, addressOf(world.line))
  await admin.goto('/sign-in')
  await enter(admin.page)
})
afterAll(async () => {
  await world?.close()
  await folder?.remove()
})

it('who has an account is listed, made admin, disabled, enabled, given a link, and deleted', { timeout: 60_000 }, async () => {
  const { page } = admin
  await page.goto(`${addressOf(world.line)}/account`)
  await page.getByTestId('to-admin').click()
  await until('all are listed', async () => (await page.getByTestId('account').count()) === 3)
  await photograph(page, 'admin-desktop')
  const grace = row(page, 'grace@example.org')
  await grace.locator('summary').click()
  await grace.getByRole('button', { name: 'Make admin' }).click()
  await grace.getByRole('button', { name: 'May see and do all this?' }).click()
  await grace.getByText('admin', { exact: true }).waitFor()
  await grace.getByTestId('unmake-admin').click()
  await grace.getByRole('button', { name: 'Make admin' }).waitFor()
  await grace.getByTestId('toggle-disabled').click()
  await grace.getByText('disabled', { exact: true }).waitFor()
  const signIn = (password: string) => httpBrowser(addressOf(world.line)).post(routes.auth.signIn(), { email: 'grace@example.org', password })
  expect((await signIn(PASSWORD)).status).toBe(403)
  await grace.getByTestId('toggle-disabled').click()
  await grace.getByText('disabled', { exact: true }).waitFor({ state: 'detached' })

  await grace.getByTestId('make-reset-link').click()
  const link = new URL(await grace.getByTestId('reset-link').inputValue())
  await photograph(page, 'admin-actions')
  expect(link.origin + link.pathname).toBe(`${addressOf(world.line)}/reset`)
  const reset = { token: link.hash.slice(1), password: 'another long password' }
  expect((await httpBrowser(addressOf(world.line)).post(routes.auth.reset(), reset)).status).toBe(200)
  expect((await signIn('another long password')).status).toBe(200)

  await grace.getByRole('button', { name: 'Delete' }).click()
  await grace.getByRole('button', { name: 'Delete for good?' }).click()
  await grace.waitFor({ state: 'detached' })
  expect((await signIn('another long password')).status).toBe(401)
  expect(await page.getByTestId('account').count()).toBe(2)
  await row(page, 'ada@example.org').locator('summary').click()
  await row(page, 'ada@example.org').getByText('This is your own account.').waitFor()
})

it('a key of a model is stored and removed, and its field is empty afterwards', { timeout: 60_000 }, async () => {
  const { page } = admin
  await page.goto(`${addressOf(world.line)}/admin`)
  const key = page.locator('[data-testid=provider-key][data-name=anthropic]')
  await key.getByText('no key is stored').waitFor()
  await key.getByTestId('key').fill(KEY)
  await key.getByTestId('store-key').click()
  await key.getByText('a key that ends in WXYZ is stored').waitFor()
  expect(await key.getByTestId('key').inputValue()).toBe('')
  await photograph(page, 'admin-key')
  expect(await page.content()).not.toContain(KEY)
  await key.getByRole('button', { name: 'Remove the key' }).click()
  await key.getByRole('button', { name: 'Remove it?' }).click()
  await key.getByText('no key is stored').waitFor()
  expect(admin.complaints).toEqual([])
})

it('who may join is told; where invitations are asked for, they are made here, listed and withdrawn', { timeout: 60_000 }, async () => {
  const { page } = admin
  expect(await page.getByTestId('policy').getAttribute('data-policy')).toBe('open')
  expect(await page.getByTestId('make-invite').count()).toBe(0)
  policy = 'invite'
  await world.restart()
  await page.goto(`${addressOf(world.line)}/admin`)
  await page.getByTestId('make-invite').click()
  const link = new URL(await page.getByTestId('invite-link').inputValue())
  expect([link.pathname, link.hash.length > 10]).toEqual(['/sign-up', true])
  await photograph(page, 'admin-invite')
  await page.getByTestId('invite-codes').getByRole('button').click()
  await page.getByRole('button', { name: 'Withdraw it?' }).click()
  await page.getByTestId('invite-codes').waitFor({ state: 'detached' })
  expect(admin.complaints).toEqual([])
})

it('to who is no admin the page says so, and shows nobody', { timeout: 60_000 }, async () => {
  const guest = await openDevice(world.browser, addressOf(world.line))
  await guest.goto('/admin')
  await guest.page.getByText('This page is for the admins of this server.').waitFor()
  expect(await guest.page.getByRole('heading', { level: 2 }).count()).toBe(0)
  expect(await guest.page.getByTestId('account').count()).toBe(0)
  await guest.context.close()
})

it.each(screens.filter(({ name }) => name !== 'desktop'))('the page fits the screen: $name', { timeout: 60_000 }, async screen => {
  const device = await openOnScreen(world.browser, addressOf(world.line), screen)
  const { page } = device
  await device.goto('/sign-in')
  await enter(page)
  await device.goto('/admin')
  await until('all are listed', async () => (await page.getByTestId('account').count()) === 2)
  await row(page, 'alan@example.org').locator('summary').click()
  await row(page, 'alan@example.org').getByTestId('make-reset-link').click()
  await row(page, 'alan@example.org').getByTestId('reset-link').waitFor()
  expect(await overflow(page)).toBe(0)
  expect(device.complaints).toEqual([])
  await photograph(page, `admin-${screen.name}`)
  await device.context.close()
})
