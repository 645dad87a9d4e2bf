/** Where the keyboard is after a page, a dialog or a field has gone: where a person goes on, and no phone shows its keys unasked. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { converse, menuOf, openSignOut, PHONE, replies, signUp } from '../rig/app-pages.ts'
import { openDevice, shareDevices } from '../rig/browser.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
/** Slow enough to be stopped in `/slow`. */
beforeAll(async () => { world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '5' }) })
afterAll(() => world?.close())

const phones = shareDevices(() => openDevice(world.browser, world.server.url, PHONE))
const desks = shareDevices(() => openDevice(world.browser, world.server.url))

/** What has the focus: its test id, else what kind of element it is and what stands in it. */
const focused = (page: Page): Promise<string> => page.evaluate(() => {
  const { activeElement } = document
  const named = activeElement?.getAttribute('data-testid')
  return named ?? `${activeElement?.localName ?? 'none'}: ${activeElement?.textContent?.trim() ?? ''}`
})
const expectFocus = (page: Page, wanted: string): Promise<void> => expect.poll(() => focused(page), { timeout: 10_000 }).toBe(wanted)

it('on a phone each page begins at its heading, and the list where one comes back from', { timeout: 60_000 }, async () => {
  const device = await phones.take()
  const { page } = device
  await device.goto('/')
  await menuOf(page, 'guest').waitFor()
  expect(await focused(page)).toMatch(/^body/)
  await converse(device, 'First things first')
  await page.getByTitle('All conversations').tap()
  await converse(device, 'Then the second')
  await page.getByTitle('All conversations').tap()
  await expectFocus(page, 'conversation-item')
  expect(await page.locator('[data-testid=conversation-item]:focus').textContent()).toContain('Then the second')
  await page.getByTestId('conversation-item').getByText('First things first').first().tap()
  await expectFocus(page, 'title')
  await page.goBack()
  await expectFocus(page, 'conversation-item')
  expect(await page.locator('[data-testid=conversation-item]:focus').textContent()).toContain('First things first')
  await page.getByTestId('to-devices').tap()
  await expectFocus(page, 'h1: Devices and data')
  await page.getByTitle('Back').tap()
  await until('the keyboard is at the list', () => page.evaluate(() => document.activeElement?.localName === 'nav'))
  await page.getByTestId('to-sign-in').tap()
  await expectFocus(page, 'h1: Sign in')
  await page.getByRole('link', { name: 'Create an account' }).tap()
  await expectFocus(page, 'h1: Create an account')
  await page.goBack()
  await expectFocus(page, 'h1: Sign in')
  expect(device.complaints).toEqual([])
  phones.leave(device)
})

it('on a phone a message that is sent leaves the keyboard as it was, up or away', { timeout: 60_000 }, async () => {
  const device = await phones.take()
  const { page } = device
  const composer = page.getByTestId('composer')
  await device.goto('/')
  await page.getByTestId('new-chat').first().tap()
  await expectFocus(page, 'title')
  await composer.tap()
  await composer.pressSequentially('Still typing')
  await page.getByTestId('send').tap()
  await page.getByTestId('message').first().waitFor()
  expect(await focused(page)).toBe('composer')
  await composer.pressSequentially('Put away')
  await composer.evaluate((field: HTMLElement) => field.blur())
  await page.getByTestId('send').tap()
  await page.getByTestId('message').getByText('Put away').first().waitFor()
  expect(await focused(page)).not.toBe('composer')
  await device.context.close()
})

it('with keys what is done to a row leaves the keyboard beside it, in lists and among messages', { timeout: 60_000 }, async () => {
  const device = await desks.take()
  const { page } = device
  await device.goto('/')
  await converse(device, 'Rows')
  await page.getByTestId('regenerate').press('Enter')
  await page.getByTestId('alternatives').filter({ hasText: '2/2' }).waitFor()
  await expectFocus(page, 'composer')
  await page.getByTitle('Good answer').focus()
  await page.getByRole('button', { name: 'Previous version' }).press('Enter')
  await page.getByTestId('alternatives').filter({ hasText: '1/2' }).waitFor()
  expect(await page.locator('button:focus').getAttribute('aria-label')).toBe('Next version')
  await page.locator('button:focus').press('Enter')
  await page.getByTestId('alternatives').filter({ hasText: '2/2' }).waitFor()
  expect(await page.locator('button:focus').getAttribute('aria-label')).toBe('Previous version')

  await page.getByTestId('composer').fill('/slow')
  await page.getByTestId('composer').press('Enter')
  await page.getByTestId('stop').press('Enter')
  await page.getByTestId('reply-ending').waitFor()
  await expectFocus(page, 'composer')
  await page.getByRole('button', { name: 'Try again' }).press('Enter')
  await expectFocus(page, 'composer')
  await page.getByTestId('stop').press('Enter')
  await page.getByTestId('alternatives').nth(1).waitFor()
  const asked = page.locator('[data-testid=message][data-role=user]').last()
  await asked.getByTitle('Remove this message').press('Enter')
  await page.keyboard.press('Enter')
  await asked.getByText('/slow').waitFor({ state: 'detached' })
  await until('the keyboard is among the messages', () => page.evaluate(() => document.activeElement !== document.body))
  expect(await replies(page).count()).toBeGreaterThan(0)

  await page.getByTestId('prompt-open').press('Enter')
  for (const name of ['One', 'Two']) {
    await page.getByTestId('new-prompt').click()
    await page.getByTestId('prompt-name').fill(name)
    await page.getByTestId('prompt-text').fill(name)
    await page.getByTestId('keep-prompt').press('Enter')
    await page.getByTestId('prompt').filter({ hasText: name }).waitFor()
  }
  const removePrompt = async (name: string): Promise<void> => {
    await page.getByTitle(`Delete “${name}”`).press('Enter')
    await page.keyboard.press('Enter')
    await page.getByTestId('prompt').filter({ hasText: name }).waitFor({ state: 'detached' })
  }
  await removePrompt('One')
  await expectFocus(page, 'choose-prompt')
  await page.keyboard.press('Enter')
  await expectFocus(page, 'edit-prompt')
  await removePrompt('Two')
  await expectFocus(page, 'h3: Prompts that you keep')
  expect(device.complaints).toEqual([])
  desks.leave(device)
})

it('with keys a conversation begins at its composer, and what opened a dialog or a field has the keyboard again', { timeout: 60_000 }, async () => {
  const device = await desks.take()
  const { page } = device
  await device.goto('/')
  await signUp(device, 'focus@example.org', 'Fay')
  await expectFocus(page, 'h1: Start a conversation')
  await converse(device, 'Keys everywhere')
  expect(await focused(page)).toBe('composer')
  await page.getByTestId('title').getByRole('button').press('Enter')
  await page.getByTestId('title-field').press('Escape')
  expect(await page.getByTestId('title').locator('button:focus').count()).toBe(1)
  await page.getByTestId('title').getByRole('button').press('Enter')
  await page.getByTestId('title-field').fill('Renamed')
  await page.getByTestId('title-field').press('Enter')
  expect(await page.getByTestId('title').locator('button:focus').count()).toBe(1)
  await page.getByTestId('prompt-open').press('Enter')
  await page.getByTestId('new-prompt').click()
  expect(await focused(page)).toBe('prompt-name')
  await page.getByTestId('prompt-name').fill('Pirate')
  await page.getByTestId('prompt-text').fill('Arr')
  await page.getByTestId('keep-prompt').press('Enter')
  await expectFocus(page, 'new-prompt')
  await page.keyboard.press('Escape')
  await expectFocus(page, 'prompt-open')
  await page.locator('[data-testid=account-menu] a[href="/account"]').press('Enter')
  await expectFocus(page, 'h1: Your account')
  await page.goBack()
  await expectFocus(page, 'composer')
  // What opened the dialog is gone when it has done its work.
  await page.locator('nav a.name').press('Enter')
  await openSignOut(device)
  await page.getByTestId('sign-out-now').click()
  await menuOf(page, 'guest').waitFor()
  await expectFocus(page, 'h1: Start a conversation')
  expect(device.complaints).toEqual([])
  await device.context.close()
})
