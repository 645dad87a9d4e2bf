/** What a model is told, on real pages before a real server: system prompts, modes, files, and summaries. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PHONE } from '../rig/app-pages.ts'
import { openDevice, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { Exchange, ModelServer } from '../rig/model-server.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
let model: ModelServer
let folder: string
const pictures = process.env['SKEIN_SCREENSHOTS']
const shoot = async ({ page }: Device, name: string): Promise<void> => {
  if (pictures) await page.screenshot({ path: join(pictures, `context-${name}.png`) })
}
const phone = { ...PHONE, colorScheme: 'dark' } as const
const replies = ({ page }: Device) => page.locator('[data-testid=message][data-role=assistant]')
const answer = async (text: string): Promise<Exchange> => {
  const exchange = await model.next()
  await exchange.token(text)
  await exchange.finish()
  return exchange
}

beforeAll(async () => {
  model = await startModelServer()
  folder = await mkdtemp(join(tmpdir(), 'skein-test-'))
  const setup = { provider: 'openai-compatible', baseUrl: model.baseURL }
  const models = [{ ...setup, id: 'large', name: 'Large', model: 'large-1' }, { ...setup, id: 'small', name: 'Small', model: 'small-1', contextTokens: 2000 }]
  await writeFile(join(folder, 'models.json'), JSON.stringify(models))
  await mkdir(join(folder, 'book'))
  await writeFile(join(folder, 'book', 'todo.md'), 'Water the roses.\n')
  await writeFile(join(folder, 'book', 'rose.png'), Buffer.from([0]))
  world = await startBrowserWorld({ SKEIN_AUTH: 'none', SKEIN_MODELS: join(folder, 'models.json'), SKEIN_CONTEXT_ROOTS: join(folder, 'book') })
  if (pictures) await mkdir(pictures, { recursive: true })
})
afterAll(async () => {
  await world?.close()
  await model?.close()
  await rm(folder, { recursive: true, force: true })
})

it('a prompt that is kept on one device is used on another, tells the model, and is there without a network', { timeout: 60_000 }, async () => {
  const [desktop, mobile] = [await openDevice(world.browser, world.server.url), await openDevice(world.browser, world.server.url, phone)]
  for (const device of [desktop, mobile]) {
    await device.goto('/')
    await device.page.getByTestId('new-chat').first().click()
    await device.page.getByTestId('prompt-open').click()
  }
  await desktop.page.getByTestId('new-prompt').click()
  await desktop.page.getByTestId('prompt-name').fill('Pirate')
  await desktop.page.getByTestId('prompt-text').fill('Speak like a pirate.')
  await shoot(desktop, 'prompt-new-desktop-light')
  await desktop.page.getByTestId('keep-prompt').click()

  await mobile.page.getByTestId('choose-prompt').click()
  await until('it is in force', async () => (await mobile.page.getByTestId('system').inputValue()) === 'Speak like a pirate.')
  await shoot(mobile, 'prompt-phone-dark')
  await mobile.page.keyboard.press('Escape')
  await write(mobile.page, 'Hello')
  const exchange = await answer('Arr!')
  expect(exchange.body.messages[0]).toMatchObject({ role: 'system', content: 'Speak like a pirate.' })
  await replies(mobile).first().waitFor()

  await until('the page can start without a network', () => mobile.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state === 'activated'))
  await mobile.context.setOffline(true)
  await mobile.page.reload()
  await mobile.page.getByTestId('prompt-open').click()
  await mobile.page.getByTestId('prompt').waitFor()
  expect(await mobile.page.getByTestId('prompt').textContent()).toContain('Pirate')
  await mobile.page.getByTestId('edit-prompt').click()
  await mobile.page.getByTestId('prompt-name').fill('Captain')
  await mobile.page.getByTestId('keep-prompt').click()
  await mobile.context.setOffline(false)
  await desktop.page.getByTestId('prompt').filter({ hasText: 'Captain' }).waitFor()
  expect([...desktop.complaints, ...mobile.complaints]).toEqual([])
  await Promise.all([desktop.context.close(), mobile.context.close()])
})

it('what was summarised for a small model stands folded where it ends, on a phone too', { timeout: 60_000 }, async () => {
  const ada = await openDevice(world.browser, world.server.url, phone)
  await ada.goto('/')
  await ada.page.getByTestId('new-chat').first().click()
  await write(ada.page, `All about gardens. ${'Roses are planted in autumn. '.repeat(170)}`)
  await answer('A fine garden.')
  await replies(ada).first().waitFor()
  expect(await ada.page.getByTestId('summary').count()).toBe(0)
  await ada.page.getByTestId('agent').selectOption('small')
  await write(ada.page, 'And in winter?')
  await answer('Ada told when **roses** are planted.')
  const told = await answer('They sleep.')
  expect(JSON.stringify(told.body.messages)).toContain('Ada told when **roses** are planted.')
  await replies(ada).nth(1).waitFor()
  const notice = ada.page.getByTestId('summary')
  await notice.waitFor()
  expect(await notice.textContent()).toContain('more than Small reads at once')
  await notice.scrollIntoViewIfNeeded()
  await shoot(ada, 'summary-folded-phone-dark')
  await notice.locator('summary').click()
  await notice.locator('strong').waitFor()
  await shoot(ada, 'summary-phone-dark')
  expect(ada.complaints).toEqual([])
  await ada.context.close()
})

it('files of the server go with a message, and the reply says which were read; in the mode that was chosen', { timeout: 60_000 }, async () => {
  const ada = await openDevice(world.browser, world.server.url, { colorScheme: 'dark' })
  await ada.goto('/')
  await ada.page.getByTestId('new-chat').first().click()
  await ada.page.getByTestId('mode').selectOption('plan')
  await until('the mode is taken', async () => (await ada.page.getByTestId('mode').inputValue()) === 'plan')
  await ada.page.getByTestId('context-open').click()
  await ada.page.getByTestId('context-path').fill('/etc/passwd')
  await ada.page.getByTestId('context-add').click()
  expect(await ada.page.getByTestId('context-problem').textContent()).toBe('Nothing here is called “etc”. Paths begin with book/.')
  await ada.page.getByTestId('context-path').fill('book/')
  await ada.page.getByTestId('context-add').click()
  await write(ada.page, 'What is to be done?')
  const exchange = await answer('First this, then that.')
  const told = JSON.stringify(exchange.body.messages)
  expect(told).toContain('Water the roses.')
  expect(told).toContain('You are asked for a plan')
  const notice = ada.page.getByTestId('files-given')
  await notice.waitFor()
  expect(await notice.textContent()).toMatch(/Read 1 file, 1 kB; 1 left out/)
  await notice.locator('summary').click()
  expect(await ada.page.getByTestId('context').textContent()).toContain('book/')
  expect(await ada.page.getByTestId('context-chosen').count()).toBe(0)
  await shoot(ada, 'files-desktop-dark')
  expect(ada.complaints).toEqual([])
  await ada.context.close()
})
