/** Two devices in Chromium: one conversation, offline and back; refusals and hostile text on screen. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answerAlways, openDevice, shareDevices, shareWith, shownMessages, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import type { TcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
let lines: { a: TcpProxy, b: TcpProxy }

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '25' })
  lines = { a: world.line, b: await world.newLine() }
})

afterAll(() => world?.close())

/** For tests of one device. */
const devices = shareDevices(() => openDevice(world.browser, addressOf(lines.b)))
const replies = ({ page }: Device) => page.locator('[data-testid=message][data-role=assistant]')
const own = ({ page }: Device) => page.locator('[data-testid=message][data-role=user]')

it('two devices share one conversation: while it streams, across a reload, offline and back', { timeout: 240_000 }, async () => {
  const a = await openDevice(world.browser, addressOf(lines.a), { permissions: ['clipboard-read', 'clipboard-write'] })
  const b = await devices.take()

  // A begins a conversation and lets B in.
  await a.goto('/')
  await a.page.getByTestId('new-chat').first().click()
  await write(a.page, 'Hello')
  await replies(a).first().waitFor()
  await shareWith(a.page, b)
  await answerAlways(a.page)
  await own(b).first().waitFor()

  // A's message and the reply to it appear at B while the reply is being written.
  await write(a.page, '/long 200')
  await b.page.getByTestId('draft').waitFor()
  const early = await until('B shows the beginning of the reply', async () => {
    const text = await b.page.getByTestId('draft').textContent()
    return text && text.length > 40 ? text : null
  })
  expect(await replies(b).count()).toBe(1)

  // B reloads in the middle of it and gets the whole reply.
  await b.page.reload()
  await replies(b).nth(1).waitFor({ timeout: 60_000 })
  await until('both show the whole reply', async () => (await replies(a).count()) === 2 && (await b.page.getByTestId('draft').count()) === 0)
  const [whole, wholeAtB] = [(await shownMessages(a.page)).at(-1)!, (await shownMessages(b.page)).at(-1)!]
  expect(wholeAtB).toBe(whole)
  expect(whole.split(/\s+/).length).toBeGreaterThan(150)
  expect(whole.length).toBeGreaterThan(early.length)

  // A is cut off and writes three; B writes two meanwhile.
  await until('A\'s page can start without a network', () => a.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state === 'activated'))
  lines.a.cut()
  await a.page.getByTestId('offline-banner').waitFor()
  const before = await own(a).count()
  for (const text of ['first from A, offline', 'second from A, offline', 'third from A, offline']) await write(a.page, text)
  for (const text of ['first from B', 'second from B']) {
    await write(b.page, text)
    await b.page.locator('[data-testid=message][data-delivery=saved]', { hasText: text }).first().waitFor()
  }
  await a.page.locator('[data-testid=message][data-delivery=on-device]').nth(2).waitFor()

  // A reloads without a network and can still read and write.
  await a.page.reload()
  await own(a).nth(before + 2).waitFor()
  expect(await shownMessages(a.page)).toContain(whole)
  await write(a.page, 'fourth from A, after a reload without network')
  await a.page.locator('[data-testid=message][data-delivery=on-device]').nth(3).waitFor()

  // A returns: the same messages in the same order on both, none hidden, each answered once.
  lines.a.restore()
  await a.page.evaluate(() => window.dispatchEvent(new Event('online')))
  const count = before + 6
  await until('both show all six and a reply to each', async () =>
    (await own(a).count()) === count && (await own(b).count()) === count &&
    (await a.page.locator('[data-testid=message][data-role=user][data-delivery=saved]').count()) === count &&
    (await replies(a).count()) === count && (await replies(b).count()) === count, 90_000)
  const [atA, atB] = [await shownMessages(a.page), await shownMessages(b.page)]
  expect(atA).toEqual(atB)
  expect(atA.filter(text => /from [AB]/.test(text) && text.length < 60)).toEqual([
    'first from B', 'second from B',
    'first from A, offline', 'second from A, offline', 'third from A, offline', 'fourth from A, after a reload without network',
  ])
  expect(a.complaints).toEqual([])
  expect(b.complaints).toEqual([])
  await a.context.close()
  devices.leave(b)
})

it('a message that is too long is refused with its reason, and its text stays, also after a reload', { timeout: 120_000 }, async () => {
  const device = await devices.take()
  await device.goto('/')
  await device.page.getByTestId('new-chat').first().click()
  await write(device.page, 'x'.repeat(300_000))
  await device.page.getByTestId('refused-reason').waitFor()
  expect(await device.page.getByTestId('refused-reason').textContent()).toMatch(/longer than the server accepts/)
  await device.page.reload()
  await device.page.getByTestId('refused-reason').waitFor()
  expect((await shownMessages(device.page)).join('')).toContain('x'.repeat(1000))
  expect(device.complaints).toEqual([])
  devices.leave(device)
})

it('hostile markdown from another person runs nothing', { timeout: 120_000 }, async () => {
  const device = await devices.take()
  await device.goto('/')
  await device.page.getByTestId('new-chat').first().click()
  await write(device.page, '<img src=x onerror="window.hacked=1"> [click](javascript:window.hacked=1) <script>window.hacked=1</script> <a href="data:text/html,<script>1</script>">x</a> **bold**')
  await replies(device).first().waitFor()
  expect(await device.page.evaluate(() => 'hacked' in window)).toBe(false)
  expect(await device.page.locator('[data-testid=message] script, [data-testid=message] [onerror], [data-testid=message] a[href^="javascript"], [data-testid=message] a[href^="data"]').count()).toBe(0)
  await device.context.close()
})
