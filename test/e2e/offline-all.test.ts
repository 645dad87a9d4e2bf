/** A device reads offline what it never opened, in Chromium. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Page } from 'playwright-core'
import { openDevice, shownMessages, write } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld()
})

afterAll(() => world?.close())

/** Names of the conversations that the background brought onto this device, as the device itself notes them. */
const broughtHere = (page: Page): Promise<string[]> => page.evaluate(async () => {
  const names = (await indexedDB.databases()).map(({ name = '' }) => name)
  const side = names.find(name => /^skein:[^:]+$/.test(name))
  if (side === undefined) return []
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const opening = indexedDB.open(side)
    opening.onsuccess = () => resolve(opening.result)
    opening.onerror = () => reject(opening.error!)
  })
  const marks = await new Promise<unknown>((resolve, reject) => {
    const reading = database.transaction('lists').objectStore('lists').get('synced')
    reading.onsuccess = () => resolve(reading.result)
    reading.onerror = () => reject(reading.error!)
  })
  database.close()
  return Array.isArray(marks) ? marks.map(({ name }: { name: string }) => name) : []
})

it('a device that showed only the list reads every conversation without a network', { timeout: 120_000 }, async () => {
  const a = await openDevice(world.browser, world.server.url)
  await a.goto('/')
  const ids: string[] = []
  for (const text of ['The first conversation', 'The second conversation']) {
    await a.page.getByTestId('new-chat').first().click()
    await write(a.page, text)
    await a.page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
    ids.push(new URL(a.page.url()).pathname.slice('/c/'.length))
  }
  const wanted = await shownMessages(a.page)
  expect(wanted[0]).toBe('The second conversation')
  expect(wanted).toHaveLength(2)

  // The same person on another device, which opens the list and nothing else.
  const address = addressOf(world.line)
  const b = await openDevice(world.browser, address)
  const sockets: string[] = []
  b.page.on('websocket', socket => sockets.push(socket.url()))
  const cookies = await a.context.cookies()
  await b.context.addCookies(cookies.map(({ name, value }) => ({ name, value, url: address, httpOnly: true })))
  await b.goto('/')
  await until('both conversations are on the device', async () => {
    const names = await broughtHere(b.page)
    return ids.every(id => names.includes(`conversation/${id}`))
  }, 30_000)
  await until('the page can start without a network', () =>
    b.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state === 'activated'))
  expect(sockets).toEqual([])

  world.line.cut()
  await b.page.reload()
  await b.page.locator(`a[href="/c/${ids[1]}"]`).click()
  await b.page.getByTestId('message').nth(1).waitFor()
  expect(await shownMessages(b.page)).toEqual(wanted)
  await b.page.getByTestId('offline-banner').waitFor()
  await b.page.locator(`a[href="/c/${ids[0]}"]`).click()
  await b.page.locator('[data-testid=message]', { hasText: 'The first conversation' }).first().waitFor()

  // What is written there without a network arrives when there is one.
  await write(b.page, 'written on the second device, offline')
  await b.page.locator('[data-testid=message][data-delivery=on-device]').waitFor()
  world.line.restore()
  await b.page.evaluate(() => window.dispatchEvent(new Event('online')))
  await a.page.locator(`a[href="/c/${ids[0]}"]`).click()
  await a.page.locator('[data-testid=message]', { hasText: 'written on the second device, offline' }).first().waitFor()
  expect(a.complaints).toEqual([])
  expect(b.complaints).toEqual([])
  await Promise.all([a.context.close(), b.context.close()])
})
