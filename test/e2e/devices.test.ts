// A person's devices in a real browser: a second one by link, removed from the first; a guest with unsent messages who becomes an account.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDevice, shownMessages, write } from '../rig/browser.ts'
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

/** On a desk and on a phone, by day and by night. */
const shoot = async (page: Page, name: string): Promise<void> => {
  if (!pictures) return
  const size = page.viewportSize()!
  for (const theme of ['light', 'dark'] as const) {
    await page.evaluate(wanted => { document.documentElement.dataset['theme'] = wanted }, theme)
    for (const [device, viewport] of Object.entries({ desktop: { width: 1280, height: 900 }, phone: { width: 390, height: 844 } })) {
      await page.setViewportSize(viewport)
      await page.screenshot({ path: join(pictures, `${name}-${device}-${theme}.png`) })
    }
  }
  await page.setViewportSize(size)
}
const replies = (page: Page) => page.locator('[data-testid=message][data-role=assistant]')
const converse = async ({ page }: Device, text: string): Promise<string> => {
  await page.getByTestId('new-chat').first().click()
  await write(page, text)
  await replies(page).first().waitFor()
  return new URL(page.url()).pathname
}
const add = async (old: Device, phone: Device): Promise<void> => {
  await old.goto('/devices')
  await old.page.getByTestId('add-device').click()
  const link = new URL(await old.page.getByTestId('device-link').inputValue())
  await shoot(old.page, 'add-device')
  await phone.goto(link.pathname + link.hash)
  await phone.page.getByTestId('link-ask').waitFor()
  await shoot(phone.page, 'link')
  await phone.page.getByTestId('link-ask').click()
  await old.page.getByTestId('device-asks').waitFor()
  const checks = [old.page.getByTestId('device-check'), phone.page.getByTestId('link-check')]
  const [shown, asked] = await Promise.all(checks.map(check => check.textContent()))
  expect([shown, asked]).toEqual([expect.stringMatching(/^\d{4}$/), shown])
  await shoot(old.page, 'confirm-device')
  await shoot(phone.page, 'link-waits')
  // The code is in no address any more.
  expect(phone.page.url()).not.toContain('#')
  await old.page.getByTestId('device-confirm').click()
  await old.page.getByTestId('device-added').waitFor()
  await until('the new device is in', () => new URL(phone.page.url()).pathname === '/')
}
const remove = async (old: Device): Promise<void> => {
  await old.goto('/devices')
  const other = old.page.locator('[data-testid=device][data-current=false]').getByRole('button')
  await other.click()
  await other.click()
  await until('it is off the list', async () => await old.page.getByTestId('device').count() === 1)
}

it('a second device by link: it has everything, and when it is removed its screen says so and its stores are cleared', { timeout: 90_000 }, async () => {
  const [old, phone] = [await openDevice(world.browser, world.server.url), await openDevice(world.browser, world.server.url)]
  await old.goto('/')
  const path = await converse(old, 'What is in the larder?')
  await add(old, phone)
  await phone.goto(path)
  await replies(phone.page).first().waitFor()
  expect(await shownMessages(phone.page)).toEqual(await shownMessages(old.page).then(async () => shownMessages(phone.page)))
  await until('it is on the phone', async () => (await placesOf(phone.page, 'larder')).length > 0)
  await old.goto('/devices')
  await until('both are listed', async () => await old.page.getByTestId('device').count() === 2)
  await shoot(old.page, 'devices')
  await remove(old)
  await phone.page.getByTestId('removed').waitFor()
  await shoot(phone.page, 'removed')
  await until('nothing is left on the phone', async () => (await placesOf(phone.page, 'larder')).length === 0)
  await phone.page.getByTestId('removed-ok').click()
  await phone.page.locator('[data-testid=account-menu][data-kind=guest]').waitFor()
  await phone.goto(path)
  await until('the phone is out', async () => !(await phone.page.content()).includes('larder'))
  await old.goto(path)
  await replies(old.page).first().waitFor()
  expect([...old.complaints, ...phone.complaints]).toEqual([])
})

it('what a removed device had not sent stays, out of sight, until it is saved or let go', { timeout: 90_000 }, async () => {
  const line = await world.newLine()
  const [old, phone] = [await openDevice(world.browser, world.server.url), await openDevice(world.browser, addressOf(line))]
  await old.goto('/')
  const path = await converse(old, 'Quincunx')
  await add(old, phone)
  await phone.goto(path)
  await replies(phone.page).first().waitFor()
  line.cut()
  await write(phone.page, 'never-sent-words')
  await until('it is kept', async () => (await placesOf(phone.page, 'never-sent-words')).length > 0)
  await remove(old)
  line.restore()
  await phone.page.getByTestId('removed-save').waitFor({ timeout: 30_000 })
  await shoot(phone.page, 'removed-unsent')
  expect(await phone.page.content()).not.toContain('never-sent-words')
  const [file] = await Promise.all([phone.page.waitForEvent('download'), phone.page.getByTestId('removed-save').click()])
  const text = await (await file.createReadStream()).toArray()
  expect(Buffer.concat(text).toString()).toContain('never-sent-words')
  await phone.page.getByTestId('removed-clear').click()
  await until('nothing is left', async () => (await placesOf(phone.page, 'never-sent-words')).length === 0)
  expect(await placesOf(phone.page, 'Quincunx')).toEqual([])
})

it('a guest with messages that were not sent becomes an account: they are there under it, and sent once', { timeout: 90_000 }, async () => {
  const device = await openDevice(world.browser, world.server.url)
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
  await page.getByTestId('to-sign-up').first().click()
  await page.getByTestId('name').fill('Ada')
  await page.getByTestId('email').fill('ada@example.org')
  await page.getByTestId('password').fill(PASSWORD)
  await page.getByTestId('sign-up').click()
  await page.locator('[data-testid=account-menu][data-kind=user]').waitFor()
  await device.goto(path)
  await until('both are shown as one’s own', async () => (await shownMessages(page)).includes('Written while cut off'))
  expect(await page.getByTestId('composer').inputValue()).toBe('half a thought')
  // Another page of the same browser, whose sockets work: what waited goes out by it.
  const other = await device.context.newPage()
  await page.close()
  await other.goto(`${world.server.url}${path}`)
  await until('it is sent', async () => {
    const { messages } = await (await device.context.request.get(`${world.server.url}/api/conversations/${id}/messages`)).json() as {
      messages: { role: string, parts: { text?: string }[] }[]
    }
    const said = messages.filter(({ role }) => role === 'user').map(({ parts }) => parts[0]?.text)
    expect(new Set(said).size).toBe(said.length)
    return said.length === 2 && said.includes('Written while cut off')
  })
  const own = await other.locator('[data-testid=message][data-author=self]').count()
  expect(own === 0 || own === 2).toBe(true)
  expect((await other.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name!)))
    .filter(name => /^skein:guest-[0-9a-f]+$/.test(name))).toEqual([])
})
