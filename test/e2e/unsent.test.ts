/** What was written offline is sent without its conversation being open, in Chromium. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDevice, write } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld()
})

afterAll(() => world?.close())

it('what was written offline is sent when the network is back, although its conversation is not open any more', { timeout: 120_000 }, async () => {
  const device = await openDevice(world.browser, addressOf(world.line))
  const { page } = device
  await device.goto('/')
  await page.getByTestId('new-chat').first().click()
  await write(page, 'Hello')
  await page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  const id = new URL(page.url()).pathname.split('/').at(-1)!
  await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  world.line.cut()
  await page.getByTestId('offline-banner').waitFor()
  await write(page, 'written offline')
  await page.locator('[data-testid=message][data-delivery=on-device]').first().waitFor()
  await page.goto('about:blank')

  world.line.restore()
  await device.goto('/')
  await until('the message is on the server', () => page.evaluate(async path => {
    const response = await fetch(path)
    return response.ok && (await response.text()).includes('written offline')
  }, `/api/conversations/${id}/messages`), 60_000)
  expect(device.complaints).toEqual([])
  await device.context.close()
})
