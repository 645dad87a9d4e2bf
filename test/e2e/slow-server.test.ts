// What a person does before a server that takes its time has answered.

import { afterAll, beforeAll, expect, it } from 'vitest'
import { routes } from '../../shared/api/routes.ts'
import { converse, menuOf, PASSWORD, replies } from '../rig/app-pages.ts'
import { openDevice, shownMessages, write } from '../rig/browser.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
})
afterAll(() => world?.close())

it('a conversation that is begun before the server has said who one is opens when it has', async () => {
  const device = await openDevice(world.browser, world.server.url)
  const { page } = device
  const answered = Promise.withResolvers<void>()
  await page.route(url => url.pathname === routes.me(), async route => {
    await answered.promise
    await route.continue()
  })
  await device.goto('/')
  await page.getByTestId('new-chat').first().click()
  answered.resolve()
  await write(page, 'Am I too early?')
  await replies(page).first().waitFor()
  expect((await shownMessages(page))[0]).toBe('Am I too early?')
  expect(device.complaints).toEqual([])
})

it('who has an account now and goes to a conversation at once is not called back when the page has heard of it, too', async () => {
  const device = await openDevice(world.browser, world.server.url)
  const { page } = device
  await device.goto('/')
  const path = await converse(device, 'Onwards')
  await page.getByTestId('to-sign-up').click()
  const answered = Promise.withResolvers<void>()
  let asked = 0
  // The guest's connection ends with the guest, which makes the page ask who it is; then the sign-up itself asks.
  await page.route(url => url.pathname === routes.me(), async route => {
    if (++asked > 1) await answered.promise
    await route.continue()
  })
  await page.getByTestId('name').fill('Ada')
  await page.getByTestId('email').fill('onwards@example.org')
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-up').click()
  await menuOf(page, 'user').waitFor()
  await page.locator('nav').getByText('Onwards').first().click()
  await until('the page asks again who it is', () => asked > 1)
  const heard = page.waitForResponse(response => new URL(response.url()).pathname === routes.me())
  answered.resolve()
  await heard
  await page.getByTestId('share').click()
  expect(new URL(page.url()).pathname).toBe(path)
  expect(device.complaints).toEqual([])
})
