/**
 * What proves somebody, or lets somebody in, stays where scripts cannot reach it: after the app was used in all the ways that give out
 * secrets, none of them is found in any of the browser's stores, in an address that was asked for, or in the server's log.
 */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openDevice, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

const PERSON = { name: 'Ada', email: 'ada@example.org', password: 'correct horse battery' }
let world: BrowserWorld
beforeAll(async () => { world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' }) })
afterAll(() => world?.close())

/** By what it is. */
const secrets = new Map<string, string>()
const keep = (what: string, secret: string | undefined): string => {
  expect(secret?.length, what).toBeGreaterThan(15)
  secrets.set(what, secret!)
  return secret!
}
const addresses: string[] = []
const open = async (): Promise<Device> => {
  const device = await openDevice(world.browser, world.server.url)
  device.context.on('request', request => {
    addresses.push(request.url().split('#')[0]!, request.headers()['referer'] ?? '')
  })
  return device
}
/** Signatures, which is what a cookie proves by. */
const keepCookies = async (what: string, { context }: Device): Promise<void> => {
  for (const { name, value, httpOnly, sameSite } of await context.cookies()) {
    expect([name, httpOnly, sameSite]).toEqual([name, true, 'Lax'])
    keep(`${what}: ${name}`, decodeURIComponent(value).split('.').at(-1))
  }
}
const secretOf = (link: string): string => new URL(link).hash.slice(1)
const shareLink = async (page: Page, toRead: boolean): Promise<string> => {
  await page.getByTestId('share').click()
  await page.getByTestId('member').first().waitFor()
  if (toRead) await page.getByLabel('read without an account').check()
  const [answer] = await Promise.all([
    page.waitForResponse(response => response.request().method() === 'POST' && /(invitations|share-links)$/.test(response.url())),
    page.getByTestId('share-make').click(),
  ])
  const { path } = await answer.json() as { path: string }
  await page.keyboard.press('Escape')
  return path
}
/** By the page itself, as a script in it could. */
const ask = <T>(page: Page, path: string, body: object): Promise<T> => page.evaluate(async ([url, text]) => {
  const answer = await fetch(url!, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text! })
  return await answer.json() as never
}, [path, JSON.stringify(body)])

it('no session, guest, token, ticket, link or code lies in a store that a script reads, in an address or in the log', { timeout: 120_000 }, async () => {
  const [ada, guest, reader, phone] = await Promise.all([open(), open(), open(), open()])
  const { page } = ada
  await ada.goto('/')
  await page.getByTestId('new-chat').first().click()
  await write(page, 'Plans for the garden')
  await page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  await keepCookies('as a guest', ada)
  await page.getByTestId('to-sign-up').click()
  for (const [field, value] of Object.entries(PERSON)) await page.getByTestId(field).fill(value)
  await page.getByTestId('sign-up').click()
  await page.locator('[data-testid=account-menu][data-kind=user]').waitFor()
  keep('the password', PERSON.password)
  await keepCookies('signed in', ada)
  await page.locator('nav').getByText('Plans for the garden').first().click()

  const join = await shareLink(page, false)
  keep('an invitation', secretOf(world.server.url + join))
  await guest.goto(join)
  await guest.page.getByTestId('join').click()
  await guest.page.getByTestId('message').first().waitFor()
  await keepCookies('the guest', guest)
  const shared = await shareLink(page, true)
  keep('a share link', secretOf(world.server.url + shared))
  await reader.goto(shared)
  await reader.page.getByTestId('message').first().waitFor()

  keep('a token', (await ask<{ secret: string }>(page, '/api/tokens', { name: 'bot', scopes: { read: true } })).secret)
  keep('a ticket', (await ask<{ ticket: string }>(page, '/api/tickets', {})).ticket)
  await ada.goto('/devices')
  await page.getByTestId('add-device').click()
  const link = await page.getByTestId('device-link').inputValue()
  keep('a link for a device', secretOf(link))
  await phone.goto(new URL(link).pathname + new URL(link).hash)
  const [asked] = await Promise.all([
    phone.page.waitForResponse(response => response.url().endsWith('/links/ask')), phone.page.getByTestId('link-ask').click(),
  ])
  keep('what the new device comes back with', (await asked.json() as { claim: string }).claim.split('.')[1])
  await page.getByTestId('device-confirm').click()
  await until('the new device is in', () => new URL(phone.page.url()).pathname === '/')
  await keepCookies('the new device', phone)

  const found: string[] = []
  for (const [name, { page: each }] of Object.entries({ ada, guest, reader, phone })) {
    // Something is kept there, so looking for it finds what there is.
    if (name !== 'phone' && name !== 'reader') expect(await placesOf(each, 'Plans for the garden'), name).not.toEqual([])
    for (const [what, secret] of secrets) {
      for (const place of await placesOf(each, secret)) found.push(`${name}: ${what} in ${place}`)
    }
    expect(await each.evaluate(() => document.cookie), name).toBe('')
    expect(each.url().split('#')[1] ?? '', name).not.toContain(secrets.get('a link for a device'))
  }
  const said = [...addresses, ...world.server.log.map(line => JSON.stringify(line))].join('\n')
  for (const [what, secret] of secrets) {
    for (const text of [secret, encodeURIComponent(secret)]) if (said.includes(text)) found.push(`${what} in an address or the log`)
  }
  console.log(`${secrets.size} secrets, ${addresses.length} addresses`)
  expect(found).toEqual([])
  for (const { context } of [ada, guest, reader, phone]) await context.close()
})
