/** A language model behind the app in Chromium: its reply as it comes, stopped, continued, failed. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDevice, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { startModelServer } from '../rig/model-server.ts'
import type { ModelServer } from '../rig/model-server.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
let model: ModelServer
let device: Device

beforeAll(async () => {
  model = await startModelServer()
  world = await startBrowserWorld({ SKEIN_AUTH: 'none', OPENAI_BASE_URL: model.baseURL, OPENAI_API_KEY: 'sk-test-secret', SKEIN_MODEL: 'rig-1' })
  device = await openDevice(world.browser, world.server.url)
  await device.goto('/')
  await device.page.getByTestId('new-chat').first().click()
})

afterAll(async () => {
  await world?.close()
  await model?.close()
})

const shown = async (): Promise<string> => (await device.page.getByTestId('draft').last().textContent()) ?? ''

it('tokens of the model stand on screen as they come', { timeout: 60_000 }, async () => {
  await write(device.page, 'Tell me a story')
  const exchange = await model.next()
  expect(exchange.body).toMatchObject({ model: 'rig-1', stream: true })
  expect(exchange.body.messages.at(-1)).toMatchObject({ role: 'user' })
  await exchange.token('Once ')
  await until('the first token is shown', async () => (await device.page.getByTestId('draft').count()) > 0 && (await shown()).includes('Once'))
  await exchange.token('upon a ')
  await until('the next ones are shown', async () => (await shown()).includes('Once upon a'))
  await exchange.token('time.')
  await exchange.finish({ usage: { input: 1200, output: 3 } })
  await device.page.locator('[data-testid=message][data-role=assistant]', { hasText: 'Once upon a time.' }).waitFor()
  await device.page.getByTestId('reply-facts').click()
  expect(await device.page.getByTestId('facts-list').textContent()).toMatch(/Modelrig-1.*1,200 tokens.*3 tokens/)
})

it('somebody else is asked for another answer, with keys alone, and stands beside it', { timeout: 60_000 }, async () => {
  const { page } = device
  await page.getByTestId('ask-other').press('Enter')
  await page.getByTestId('others').waitFor()
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByTestId('alternatives').filter({ hasText: '2/2' }).waitFor()
  expect(await page.locator('[data-testid=message][data-role=assistant]').textContent()).toContain('Skein offline agent')
  expect(await page.getByTestId('others').count()).toBe(1)
  await page.getByRole('button', { name: 'Previous version' }).click()
  await page.locator('[data-testid=message][data-role=assistant]', { hasText: 'Once upon a time.' }).waitFor()
  // The version that is not shown was paid for, too.
  await page.getByTestId('reply-facts').click()
  expect(await page.getByTestId('usage').textContent()).toMatch(/^2 replies, /)
})

it('of two replies at once one is stopped, and the other one goes on', { timeout: 60_000 }, async () => {
  const { page } = device
  await write(page, 'One')
  const one = await model.next()
  await one.token('Of one')
  await page.getByTestId('draft').filter({ hasText: 'Of one' }).waitFor()
  expect(await page.getByTestId('stop-one').count()).toBe(0)
  await write(page, 'Two')
  const two = await model.next()
  await page.getByTestId('waiting').waitFor()
  expect(await page.getByTestId('stop').textContent()).toContain('Stop all 2 replies')
  await page.getByTestId('draft').getByTestId('stop-one').press('Enter')
  expect(await one.aborted).toBeGreaterThan(0)
  await page.getByTestId('reply-ending').filter({ hasText: 'Stopped' }).waitFor()
  expect(await page.getByTestId('stop-one').count()).toBe(0)
  expect(two.abortedAt).toBeNull()
  await two.token('Of two.')
  await two.finish()
  await page.locator('[data-testid=message][data-role=assistant]', { hasText: 'Of two.' }).waitFor()
})

it('a text of a megabyte is neither measured nor searched at every key, and leaves the messages their room', { timeout: 60_000 }, async () => {
  const { page } = device
  const composer = page.getByTestId('composer')
  await composer.fill('All work and no play. '.repeat(50_000))
  const measured = await composer.evaluate((field: HTMLTextAreaElement) => {
    let times = 0
    Object.defineProperty(field, 'scrollHeight', { configurable: true, get: () => ++times })
    field.dispatchEvent(new InputEvent('input', { bubbles: true }))
    return new Promise<number>(resolve => requestAnimationFrame(() => resolve(times)))
  })
  expect(measured).toBe(0)
  expect(await composer.evaluate(field => getComputedStyle(field).unicodeBidi)).not.toBe('plaintext')
  expect((await composer.boundingBox())!.height).toBeLessThan(800 / 2)
  await composer.evaluate((field: HTMLTextAreaElement) => Reflect.deleteProperty(field, 'scrollHeight'))
  await composer.fill('')
  await until('it is one line again', async () => (await composer.boundingBox())!.height < 60)
  expect(await composer.evaluate(field => getComputedStyle(field).unicodeBidi)).toBe('plaintext')
})

it('stop ends the request at the model and keeps what was written', { timeout: 60_000 }, async () => {
  await write(device.page, 'A long one, please')
  const exchange = await model.next()
  await exchange.token('This will never ')
  await until('it is shown', async () => (await device.page.getByTestId('draft').count()) > 0 && (await shown()).includes('This will never'))
  await device.page.getByTestId('stop').click()
  expect(await exchange.aborted).toBeGreaterThan(0)
  await device.page.locator('[data-testid=message][data-role=assistant]', { hasText: 'This will never' }).waitFor()
  await device.page.getByTestId('stop').waitFor({ state: 'detached' })
})

it('a stopped reply goes on from where it ended when that is asked for', { timeout: 60_000 }, async () => {
  await device.page.getByRole('button', { name: 'Continue' }).last().click()
  const exchange = await model.next()
  expect(JSON.stringify(exchange.body.messages)).toContain('This will never ')
  await until('what was said stands there while more is written', async () => (await device.page.getByTestId('draft').count()) > 0 && (await shown()).includes('This will never'))
  await exchange.token('end, or will it?')
  await exchange.finish()
  await device.page.locator('[data-testid=message][data-role=assistant]', { hasText: 'This will never end, or will it?' }).waitFor()
})

it('who answers can be chosen for the conversation', { timeout: 60_000 }, async () => {
  const before = model.exchanges.length
  await device.page.getByTestId('agent').selectOption({ label: 'Skein offline agent' })
  await until('the choice is taken', async () => await device.page.getByTestId('agent').inputValue() === 'skein-offline')
  await write(device.page, '/help')
  // Whole, and not its draft: it would be told of after the next one.
  await device.page.locator('p.unseen[aria-live]', { hasText: 'Skein offline agent replied: ' }).waitFor({ state: 'attached' })
  expect(model.exchanges).toHaveLength(before)
  await device.page.getByTestId('agent').selectOption({ label: 'rig-1' })
  await until('the choice is taken', async () => await device.page.getByTestId('agent').inputValue() === 'assistant')
})

it('an error of the model ends the run with its reason on screen, and the key stands nowhere', { timeout: 60_000 }, async () => {
  await write(device.page, 'And now?')
  await (await model.next()).fail(401, { error: { message: 'Incorrect API key provided: sk-test-secret', type: 'invalid_request_error' } })
  await device.page.getByTestId('reply-error').waitFor()
  expect(await device.page.getByTestId('reply-error').textContent()).toMatch(/401: Incorrect API key.*Your message is saved.*choose another model/)
  await device.page.locator('p.unseen[aria-live]', { hasText: 'rig-1 did not reply: ' }).waitFor({ state: 'attached' })
  expect(await device.page.content()).not.toContain('sk-test-secret')
  await until('the log tells of it', () => world.server.log.some(({ msg, state }) => msg === 'run' && state === 'error'))
  expect(JSON.stringify(world.server.log)).not.toContain('sk-test-secret')
  expect(JSON.stringify(world.server.log)).not.toContain('Tell me a story')
  expect(device.complaints).toEqual([])
})
