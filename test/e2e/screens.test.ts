/** The picture in the README, taken in Chromium. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { overflow, PHONE } from '../rig/app-pages.ts'
import { answerAlways, openDevice, shareDevices, shareWith, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { isPhone, screens, showOnScreen } from '../rig/screens.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

/** `SKEIN_SCREENSHOTS=docs/images npm run test:unit -- test/e2e/screens.test.ts` makes the README's picture anew. */
const pictures = process.env['SKEIN_SCREENSHOTS']

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
  if (pictures) await mkdir(pictures, { recursive: true })
})

afterAll(() => world?.close())

const desks = shareDevices(() => openDevice(world.browser, world.server.url))
const phones = shareDevices(() => openDevice(world.browser, world.server.url, PHONE))

const converse = async (device: Device): Promise<void> => {
  await device.goto('/')
  await device.page.getByTestId('new-chat').first().click()
  const replies = device.page.locator('[data-testid=message][data-role=assistant]')
  for (const [i, text] of ['What can I do here?', '/markdown'].entries()) {
    await write(device.page, text)
    await replies.nth(i).waitFor()
  }
}

it('two people and an agent in one conversation: the picture in the README', { timeout: 60_000 }, async () => {
  const ada = await openDevice(world.browser, world.server.url, { viewport: { width: 1280, height: 860 }, permissions: ['clipboard-write'] })
  const bob = await desks.take()
  const replies = ada.page.locator('[data-testid=message][data-role=assistant]')
  await ada.goto('/')
  await ada.page.getByTestId('new-chat').first().click()
  await write(ada.page, 'What is Skein?')
  await replies.first().waitFor()
  await shareWith(ada.page, bob)
  await bob.page.getByTestId('message').first().waitFor()
  await answerAlways(bob.page)
  await write(bob.page, 'What is 128 * 64?')
  await replies.nth(1).waitFor()
  await until('Ada sees both people', async () => (await ada.page.getByTestId('people').locator('li').count()) === 2)
  expect(await ada.page.getByTestId('message').count()).toBe(4)
  if (pictures) await ada.page.screenshot({ path: join(pictures, 'conversation.png') })
  desks.leave(bob, ada)
})

it.each(screens)('a conversation fits the screen: $name', { timeout: 60_000 }, async screen => {
  const kind = isPhone(screen) ? phones : desks
  const device = await kind.take()
  await showOnScreen(device, screen)
  await converse(device)
  await write(device.page, `A very long word: ${'Donaudampfschiffahrtsgesellschaft'.repeat(8)}`)
  await device.page.locator('[data-testid=message][data-role=assistant]').nth(2).waitFor()
  expect(await overflow(device.page)).toBe(0)
  // A table of two columns folds to fit.
  expect(await device.page.locator('.wide').first().evaluate(frame => frame.scrollWidth - frame.clientWidth)).toBe(0)
  // However long it is: what is below the screen could be scrolled to, and the header would go.
  expect(await device.page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBe(0)
  expect(await device.page.evaluate(() => document.documentElement.dataset['theme'])).toBe(screen.colorScheme)
  expect(device.complaints).toEqual([])
  if (pictures) await device.page.screenshot({ path: join(pictures, `${screen.name}.png`) })
  kind.leave(device)
})

it('an address at which the person has no conversation says so, and makes none; one that they began offline is found', { timeout: 60_000 }, async () => {
  const device = await openDevice(world.browser, addressOf(world.line))
  const { page } = device
  const listed = async (): Promise<unknown[]> => {
    const answer = await device.context.request.get(`${world.server.url}/api/conversations`)
    return (await answer.json() as { conversations: unknown[] }).conversations
  }
  const notHere = page.getByRole('heading', { name: 'This conversation is not here for you' })
  await device.goto('/c/lunch')
  await notHere.waitFor()
  await device.goto(`/c/${crypto.randomUUID()}`)
  await notHere.waitFor()
  expect(await page.getByTestId('composer').count()).toBe(0)
  expect(await listed()).toEqual([])
  await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  world.line.cut()
  await page.reload()
  await page.getByRole('heading', { name: 'This conversation is not on this device' }).waitFor()
  // Begun offline, and nothing is written in it yet.
  await page.getByTestId('new-chat').first().click()
  await page.getByTestId('composer').waitFor()
  const begun = new URL(page.url()).pathname
  await device.goto('/')
  await device.goto(begun)
  await write(page, 'begun offline')
  await page.locator('[data-delivery=on-device]').waitFor()
  world.line.restore()
  await page.locator('[data-delivery=saved]').first().waitFor()
  expect(await listed()).toHaveLength(1)
  // Where there was none a moment ago, there may be one now.
  const later = await device.context.newPage()
  await later.goto(addressOf(world.line) + begun)
  await later.getByTestId('message').first().waitFor()
  expect(device.complaints).toEqual([])
  await device.context.close()
})

it('words that are written from right to left stand on the right, names and titles with them, and code stays as it is', { timeout: 60_000 }, async () => {
  const device = await desks.take()
  const { page } = device
  await device.goto('/')
  await page.getByTestId('new-chat').first().click()
  await page.getByTestId('composer').fill('שלום')
  const directionOf = (selector: string) => page.locator(selector).first().evaluate(node => getComputedStyle(node).direction)
  expect(await directionOf('[data-testid=composer]')).toBe('rtl')
  await write(page, 'שלום לכולם (1)\nand a line in English')
  await page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  /** From the left edge of its box to the first line of the text: 0 where that begins at the left. */
  const indents = await page.getByTestId('message-text').first().evaluate(node => {
    const range = document.createRange()
    const text = node.firstChild!
    const end = text.textContent!.indexOf('\n')
    return [[0, end], [end + 1, text.textContent!.length]].map(([from, to]) => {
      range.setStart(text, from!)
      range.setEnd(text, to!)
      const [line, box] = [range.getBoundingClientRect(), node.getBoundingClientRect()]
      return { left: Math.round(line.left - box.left), right: Math.round(box.right - line.right) }
    })
  })
  expect(indents[0]!.right).toBe(0)
  expect(indents[1]!.left).toBe(0)
  expect(indents[0]!.left).toBeGreaterThan(0)
  expect(await directionOf('[data-testid=title] .text')).toBe('rtl')
  expect(await directionOf('[data-testid=conversation-item] .title')).toBe('rtl')
  expect(await directionOf('.markdown .code')).toBe('ltr')
  expect(device.complaints).toEqual([])
  desks.leave(device)
})
