/** The app lives under its strict content policy: it breaks it nowhere, and what is put into its page does not run. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accountPages, accountPath } from '../../client/app/state/route.ts'
import { routes } from '../../shared/api/routes.ts'
import {
  addDevice, converse, makeDeviceLink, openSignOut, PASSWORD, plugInAuthenticator, removeOtherDevice, replies, signUp
} from '../rig/app-pages.ts'
import { openDevice, shareWith, shownMessages, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { httpBrowser } from '../rig/http-browser.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { ModelServer } from '../rig/model-server.ts'
import { temporaryFolder } from '../rig/server-process.ts'
import { until } from '../rig/until.ts'

const MARKDOWN = '# Title\n\n**bold** `code`\n\n```js\nalert(1)\n```\n\n| a | b |\n|:-:|---|\n| 1 | 2 |\n\n- [x] done\n\n[link](https://example.org)'
  + '\n\n<p style="color:red" onclick="alert(1)">raw</p><script>window.broken = 1</script><img src=x onerror="window.broken = 1">'

let world: BrowserWorld
let model: ModelServer
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  [model, folder] = await Promise.all([startModelServer(), temporaryFolder()])
  model.answerWith(async exchange => {
    await exchange.reasoning('Let me think.')
    await exchange.source('https://example.org/roses', 'Roses')
    await exchange.token(MARKDOWN)
    await exchange.finish()
  })
  const [models, book] = [join(folder.path, 'models.json'), join(folder.path, 'book')]
  const setup = { provider: 'openai-compatible', baseUrl: model.baseURL, model: 'rig-1' }
  await writeFile(models, JSON.stringify([
    { ...setup, id: 'large', name: 'Large' }, { ...setup, id: 'small', name: 'Small', contextTokens: 2000 },
    // A server that speaks another protocol.
    { id: 'odd', name: 'Odd', provider: 'anthropic', baseUrl: model.baseURL, model: 'c', storedKey: 'odd' },
  ]))
  await mkdir(book)
  await writeFile(join(book, 'todo.md'), 'Water the roses.')
  world = await startBrowserWorld({ SKEIN_MODELS: models, SKEIN_CONTEXT_ROOTS: book, SKEIN_CONTEXT_PEOPLE: '*' })
})
afterAll(async () => {
  await world?.close()
  await model?.close()
  await folder?.remove()
})

type Watched = Device & { violations: string[] }
const watch = async (url: string): Promise<Watched> => {
  const device = await openDevice(world.browser, url)
  const violations: string[] = []
  await device.context.exposeFunction('noteViolation', (text: string) => { violations.push(text) })
  await device.context.addInitScript(`addEventListener('securitypolicyviolation', e => noteViolation(e.effectiveDirective + ' ' + e.blockedURI + ' ' + e.sample))`)
  return { ...device, violations }
}
const expectNoViolation = async (...devices: Watched[]): Promise<void> => {
  expect(devices.flatMap(({ violations, complaints }) => [...violations, ...complaints])).toEqual([])
  for (const { context } of devices) await context.close()
}
const byName = (): string => `http://localhost:${world.server.port}`

it('a conversation with markdown, a share dialog, a reload: no violation; a script, a style and a frame of somebody else: none runs', { timeout: 120_000 }, async () => {
  const { page, context, goto, complaints, violations } = await watch(addressOf(world.line))
  await goto('/')
  await page.getByTestId('new-chat').first().click()
  await write(page, MARKDOWN)
  await replies(page).first().waitFor()
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

it('every address, of a guest: no violation', { timeout: 120_000 }, async () => {
  const device = await watch(world.server.url)
  const { page } = device
  const paths = ['/', ...accountPages.map(accountPath), '/reset#code', '/confirm#code', '/sign-up#code', '/sign-in?error=access_denied',
    '/devices', '/link#code', '/c/word', '/elsewhere', '/join#secret', '/shared#secret']
  for (const path of paths) {
    await device.goto(path)
    await page.getByRole('heading').first().waitFor()
  }
  await device.goto('/join#secret')
  await page.getByTestId('join').click()
  await page.getByTestId('join-error').waitFor()
  await expectNoViolation(device)
})

it('an account, the admin of the server, its devices, one that it removes, a link to read by, and signing out: no violation', { timeout: 120_000 }, async () => {
  const device = await watch(byName())
  const { page } = device
  await device.goto('/')
  await signUp(device, 'strict@example.org')
  await plugInAuthenticator(device)
  await device.goto('/account')
  await page.getByTestId('passkey-name').fill('Key')
  await page.getByTestId('add-passkey').click()
  await page.getByTestId('passkeys').waitFor()
  await page.getByTestId('sessions').locator('li').first().waitFor()

  // Who came first is the admin.
  const other = { email: 'grace@example.org', password: PASSWORD, name: 'Grace' }
  expect((await httpBrowser(world.server.url).post(routes.auth.signUp(), other)).status).toBe(200)
  await device.goto('/admin')
  const row = page.locator('[data-testid=account][data-email="grace@example.org"]')
  await row.locator('summary').click()
  await row.getByTestId('make-reset-link').click()
  await row.getByTestId('reset-link').waitFor()
  await row.getByTestId('toggle-disabled').click()
  await row.getByText('disabled', { exact: true }).waitFor()
  const key = page.locator('[data-testid=provider-key][data-name=odd]')
  await key.getByTestId('key').fill('sk-ant-0123456789-WXYZ')
  await key.getByTestId('store-key').click()
  await key.getByText('a key that ends in WXYZ is stored').waitFor()
  await page.getByTestId('policy').waitFor()

  await makeDeviceLink(device)
  // The code is an image of the page's own making.
  await until('it is drawn', () => page.getByAltText('QR code of the link').evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth > 0))
  await page.getByTestId('delete').click()
  await page.getByTestId('delete-password').waitFor()
  const phone = await watch(byName())
  await addDevice(device, phone)
  await removeOtherDevice(device)
  await phone.page.getByTestId('removed').waitFor()

  const path = await converse(device, 'Read by a link')
  await page.getByTestId('share').click()
  await page.getByLabel('read without an account').check()
  await page.getByTestId('share-make').click()
  const { pathname, hash } = new URL(await page.getByTestId('share-link').inputValue())
  await device.goto(pathname + hash)
  await page.getByTestId('reading-banner').waitFor()
  await device.goto(path)
  await openSignOut(device)
  await expectNoViolation(device, phone)
})

it('all that stands around a conversation, for two people, offline too: no violation', { timeout: 120_000 }, async () => {
  const [device, guest] = [await watch(addressOf(world.line)), await watch(world.server.url)]
  const { page } = device
  await device.goto('/')
  await page.getByTestId('new-chat').first().click()
  await page.getByTestId('prompt-open').click()
  await page.getByTestId('new-prompt').click()
  await page.getByTestId('prompt-name').fill('Pirate')
  await page.getByTestId('prompt-text').fill('Speak like a pirate.')
  await page.getByTestId('keep-prompt').click()
  await page.getByTestId('choose-prompt').click()
  await page.keyboard.press('Escape')
  await page.getByTestId('mode').selectOption('plan')
  await page.getByTestId('context-open').click()
  await page.getByTestId('context-path').fill('book/')
  await page.getByTestId('context-add').click()
  await write(page, `All about gardens. ${'Roses are planted in autumn. '.repeat(170)}`)
  await replies(page).first().waitFor()
  await page.getByTestId('files-given').locator('summary').click()
  await page.getByTestId('agent').selectOption('small')
  await write(page, 'And in winter?')
  await replies(page).nth(1).waitFor()
  await page.getByTestId('summary').locator('summary').click()
  await replies(page).nth(1).hover()
  await replies(page).nth(1).getByTestId('regenerate').click()
  await page.getByTestId('alternatives').waitFor()
  await page.getByTestId('agent').selectOption('odd')
  await write(page, 'Are you there?')
  await page.getByTestId('reply-error').waitFor()

  await shareWith(page, guest)
  await guest.page.getByTestId('message').first().waitFor()
  await page.getByTestId('answers').waitFor()
  await page.getByTestId('composer').pressSequentially('@la')
  await page.getByTestId('mention').first().waitFor()
  await page.getByTestId('share').click()
  await page.locator('[data-testid=member]:not([data-role=owner])').getByTestId('member-role').selectOption('viewer')
  await guest.page.getByTestId('composer-blocked').waitFor()
  await page.locator('[data-testid=member]:not([data-role=owner])').getByRole('button', { name: /^Remove/ }).click()
  await page.getByRole('button', { name: 'Remove?' }).click()
  await guest.page.getByRole('heading', { name: 'This conversation is not here for you' }).waitFor()
  await page.keyboard.press('Escape')
  world.line.cut()
  await page.getByTestId('offline-banner').waitFor()
  world.line.restore()
  await page.getByTestId('offline-banner').waitFor({ state: 'detached' })
  await expectNoViolation(device, guest)
})
