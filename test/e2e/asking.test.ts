/** Two people and an agent on real pages: who is asked, how it is mentioned, and that the page says so when nobody was. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answerAlways, openDevice, shareWith, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
const pictures = process.env['SKEIN_SCREENSHOTS']
const shoot = async ({ page }: Device, name: string): Promise<void> => {
  if (pictures) await page.screenshot({ path: join(pictures, `asking-${name}.png`) })
}

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
  if (pictures) await mkdir(pictures, { recursive: true })
})
afterAll(() => world?.close())

const replies = ({ page }: Device) => page.locator('[data-testid=message][data-role=assistant]')

it('with two people the agent waits to be mentioned, the page says so, and offers to ask it or to mention it', { timeout: 60_000 }, async () => {
  const ada = await openDevice(world.browser, world.server.url)
  const phone = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, colorScheme: 'dark' } as const
  const bob = await openDevice(world.browser, world.server.url, phone)
  await ada.goto('/')
  await ada.page.getByTestId('new-chat').first().click()
  await write(ada.page, 'Hello')
  await replies(ada).first().waitFor()
  expect(await ada.page.getByTestId('answers').count()).toBe(0)
  await shareWith(ada.page, bob)
  await ada.page.getByTestId('answers').waitFor()

  await write(ada.page, 'What do you think, Bob?')
  await ada.page.getByTestId('unasked').waitFor()
  await bob.page.getByTestId('message').nth(2).waitFor()
  expect(await bob.page.getByTestId('unasked').count()).toBe(0)
  await shoot(ada, 'desktop-light')
  await ada.page.getByTestId('ask-anyway').click()
  await replies(ada).nth(1).waitFor()
  expect(await ada.page.getByTestId('unasked').count()).toBe(0)

  await bob.page.getByTestId('composer').fill('I ask ')
  await bob.page.getByTestId('composer').press('End')
  await bob.page.getByTestId('composer').pressSequentially('@sk')
  await bob.page.getByTestId('mention').waitFor()
  await shoot(bob, 'phone-dark')
  await bob.page.getByTestId('composer').press('Enter')
  await until('the mention is written out', async () => (await bob.page.getByTestId('composer').inputValue()) === 'I ask @Skein offline agent ')
  await bob.page.getByTestId('send').click()
  await replies(bob).nth(2).waitFor()

  await answerAlways(ada.page)
  await write(ada.page, 'And this?')
  await replies(ada).nth(3).waitFor()
  expect(await ada.page.getByTestId('unasked').count()).toBe(0)
  expect([...ada.complaints, ...bob.complaints]).toEqual([])
  await Promise.all([ada.context.close(), bob.context.close()])
})
