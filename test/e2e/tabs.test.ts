/** Four tabs of one Chromium: one socket, and nothing lost when its owner is closed, killed, frozen or stuck. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { BrowserContext, Page, Route } from 'playwright-core'
import { shownMessages, write } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld()
})

afterAll(() => world?.close())

interface Tab {
  readonly name: string
  readonly page: Page
  readonly complaints: string[]
  /** Sockets to the server that this page has open. */
  readonly sockets: Set<unknown>
  /** Its renderer was killed, or it was closed. */
  isGone: boolean
}

const NETWORK = /Failed to load resource|WebSocket connection to|net::ERR_|Failed to fetch|EventSource/

const openTab = async (context: BrowserContext, name: string, path: string): Promise<Tab> => {
  const page = await context.newPage()
  const tab: Tab = { name, page, complaints: [], sockets: new Set(), isGone: false }
  page.on('console', message => {
    if (message.type() === 'error' && !NETWORK.test(message.text())) tab.complaints.push(message.text())
  })
  page.on('pageerror', error => tab.complaints.push(String(error)))
  const gone = (): void => { tab.isGone = true }
  page.on('crash', gone).on('close', gone)
  page.on('websocket', socket => {
    if (!socket.url().includes('/sync/')) return
    tab.sockets.add(socket)
    socket.on('close', () => tab.sockets.delete(socket))
  })
  await page.goto(`${addressOf(world.line)}${path}`)
  await page.getByTestId('composer').waitFor()
  return tab
}

/** The tabs that the test before left open. */
let tabs: Tab[] = []
let context: BrowserContext
/** Of their conversation. */
let path: string | undefined

/** A conversation in which something was said. */
const begin = async (): Promise<string> => {
  context = await world.browser.newContext()
  const page = await context.newPage()
  await page.goto(`${addressOf(world.line)}/`)
  await page.getByTestId('new-chat').first().click()
  await write(page, 'Hello')
  await page.locator('[data-testid=message][data-role=user][data-delivery=saved]').waitFor()
  await page.close()
  return new URL(page.url()).pathname
}

/** Four tabs of one person on one conversation: those that are there, made four again. */
const fourTabs = async (): Promise<[Tab, Tab, Tab, Tab]> => {
  world.line.restore()
  path ??= await begin()
  const there = tabs.filter(({ isGone }) => !isGone)
  for (const { complaints } of there) complaints.length = 0
  tabs = []
  for (const name of ['a', 'b', 'c', 'd']) {
    tabs.push(there.find(tab => tab.name === name) ?? await openTab(context, name, path))
    await shows(tabs.at(-1)!, 'Hello', 'saved')
  }
  return tabs as [Tab, Tab, Tab, Tab]
}

const shows = async ({ page }: Tab, text: string, delivery: string): Promise<void> =>
  page.locator(`[data-testid=message][data-delivery=${delivery}]`, { hasText: text }).first().waitFor({ timeout: 30_000 })

const own = async (tab: Tab): Promise<string[]> => (await shownMessages(tab.page)).filter(text => text.startsWith('from '))

const onlyOneSocket = (tabs: readonly Tab[]): Promise<unknown> =>
  until('there is one socket', () => tabs.reduce((sum, { sockets }) => sum + sockets.size, 0) === 1, 30_000)

const ownerOf = async (tabs: readonly Tab[]): Promise<Tab> => {
  await onlyOneSocket(tabs)
  return tabs.find(({ sockets }) => sockets.size > 0)!
}

/** Each tab says something, and every tab shows all of it as saved, once. */
const allTalk = async (tabs: readonly Tab[], word: string): Promise<void> => {
  for (const tab of tabs) await write(tab.page, `from ${tab.name}: ${word}`)
  for (const tab of tabs) {
    for (const { name } of tabs) await shows(tab, `from ${name}: ${word}`, 'saved')
    expect((await own(tab)).filter(text => text.endsWith(word)).sort()).toEqual(tabs.map(({ name }) => `from ${name}: ${word}`).sort())
  }
}

/** The page waits for an answer and runs nothing meanwhile, which takes no processor from those that do. @returns lets it go on */
const getStuck = async (page: Page): Promise<() => Promise<void>> => {
  const asked = Promise.withResolvers<Route>()
  await page.route('**/stuck', asked.resolve)
  const stuck = page.evaluate(() => {
    const request = new XMLHttpRequest()
    request.open('GET', '/stuck', false)
    request.send()
  })
  const route = await asked.promise
  return async () => {
    await route.fulfill({ body: '' })
    await stuck
    await page.unroute('**/stuck')
  }
}

const noComplaints = (tabs: readonly Tab[]): void => {
  for (const { name, complaints } of tabs) expect({ name, complaints }).toEqual({ name, complaints: [] })
}

it('four tabs have one socket, and show at once what one of them writes offline', { timeout: 180_000 }, async () => {
  const tabs = await fourTabs()
  const [a, b, c, d] = tabs
  expect(await ownerOf(tabs)).toBe(a)
  await allTalk(tabs, 'online')
  world.line.cut()
  await c.page.getByTestId('offline-banner').waitFor()
  await write(c.page, 'from c: offline')
  for (const tab of tabs) await shows(tab, 'from c: offline', 'on-device')
  await write(a.page, 'from a: offline')
  for (const tab of tabs) await shows(tab, 'from a: offline', 'on-device')
  world.line.restore()
  for (const tab of tabs) {
    await shows(tab, 'from c: offline', 'saved')
    await shows(tab, 'from a: offline', 'saved')
  }
  await onlyOneSocket(tabs)
  const first = await own(a)
  for (const tab of [b, c, d]) expect(await own(tab)).toEqual(first)
  noComplaints(tabs)
})

it('when the owner is closed another tab takes over and sends', { timeout: 180_000 }, async () => {
  const tabs = await fourTabs()
  const owner = await ownerOf(tabs)
  world.line.cut()
  const others = tabs.filter(tab => tab !== owner)
  await write(others[0]!.page, 'from the past: unsent')
  await shows(owner, 'from the past: unsent', 'on-device')
  await owner.page.close()
  world.line.restore()
  for (const tab of others) await shows(tab, 'from the past: unsent', 'saved')
  await allTalk(others, 'after the closing')
  await onlyOneSocket(others)
  noComplaints(others)
})

it('when the owner\'s renderer is killed the others go on, and nothing is lost', { timeout: 180_000 }, async () => {
  const tabs = await fourTabs()
  const owner = await ownerOf(tabs)
  const others = tabs.filter(tab => tab !== owner)
  world.line.cut()
  await write(owner.page, 'from the owner: unsent')
  await shows(owner, 'from the owner: unsent', 'on-device')
  const session = await context.newCDPSession(owner.page)
  const crashed = owner.page.waitForEvent('crash')
  // The command itself is never answered.
  void session.send('Page.crash').catch(() => undefined)
  await write(others[2]!.page, 'from another: at that moment')
  await crashed
  world.line.restore()
  for (const tab of others) {
    await shows(tab, 'from the owner: unsent', 'saved')
    await shows(tab, 'from another: at that moment', 'saved')
  }
  await allTalk(others, 'after the kill')
  await onlyOneSocket(others)
  noComplaints(others)
})

it('when the owner is frozen the others go on, and it follows them when it is awake again', { timeout: 180_000 }, async () => {
  const tabs = await fourTabs()
  const owner = await ownerOf(tabs)
  const others = tabs.filter(tab => tab !== owner)
  const session = await context.newCDPSession(owner.page)
  await session.send('Page.setWebLifecycleState', { state: 'frozen' })
  await allTalk(others, 'while it sleeps')
  await session.send('Page.setWebLifecycleState', { state: 'active' })
  for (const { name } of others) await shows(owner, `from ${name}: while it sleeps`, 'saved')
  await onlyOneSocket(tabs)
  await allTalk(tabs, 'awake and together')
  noComplaints(tabs)
})

it('when the owner is stuck the lock is taken from it, and it follows when it runs again', { timeout: 180_000 }, async () => {
  const tabs = await fourTabs()
  const owner = await ownerOf(tabs)
  const others = tabs.filter(tab => tab !== owner)
  const goOn = await getStuck(owner.page)
  await allTalk(others, 'without it')
  await goOn()
  for (const { name } of others) await shows(owner, `from ${name}: without it`, 'saved')
  await onlyOneSocket(tabs)
  await allTalk(tabs, 'running and together')
  noComplaints(tabs)
})
