// One story in a real browser, from a guest's first words to somebody who is removed: at each step everybody's screen is true.

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  askToBeAdded, confirmDevice, converse, makeDeviceLink, menuOf, openSignOut, PHONE, plugInAuthenticator, removeOtherDevice, replies,
  shoot, signUp
} from '../rig/app-pages.ts'
import { openDevice, shownMessages, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
let ada: Device
let phone: Device
let bob: Device
/** Of Ada's conversation. */
let path: string

/** Passkeys are for names, not for addresses. */
const open = (options: Parameters<typeof openDevice>[2] = {}): Promise<Device> =>
  openDevice(world.browser, `http://localhost:${world.server.port}`, options)

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
  ada = await open({ permissions: ['clipboard-read', 'clipboard-write'] })
  phone = await open(PHONE)
  bob = await open()
})
afterAll(() => world?.close())

/** Each test is many steps: beside another browser the longest took half a minute. */
const STEP = { timeout: 120_000 }
const SAID = 'Plans for the garden wall'
const words = async (page: Page): Promise<string> => (await page.locator('main').innerText()).replace(/\s+/g, ' ')
const listOf = async (page: Page): Promise<string> => await page.locator('nav').textContent() ?? ''
const other = (page: Page) => page.locator('[data-testid=member]:not([data-role=owner])')
/** What the server answers this browser at addresses of the conversation. */
const answers = ({ context }: Device): Promise<number[]> => {
  const base = `http://localhost:${world.server.port}/api/conversations/${path.slice('/c/'.length)}`
  return Promise.all(['/messages', '/members', '/invitations', '/share-links'].map(async end => (await context.request.get(base + end)).status()))
}

it('a guest writes, and is told to be one', STEP, async () => {
  await ada.goto('/')
  expect(await menuOf(ada.page, 'guest').innerText()).toMatch(/^You are here as a guest, \w+/)
  path = await converse(ada, SAID)
  await ada.page.locator('[data-delivery=saved]').first().waitFor()
  await shoot(ada.page, 'story-01-guest')
})

it('who signs up has what they wrote as a guest', STEP, async () => {
  await signUp(ada, 'ada@example.org', 'Ada Lovelace')
  expect(await menuOf(ada.page, 'user').innerText()).toContain('Ada Lovelace')
  await ada.page.getByTestId('conversation-item').getByText(SAID).first().click()
  await replies(ada.page).first().waitFor()
  expect((await shownMessages(ada.page))[0]).toBe(SAID)
  await ada.page.locator('[data-testid=message].own').waitFor()
  await shoot(ada.page, 'story-02-signed-up')
})

it('adds a passkey, signs out, and is signed in by it', STEP, async () => {
  const { page } = ada
  await plugInAuthenticator(ada)
  await menuOf(page, 'user').locator('a[href="/account"]').click()
  await page.getByTestId('passkey-name').fill('This laptop')
  await page.getByTestId('add-passkey').click()
  await page.getByTestId('passkeys').locator('strong').getByText('This laptop').waitFor()
  await shoot(page, 'story-03-passkey')
  await openSignOut(ada)
  expect(await page.getByTestId('unsent-count').count()).toBe(0)
  await shoot(page, 'story-04-sign-out')
  await page.getByTestId('sign-out-now').click()
  await menuOf(page, 'guest').waitFor()
  await until('nothing is left on the device', async () => (await placesOf(page, 'garden wall')).length === 0)
  expect(await page.content()).not.toContain('garden wall')
  expect(await answers(ada)).toEqual([404, 404, 404, 404])
  await page.getByTestId('to-sign-in').click()
  await shoot(page, 'story-05-sign-in')
  await page.getByTestId('passkey-sign-in').click()
  await menuOf(page, 'user').getByText('Ada Lovelace').waitFor()
  await page.getByTestId('conversation-item').getByText(SAID).first().waitFor()
})

it('adds a phone by a link, which asks on both screens and has everything then', STEP, async () => {
  const link = await makeDeviceLink(ada)
  await shoot(ada.page, 'story-06-add-device')
  await phone.goto(link)
  await phone.page.getByText('will be signed in here').waitFor()
  await shoot(phone.page, 'story-07-link')
  const [shown, asked] = await askToBeAdded(ada, phone)
  expect(shown).toMatch(/^\d{4}$/)
  expect(asked).toBe(shown)
  expect(await words(phone.page)).toContain('Ada Lovelace')
  await shoot(ada.page, 'story-08-confirm')
  await shoot(phone.page, 'story-09-waits')
  // Until it is confirmed it is nobody's.
  expect(await answers(phone)).toEqual([404, 404, 404, 404])
  await confirmDevice(ada, phone)
  await menuOf(phone.page, 'user').getByText('Ada Lovelace').waitFor()
  await phone.page.getByTestId('conversation-item').getByText(SAID).first().click()
  await replies(phone.page).first().waitFor()
  expect(await shownMessages(phone.page)).toEqual([SAID, expect.stringMatching(/./)])
  await until('it is on the phone', async () => (await placesOf(phone.page, 'garden wall')).length > 0)
  await until('both are listed', async () => await ada.page.getByTestId('device').count() === 2)
  await shoot(ada.page, 'story-10-devices')
})

it('removes the phone, which says so and keeps nothing', STEP, async () => {
  await removeOtherDevice(ada)
  await phone.page.getByTestId('removed').waitFor()
  expect(await words(phone.page)).toMatch(/This device was removed.*Ada Lovelace.*conversations that this device kept were cleared/)
  await shoot(phone.page, 'story-11-removed')
  await until('nothing is left on the phone', async () => (await placesOf(phone.page, 'garden wall')).length === 0)
  await phone.page.getByTestId('removed-ok').click()
  await menuOf(phone.page, 'guest').waitFor()
  expect(await answers(phone)).toEqual([404, 404, 404, 404])
})

it('invites another person, who joins and writes', STEP, async () => {
  const { page } = ada
  await ada.goto(path)
  await replies(page).first().waitFor()
  await page.getByTestId('share').click()
  await page.getByTestId('share-make').click()
  const link = new URL(await page.getByTestId('share-link').inputValue())
  await shoot(page, 'story-12-invite')
  await page.keyboard.press('Escape')
  await bob.goto(link.pathname + link.hash)
  await bob.page.getByTestId('join').waitFor()
  await shoot(bob.page, 'story-13-invited')
  await bob.page.getByTestId('join').click()
  await until('Bob reads it', async () => (await shownMessages(bob.page)).includes(SAID))
  await write(bob.page, 'I can lay bricks')
  await until('Ada reads Bob', async () => (await shownMessages(page)).includes('I can lay bricks'))
  await bob.page.locator('[data-testid=message].own[data-delivery=saved]').waitFor()
  await shoot(page, 'story-14-two-people')
})

it('makes them a viewer while they type: the composer takes no letter more, keeps those that it has, and says why', STEP, async () => {
  const composer = bob.page.getByTestId('composer')
  const mortar = 'and mortar, '
  let stop = false
  /** Key after key, whether they are taken or not. */
  const typing = (async () => {
    await composer.focus()
    while (!stop) await bob.page.keyboard.type(mortar)
  })()
  await until('Bob types', async () => (await composer.inputValue()).length > 10)
  await ada.page.getByTestId('share').click()
  await other(ada.page).getByTestId('member-role').selectOption('viewer')
  await bob.page.getByTestId('composer-blocked').waitFor()
  const typed = await composer.inputValue()
  // Some more keys, which find the field shut.
  await bob.page.keyboard.type(mortar)
  stop = true
  await typing
  expect(await composer.inputValue()).toBe(typed)
  expect(mortar.repeat(1000).startsWith(typed)).toBe(true)
  expect(await composer.isEditable()).toBe(false)
  expect(await bob.page.getByTestId('send').isDisabled()).toBe(true)
  expect(await words(bob.page)).toMatch(/You may read here but not write/)
  await shoot(bob.page, 'story-15-viewer')
  await shoot(ada.page, 'story-16-people')
})

it('removes them: their screen says so, keeps what they were typing, and the server knows of nothing', STEP, async () => {
  const typed = await bob.page.getByTestId('composer').inputValue()
  await other(ada.page).getByRole('button', { name: /^Remove/ }).click()
  await other(ada.page).getByRole('button', { name: 'Remove?' }).click()
  await bob.page.getByTestId('kept-text').waitFor()
  expect(await bob.page.getByTestId('kept-text').textContent()).toBe(typed)
  expect(await words(bob.page)).toMatch(/You are not a member of this conversation/)
  expect(await shownMessages(bob.page)).toEqual([])
  await shoot(bob.page, 'story-17-removed')
  await until('it left the list', async () => !/garden wall/.test(await listOf(bob.page)))
  await until('nothing is left of it there', async () => (await placesOf(bob.page, 'garden wall')).length === 0)
  expect(await answers(bob)).toEqual([404, 404, 404, 404])
  await until('Ada is alone', async () => await ada.page.getByTestId('member').count() === 1)
  await bob.page.reload()
  await bob.page.getByTestId('kept-text').waitFor()
  expect(await words(bob.page)).not.toContain('lay bricks')
  expect([...ada.complaints, ...phone.complaints, ...bob.complaints]).toEqual([])
})
