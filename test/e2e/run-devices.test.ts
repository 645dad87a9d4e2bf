/** Replies on two devices: what one asks the other stops, and each state of a run outlives a reload, a crash and a time offline. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDevice, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { Exchange, ModelServer } from '../rig/model-server.ts'
import type { TcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'

/** `SKEIN_SCREENSHOTS=/tmp/pictures` keeps a picture of each state, of a phone and a desktop in both themes. */
const pictures = process.env['SKEIN_SCREENSHOTS']
const screens = [
  { name: 'desktop-light', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'desktop-dark', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'phone-light', colorScheme: 'light', viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
  { name: 'phone-dark', colorScheme: 'dark', viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true },
] as const

let world: BrowserWorld
let model: ModelServer
let lines: { a: TcpProxy, b: TcpProxy }
let a: Device
let b: Device

beforeAll(async () => {
  model = await startModelServer()
  world = await startBrowserWorld({ SKEIN_AUTH: 'none', OPENAI_BASE_URL: model.baseURL, SKEIN_MODEL: 'rig-1', SKEIN_OFFLINE_PACE: '25' })
  lines = { a: world.line, b: await world.newLine() }
  a = await openDevice(world.browser, addressOf(lines.a))
  b = await openDevice(world.browser, addressOf(lines.b))
  if (pictures) await mkdir(pictures, { recursive: true })
})

afterAll(async () => {
  await world?.close()
  await model?.close()
})

const both = <T>(work: (device: Device) => Promise<T>): Promise<T[]> => Promise.all([a, b].map(work))
const shows = (text: string, testid = 'message') => ({ page }: Device): Promise<void> => page.getByTestId(testid).filter({ hasText: text }).last().waitFor()
const button = ({ page }: Device, name: string) => page.getByTestId('message').last().getByRole('button', { name, exact: true })
const buttons = ({ page }: Device): Promise<string[]> => page.getByTestId('message').last().locator('.ways button').allTextContents()

/** A conversation of A's that B has open, too. */
const begin = async (): Promise<void> => {
  await a.goto('/')
  await a.page.getByTestId('new-chat').first().click()
  await a.page.getByTestId('composer').waitFor()
  await b.goto(new URL(a.page.url()).pathname)
  await b.page.getByTestId('composer').waitFor()
  // From now on their pages start without a server, too.
  await both(({ page }) => page.evaluate(async () => { await navigator.serviceWorker.ready }))
}

const ask = async (device: Device, text: string): Promise<Exchange> => {
  await write(device.page, text)
  return model.next()
}

const picture = async (state: string): Promise<void> => {
  if (!pictures) return
  for (const { name, ...options } of screens) {
    const viewer = await openDevice(world.browser, world.server.url, options)
    await viewer.goto(new URL(a.page.url()).pathname)
    await viewer.page.getByTestId('message').first().waitFor()
    await viewer.page.waitForLoadState('networkidle').catch(() => undefined)
    await viewer.page.screenshot({ path: join(pictures, `${state}-${name}.png`) })
    await viewer.context.close()
  }
}

/** The same stands there before and after a reload of both. */
const survivesReload = async (state: string, isShown: (device: Device) => Promise<unknown>): Promise<void> => {
  await both(isShown)
  await picture(state)
  await both(({ page }) => page.reload())
  await both(isShown)
}

it('a reply that A asked for is stopped from B, and each state that it goes through stands there after a reload', { timeout: 240_000 }, async () => {
  await begin()
  const exchange = await ask(a, 'Tell me about rivers, at length.')
  // Nothing was said yet.
  await survivesReload('1-thinking', async device => {
    await device.page.getByTestId('waiting').waitFor()
    await device.page.getByTestId('stop').waitFor()
  })
  await exchange.token('A river begins as a spring, ')
  await survivesReload('2-writing', async device => {
    await shows('A river begins', 'draft')(device)
    await device.page.getByTestId('stop').waitFor()
    expect(await device.page.getByTestId('waiting').count()).toBe(0)
  })
  await b.page.getByTestId('stop').click()
  expect(await exchange.aborted).toBeGreaterThan(0)
  await survivesReload('3-stopped', async device => {
    await shows('Stopped before it was finished.')(device)
    await shows('A river begins as a spring,')(device)
    expect(await buttons(device)).toEqual(['Continue', 'Try again'])
    await device.page.getByTestId('stop').waitFor({ state: 'detached' })
  })

  // A goes on with what B stopped, and B sees it whole.
  await button(a, 'Continue').click()
  const rest = await model.next()
  expect(JSON.stringify(rest.body.messages)).toContain('A river begins as a spring, ')
  await rest.token('and ends in the sea.')
  await rest.finish({ usage: { input: 20, output: 9 } })
  await survivesReload('4-complete', async device => {
    await shows('A river begins as a spring, and ends in the sea.')(device)
    expect(await buttons(device)).toEqual([])
  })

  const failing = await ask(b, 'And about lakes?')
  await failing.token('A lake is ')
  await both(shows('A lake is', 'draft'))
  await failing.failInStream({ message: 'The engine is overloaded, please try again in a while.' })
  await survivesReload('5-failed', async device => {
    await shows('A lake is')(device)
    await shows('overloaded')(device)
    expect(await buttons(device)).toEqual(['Continue', 'Try again'])
  })
  await button(a, 'Try again').click()
  const again = await model.next()
  await both(async ({ page }) => page.getByTestId('waiting').waitFor())
  await again.token('A lake is standing water.')
  await again.finish({ reason: 'length' })
  await survivesReload('6-cut', async device => {
    await shows('A lake is standing water.')(device)
    await shows('was cut at the longest')(device)
    expect(await buttons(device)).toEqual(['Continue'])
  })

  const refused = await ask(a, 'And about seas?')
  await refused.fail(401, 'Incorrect API key provided.')
  await survivesReload('7-refused', async device => {
    await shows('Incorrect API key provided.')(device)
    expect(await buttons(device)).toEqual(['Try again'])
  })
  expect([...a.complaints, ...b.complaints]).toEqual([])
})

it('a reply that the server was killed in is marked, with its text, and goes on from another device', { timeout: 240_000 }, async () => {
  await begin()
  const exchange = await ask(a, 'Tell me about mountains.')
  await exchange.token('Mountains rise where plates meet; ')
  await both(shows('Mountains rise', 'draft'))
  await world.restart(async () => {
    // Without a server, too, both show what they had.
    await both(({ page }) => page.reload().catch(() => undefined))
    await both(shows('Mountains rise', 'draft'))
  }, 'SIGKILL')
  await both(({ page }) => page.evaluate(() => window.dispatchEvent(new Event('online'))))
  await survivesReload('8-interrupted', async device => {
    await shows('Mountains rise where plates meet;')(device)
    await shows('was interrupted')(device)
    expect(await buttons(device)).toEqual(['Continue', 'Try again'])
    expect(await device.page.getByTestId('message').count()).toBe(2)
  })
  await button(b, 'Continue').click()
  const rest = await model.next()
  expect(JSON.stringify(rest.body.messages)).toContain('Mountains rise where plates meet; ')
  await rest.token('and the rain wears them down.')
  await rest.finish()
  await both(shows('Mountains rise where plates meet; and the rain wears them down.'))
  await both(({ page }) => page.getByTestId('stop').waitFor({ state: 'detached' }))
  expect([...a.complaints, ...b.complaints]).toEqual([])
})

it('a reply of an agent that can go on goes on by itself after the server was killed', { timeout: 120_000 }, async () => {
  await begin()
  await a.page.getByTestId('agent').selectOption({ label: 'Skein offline agent' })
  await until('the choice is taken', async () => await b.page.getByTestId('agent').inputValue() === 'skein-offline')
  await write(a.page, '/long 120')
  const seen = await until('B shows some of it', async () => {
    const text = await b.page.getByTestId('draft').getByTestId('message-text').textContent({ timeout: 1000 }).catch(() => null)
    return text && text.length > 60 ? text.trim() : null
  })
  await world.restart(undefined, 'SIGKILL')
  await both(({ page }) => page.evaluate(() => window.dispatchEvent(new Event('online'))))
  await both(({ page }) => page.locator('[data-testid=message][data-role=assistant]').waitFor({ timeout: 60_000 }))
  const whole = await both(async ({ page }) => (await page.locator('[data-testid=message][data-role=assistant]').getByTestId('message-text').textContent())!.trim())
  expect(whole[0]!.startsWith(seen.slice(0, -5))).toBe(true)
  expect(whole[0]!.split(/\s+/).length).toBeGreaterThan(100)
  expect(whole[1]).toBe(whole[0])
  expect(await buttons(a)).toEqual([])
})

const stopOfflineOnB = async (): Promise<void> => {
  lines.b.cut()
  await b.page.getByTestId('offline-banner').waitFor()
  await b.page.getByTestId('stop').click()
  await b.page.getByTestId('offline-banner').filter({ hasText: '1 is waiting' }).waitFor()
  // Nobody there knows what is being written meanwhile, and what was pressed is not done yet.
  await b.page.getByTestId('paused').waitFor()
  await b.page.getByText('The reply is stopped as soon as the server can be reached.').waitFor()
}

it('a stop that is asked for offline waits, is shown to, and is carried out when the device is back', { timeout: 120_000 }, async () => {
  await begin()
  const exchange = await ask(a, 'Tell me about deserts.')
  await exchange.token('Deserts are dry. ')
  await both(shows('Deserts are dry', 'draft'))
  await stopOfflineOnB()
  expect(await b.page.getByTestId('stop').isDisabled()).toBe(true)
  if (pictures) await b.page.screenshot({ path: join(pictures, '9-stop-offline-desktop-light.png') })
  // A reload does not forget it, and A sees no end of it yet.
  await b.page.reload()
  await b.page.getByTestId('offline-banner').filter({ hasText: '1 is waiting' }).waitFor()
  expect(await b.page.getByTestId('stop').isDisabled()).toBe(true)
  await exchange.token('They are hot by day. ')
  await shows('hot by day', 'draft')(a)
  expect(exchange.abortedAt).toBeNull()
  lines.b.restore()
  await b.page.evaluate(() => window.dispatchEvent(new Event('online')))
  expect(await exchange.aborted).toBeGreaterThan(0)
  await both(shows('Deserts are dry. They are hot by day.'))
  await both(shows('Stopped before it was finished.'))

  // Both press it, and B's comes when it is stopped already: what B asked for is so, and nobody is told anything else.
  const second = await ask(a, 'And oases?')
  await second.token('An oasis ')
  await both(shows('An oasis', 'draft'))
  await stopOfflineOnB()
  await a.page.getByTestId('stop').click()
  expect(await second.aborted).toBeGreaterThan(0)
  lines.b.restore()
  await b.page.evaluate(() => window.dispatchEvent(new Event('online')))
  await both(({ page }) => page.getByTestId('stop').waitFor({ state: 'detached' }))
  // What B says next is taken after its stop was.
  const last = await ask(b, 'Never mind.')
  await last.token('As you like.')
  await last.finish()
  await both(shows('As you like.'))
  expect(await b.page.getByTestId('refused-banner').count()).toBe(0)
  expect([...a.complaints, ...b.complaints]).toEqual([])
})
