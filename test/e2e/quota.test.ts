/** A browser that gives the app no more space says so, loses nothing while its page is open, and keeps it when there is space again. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Page } from 'playwright-core'
import { openDevice, shownMessages, write } from '../rig/browser.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld()
})

afterAll(() => world?.close())

const ROOM = 30_000_000

/**
 * Chromium asks for the quota again when a write does not fit what it was granted last.
 * @returns how the browser refuses a write of that many bytes
 */
const refusalOf = (page: Page, size: number): Promise<string> => page.evaluate(size => new Promise(resolve => {
  const opening = indexedDB.open('probe', 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore('bytes')
  opening.onerror = () => resolve(opening.error!.name)
  opening.onsuccess = () => {
    const writing = opening.result.transaction('bytes', 'readwrite')
    const end = (outcome: string) => {
      opening.result.close()
      resolve(outcome)
    }
    writing.oncomplete = () => end('taken')
    writing.onabort = () => end(writing.error!.name)
    writing.objectStore('bytes').put(new Uint8Array(size), 0)
  }
}), size)

it('what does not fit on the device is said, stays on the page, and is stored when there is space again', { timeout: 120_000 }, async () => {
  const origin = addressOf(world.line)
  const device = await openDevice(world.browser, origin)
  const { page } = device
  const cdp = await device.context.newCDPSession(page)
  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: ROOM })
  await device.goto('/')
  await page.getByTestId('new-chat').first().click()
  await write(page, 'Hello')
  await page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  await page.locator('[data-testid=message][data-role=user][data-delivery=saved]').first().waitFor()
  await until('the page can start without a network', () =>
    page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state === 'activated'))
  world.line.cut()
  await page.getByTestId('offline-banner').waitFor()

  await cdp.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 1 })
  expect(await refusalOf(page, ROOM)).toBe('QuotaExceededError')
  const texts = ['no-space-for-this', 'nor-for-this']
  for (const text of texts) await write(page, text)
  await page.getByText('This device has no space left for Skein.').waitFor()
  expect((await shownMessages(page)).slice(-2)).toEqual(texts)
  expect(await page.locator('[data-testid=message][data-delivery=writing]').count()).toBe(2)
  for (const text of texts) expect((await placesOf(page, text)).filter(place => place.includes('/outbox/'))).toEqual([])

  await cdp.send('Storage.overrideQuotaForOrigin', { origin })
  await page.getByText('This device has no space left for Skein.').waitFor({ state: 'detached' })
  await page.locator('[data-testid=message][data-delivery=on-device]').nth(1).waitFor()

  // Still without a network: the device alone has it.
  await page.reload()
  await page.locator('[data-testid=message]', { hasText: texts[1]! }).waitFor()
  expect((await shownMessages(page)).slice(-2)).toEqual(texts)
  world.line.restore()
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  for (const text of texts) await page.locator('[data-testid=message][data-role=user][data-delivery=saved]', { hasText: text }).waitFor()
  expect(device.complaints).toEqual([])
  await device.context.close()
})
