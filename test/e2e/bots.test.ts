// A person's bot in a real browser: registered, given a token, heard, asked, and deleted; the pages fit a phone and a desk.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BotProgram } from '../rig/bot-world.ts'
import { converse, menuOf, replies, shoot } from '../rig/app-pages.ts'
import { openDevice, write } from '../rig/browser.ts'
import { startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { say } from '../rig/conversation.ts'
import { Peer } from '../rig/peer.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
})
afterAll(() => world?.close())

it('a bot is registered, speaks, answers, and is gone when it is deleted', { timeout: 90_000 }, async () => {
  const device = await openDevice(world.browser, world.server.url)
  const { page } = device
  await device.goto('/')
  const path = await converse(device, 'What is in the larder?')
  const person = await menuOf(page, 'guest').locator('strong').textContent()

  await device.goto('/devices')
  await page.getByTestId('bot-name').fill('skein-offline')
  await page.getByTestId('register-bot').click()
  await page.getByText('is called like that here, or nearly').waitFor()
  await page.getByTestId('bot-name').fill('Deploys')
  await page.getByTestId('register-bot').click()
  await page.getByTestId('make-bot-token').click()
  const secret = await page.getByTestId('bot-secret').inputValue()
  expect(secret).toMatch(/^skein_/)
  await page.getByTestId('bot').scrollIntoViewIfNeeded()
  await shoot(page, 'bots')

  const headers = { authorization: `Bearer ${secret}` }
  const bot = await Peer.join(world.server.syncUrl, `conversation/${path.split('/').pop()}`, headers)
  say(bot.doc, 'Version 2 is out.')
  await device.goto(path)
  const said = page.getByTestId('message').filter({ hasText: 'Version 2 is out.' })
  await said.waitFor()
  expect(await said.locator('.author').innerText()).toContain(`Deploys · bot of ${person}`)
  expect(await said.getAttribute('data-role')).toBe('user')

  const program = await new BotProgram(world, { headers }).listen()
  await write(page, '@Deploys and what is next?')
  await page.getByTestId('waiting').filter({ hasText: 'Deploys · bot of' }).waitFor()
  const reply = program.reply((await program.next()).run)
  reply.say('Version 3.')
  reply.end()
  const answer = replies(page).filter({ hasText: 'Version 3.' })
  await answer.waitFor()
  expect(await answer.locator('.author').innerText()).toContain('Deploys · bot of')
  await shoot(page, 'bot-speaks')

  await device.goto('/devices')
  await page.reload()
  const remove = page.getByTestId('bot').getByRole('button', { name: 'Delete Deploys' })
  await remove.click()
  await page.getByRole('button', { name: 'Delete it?' }).click()
  await page.getByTestId('bot').waitFor({ state: 'detached' })
  expect((await bot.closed()).code).toBe(4401)
  program.leave()
  expect(device.complaints).toEqual([])
  await device.context.close()
})

it('a page of which a part cannot be fetched says so, and is there when asked for again', { timeout: 60_000 }, async () => {
  const device = await openDevice(world.browser, world.server.url, { serviceWorkers: 'block' })
  const { context, page } = device
  await device.goto('/')
  await menuOf(page, 'guest').waitFor()
  await context.route(/\/assets\/bots-/, route => route.abort())
  await page.getByTestId('to-devices').click()
  await page.getByRole('heading', { name: 'This page could not be loaded' }).waitFor()
  await context.unroute(/\/assets\/bots-/)
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByTestId('bot-name').waitFor()
  await context.close()
})
