import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Browser } from 'playwright-core'
import { launchBrowser, openDevice, write } from '../rig/browser.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import type { ServerProcess } from '../rig/server-process.ts'
import { startTcpProxy } from '../rig/tcp-proxy.ts'
import type { TcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'

let browser: Browser
let server: ServerProcess
let line: TcpProxy
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  folder = await temporaryFolder()
  server = await startServer(folder.path, { SKEIN_AUTH: 'accounts' })
  line = await startTcpProxy(server.port)
  browser = await launchBrowser()
})

afterAll(async () => {
  await browser?.close()
  await line?.close()
  await server?.stop()
  await folder?.remove()
})

it('what was written offline is sent when the network is back, although its conversation is not open any more', { timeout: 120_000 }, async () => {
  const device = await openDevice(browser, `http://127.0.0.1:${line.port}`)
  const { page } = device
  await device.goto('/')
  await page.getByTestId('new-chat').first().click()
  await write(page, 'Hello')
  await page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  const id = new URL(page.url()).pathname.split('/').at(-1)!
  await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)
  line.cut()
  await page.getByTestId('offline-banner').waitFor()
  await write(page, 'written offline')
  await page.locator('[data-testid=message][data-delivery=on-device]').first().waitFor()
  await page.goto('about:blank')

  line.restore()
  await device.goto('/')
  await until('the message is on the server', () => page.evaluate(async path => {
    const response = await fetch(path)
    return response.ok && (await response.text()).includes('written offline')
  }, `/api/conversations/${id}/messages`), 60_000)
  expect(device.complaints).toEqual([])
  await device.context.close()
})
