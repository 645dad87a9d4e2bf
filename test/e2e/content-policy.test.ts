/** The app lives under its strict content policy: it breaks it nowhere, and what is put into its page does not run. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { converse, makeDeviceLink, openSignOut, plugInAuthenticator, signUp } from '../rig/app-pages.ts'
import { openDevice, shownMessages, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld()
})
afterAll(() => world?.close())

const MARKDOWN = '# Title\n\n**bold** `code`\n\n```js\nalert(1)\n```\n\n| a | b |\n|:-:|---|\n| 1 | 2 |\n\n- [x] done\n\n[link](https://example.org)'
  + '\n\n<p style="color:red" onclick="alert(1)">raw</p><script>window.broken = 1</script><img src=x onerror="window.broken = 1">'

const watch = async (url: string): Promise<Device & { violations: string[] }> => {
  const device = await openDevice(world.browser, url)
  const violations: string[] = []
  await device.context.exposeFunction('noteViolation', (text: string) => { violations.push(text) })
  await device.context.addInitScript(`addEventListener('securitypolicyviolation', e => noteViolation(e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sample))`)
  return { ...device, violations }
}

it('a conversation with markdown, a share dialog, a reload: no violation; a script, a style and a frame of somebody else: none runs', { timeout: 120_000 }, async () => {
  const { page, context, goto, complaints, violations } = await watch(addressOf(world.line))
  await goto('/')
  await page.getByTestId('new-chat').first().click()
  await write(page, MARKDOWN)
  await page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  await page.getByTestId('share').click()
  await page.getByTestId('share-make').click()
  await page.getByTestId('share-link').waitFor()
  await page.keyboard.press('Escape')
  await page.reload()
  await until('the messages are back', async () => (await shownMessages(page)).length >= 2)
  expect([violations, complaints]).toEqual([[], []])
  expect(await page.locator('.avatar').first().evaluate(node => getComputedStyle(node).getPropertyValue('--hue'))).not.toBe('')

  await page.evaluate(() => {
    const script = document.createElement('script')
    script.textContent = 'window.broken = 1'
    const button = document.createElement('button')
    button.setAttribute('onclick', 'window.broken = 1')
    const box = document.createElement('div')
    box.innerHTML = '<p style="color: rgb(1, 2, 3)">x</p>'
    const frame = document.createElement('iframe')
    frame.src = 'https://example.org/'
    document.body.append(script, button, box, frame)
    button.click()
    const probe = window as Window & { colour?: string }
    probe.colour = getComputedStyle(box.firstElementChild!).color
  })
  expect(await page.evaluate(() => (window as Window & { broken?: number, colour?: string }).broken)).toBeUndefined()
  expect(await page.evaluate(() => (window as Window & { colour?: string }).colour)).not.toBe('rgb(1, 2, 3)')
  await until('each is noted', () => ['script-src-elem', 'script-src-attr', 'style-src-attr', 'frame-src'].every(kind =>
    violations.some(each => each.startsWith(kind))))
  const reached = await page.evaluate(() => fetch('https://example.org/').then(() => true, () => false))
  expect(reached).toBe(false)
  await until('that is noted', () => violations.some(each => each.startsWith('connect-src')))
  await context.close()
})

it('every page of accounts, devices, links and addresses without anything: no violation', { timeout: 120_000 }, async () => {
  const device = await watch(`http://localhost:${world.server.port}`)
  const { page, context, complaints, violations } = device
  for (const path of ['/', '/sign-in', '/forgot', '/reset#code', '/confirm#code', '/link#code', '/c/word', '/elsewhere', '/join#secret', '/shared#secret']) {
    await device.goto(path)
    await page.getByRole('heading').first().waitFor()
  }
  await device.goto('/')
  await signUp(device, 'strict@example.org')
  await plugInAuthenticator(device)
  await device.goto('/account')
  await page.getByTestId('passkey-name').fill('Key')
  await page.getByTestId('add-passkey').click()
  await page.getByTestId('passkeys').waitFor()
  await page.getByTestId('sessions').locator('li').first().waitFor()
  await makeDeviceLink(device)
  // The code is an image of the page's own making.
  await until('it is drawn', () => page.getByAltText('QR code of the link').evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth > 0))
  await page.getByTestId('delete').click()
  await page.getByTestId('delete-password').waitFor()
  const path = await converse(device, 'Read by a link')
  await page.getByTestId('share').click()
  await page.getByLabel('read without an account').check()
  await page.getByTestId('share-make').click()
  const { pathname, hash } = new URL(await page.getByTestId('share-link').inputValue())
  await device.goto(pathname + hash)
  await page.getByTestId('reading-banner').waitFor()
  await device.goto(path)
  await openSignOut(device)
  expect([violations, complaints]).toEqual([[], []])
  await context.close()
})
