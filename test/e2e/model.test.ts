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
  await exchange.finish()
  await device.page.locator('[data-testid=message][data-role=assistant]', { hasText: 'Once upon a time.' }).waitFor()
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
  await device.page.locator('[data-testid=message][data-role=assistant]', { hasText: /offline agent/i }).last().waitFor()
  expect(model.exchanges).toHaveLength(before)
  await device.page.getByTestId('agent').selectOption({ label: 'rig-1' })
  await until('the choice is taken', async () => await device.page.getByTestId('agent').inputValue() === 'assistant')
})

it('an error of the model ends the run with its reason on screen, and the key stands nowhere', { timeout: 60_000 }, async () => {
  await write(device.page, 'And now?')
  await (await model.next()).fail(401, { error: { message: 'Incorrect API key provided: sk-test-secret', type: 'invalid_request_error' } })
  await device.page.getByTestId('reply-error').waitFor()
  expect(await device.page.getByTestId('reply-error').textContent()).toMatch(/401|Incorrect API key/)
  expect(await device.page.content()).not.toContain('sk-test-secret')
  const transitions = world.server.log.filter(({ msg }) => msg === 'run').map(({ state }) => state)
  expect(transitions).toContain('error')
  expect(JSON.stringify(world.server.log)).not.toContain('sk-test-secret')
  expect(JSON.stringify(world.server.log)).not.toContain('Tell me a story')
  expect(device.complaints).toEqual([])
})
