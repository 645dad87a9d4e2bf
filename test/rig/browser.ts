/** Headless Chromium for tests, and pages that note what their console complains about. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { until } from './until.ts'

/** Without the flags for background networking, every start of Chromium looks up hosts that have nothing to do with us. */
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']

const systemBrowser = (): string | undefined =>
  process.env['SKEIN_CHROMIUM'] ?? ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync)

export const launchBrowser = (): Promise<Browser> => {
  const executablePath = systemBrowser()
  return chromium.launch({ ...executablePath && { executablePath }, args: ARGUMENTS })
}

/** A browser with a profile on disk, which outlives it. */
export interface ProfileBrowser {
  readonly context: BrowserContext
  /** Ends all of its processes as a power cut would, and waits until they are gone. */
  kill(): Promise<void>
}

export const launchWithProfile = async (folder: string): Promise<ProfileBrowser> => {
  const portFile = join(folder, 'DevToolsActivePort')
  await rm(portFile, { force: true })
  const browser = spawn(systemBrowser() ?? chromium.executablePath(), [
    ...ARGUMENTS, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${folder}`, 'about:blank'
  ], { detached: true, stdio: 'ignore' })
  const exited = new Promise(resolve => browser.once('exit', resolve))
  const port = await until('the browser listens', async () => (await readFile(portFile, 'utf8').catch(() => '')).split('\n')[0], 30_000)
  const connected = await chromium.connectOverCDP(`http://127.0.0.1:${port}`)
  return {
    context: connected.contexts()[0]!,
    kill: async () => {
      // The leader of a group of its own, in which its renderers and its storage process are.
      process.kill(-browser.pid!, 'SIGKILL')
      await exited
      await connected.close().catch(() => undefined)
    }
  }
}

/** A device of a person: a browser context with its own cookies and stores, reaching the server at this address. */
export interface Device {
  readonly context: BrowserContext
  readonly page: Page
  /** Errors on the console, network failures left out (they are the test's doing), uncaught exceptions included. */
  readonly complaints: string[]
  goto(path: string): Promise<void>
}

/** What the browser itself notes when a connection fails; the page cannot prevent it. */
const NETWORK = /Failed to load resource|WebSocket connection to|net::ERR_|Failed to fetch|EventSource/

export const openDevice = async (browser: Browser, url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<Device> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' && !NETWORK.test(message.text())) complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  return { context, page, complaints, goto: async path => { await page.goto(`${url}${path}`) } }
}

/** Devices that one test leaves to the next: a new one takes seconds to open, most of them for what its browser has not stored yet. */
export interface SharedDevices<D extends Device> {
  take(): Promise<D>
  /**
   * As the last thing that a test does, so that one which failed leaves nothing. They are guests', with nothing that would show in other
   * tests, and not at a link: to follow another one from there loads no page.
   */
  leave(...devices: D[]): void
}

export const shareDevices = <D extends Device>(open: () => Promise<D>): SharedDevices<D> => {
  const left: D[] = []
  return {
    take: async () => left.shift() ?? open(),
    leave: (...devices) => {
      for (const { complaints } of devices) complaints.length = 0
      left.push(...devices)
    }
  }
}

/** The texts of all messages on the page, in order. */
export const shownMessages = (page: Page): Promise<string[]> =>
  page.getByTestId('message').evaluateAll(nodes => nodes.map(node => node.querySelector('[data-testid=message-text]')?.textContent?.trim() ?? ''))

/** Shares the conversation that is open in `page` by a link, which `guest` opens, and joins. */
export const shareWith = async (page: Page, guest: Device): Promise<void> => {
  await page.getByTestId('share').click()
  await page.getByTestId('share-make').click()
  const link = await page.getByTestId('share-link').inputValue()
  await page.keyboard.press('Escape')
  await guest.goto(new URL(link).pathname + new URL(link).hash)
  await guest.page.getByTestId('join').click()
}

/** In a conversation of several people: has its agent answer every message from now on. */
export const answerAlways = async (page: Page): Promise<void> => {
  await page.getByTestId('answers').selectOption('always')
  await until('the setting is taken', async () => await page.getByTestId('answers').inputValue() === 'always')
}

/** In front: a tab behind another one draws one frame a second, and a press waits for two. */
export const write = async (page: Page, text: string): Promise<void> => {
  await page.bringToFront()
  await page.getByTestId('composer').fill(text)
  await page.getByTestId('send').click()
}
