/** What was taken out or deleted stays in no store of any browser that had it, read by the browser's own interfaces. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answerAlways, openDevice, shareWith, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
let devices: Device[] = []

beforeAll(async () => {
  world = await startBrowserWorld()
})

afterAll(() => world?.close())

/** Two members of a conversation, and a message that both have stored. */
const twoWhoHave = async (text: string): Promise<{ a: Device, b: Device, id: string }> => {
  const a = await openDevice(world.browser, addressOf(world.line))
  const b = await openDevice(world.browser, addressOf(world.line))
  devices = [a, b]
  await a.goto('/')
  await a.page.getByTestId('new-chat').first().click()
  await write(a.page, 'Hello')
  await a.page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  const id = new URL(a.page.url()).pathname.split('/').at(-1)!
  await shareWith(a.page, b)
  await answerAlways(a.page)
  await a.page.getByTestId('composer').pressSequentially(text.slice(0, 8))
  await write(a.page, text)
  for (const { page } of devices) await page.locator('[data-testid=message][data-role=user][data-delivery=saved]', { hasText: text }).waitFor()
  for (const { page } of devices) await page.locator('[data-testid=message][data-role=assistant]').nth(1).waitFor()
  for (const { page } of devices) {
    await until('the message is in the document and beside it', async () => {
      const places = await placesOf(page, text)
      return places.some(place => place.includes('updates')) && places.some(place => place.endsWith('custom/latest'))
    })
  }
  return { a, b, id }
}

const noneHold = async (text: string): Promise<void> => {
  for (const { page } of devices) {
    let places: string[] = []
    await until('no store holds it', async () => (places = await placesOf(page, text)).length === 0)
      .catch(() => expect(places).toEqual([]))
  }
}

it('a message that its author takes out is in no store of any member', { timeout: 120_000 }, async () => {
  // An answer to this quotes nothing.
  const text = 'thanks-nobody-shall-keep-this'
  const { a } = await twoWhoHave(text)
  const message = a.page.locator('[data-testid=message][data-role=user]', { hasText: text })
  await message.hover()
  const remove = message.getByRole('button', { name: 'Remove this message' })
  await remove.click()
  await message.getByRole('button', { name: 'Remove for everyone?' }).click()
  await noneHold(text)
  for (const { page } of devices) expect(await page.getByTestId('message').filter({ hasText: text }).count()).toBe(0)
  for (const { context, complaints } of devices) {
    expect(complaints).toEqual([])
    await context.close()
  }
})

it('a conversation that is deleted is in no store of any member', { timeout: 120_000 }, async () => {
  const text = 'all-of-this-goes'
  const { a, id } = await twoWhoHave(text)
  expect(await a.page.evaluate(async id => (await fetch(`/api/conversations/${id}`, { method: 'DELETE' })).ok, id)).toBe(true)
  await noneHold(text)
  for (const { context } of devices) await context.close()
})
