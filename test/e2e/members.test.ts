/** People of a conversation in the browser: invited, made viewers while they type, removed, and readers by a link; each screen is true. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Page } from 'playwright-core'
import { photograph } from '../rig/app-pages.ts'
import { openDevice, shareDevices, shareWith, shownMessages, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import type { TcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'

let world: BrowserWorld
let guestLine: TcpProxy
beforeAll(async () => {
  world = await startBrowserWorld({ SKEIN_OFFLINE_PACE: '0' })
  guestLine = await world.newLine()
})
afterAll(() => world?.close())

const clipboard = { permissions: ['clipboard-read', 'clipboard-write'] }
const owners = shareDevices(() => openDevice(world.browser, addressOf(world.line), clipboard))
const guests = shareDevices(() => openDevice(world.browser, addressOf(guestLine)))

/** The owner has a conversation in which something was said. */
const begin = async (owner: Device, said = 'Plans for the garden'): Promise<void> => {
  await owner.goto('/')
  await owner.page.getByTestId('new-chat').first().click()
  await write(owner.page, said)
  await owner.page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
}
const openPeople = async (page: Page): Promise<void> => {
  if (!await page.getByTestId('people-dialog').isVisible()) await page.getByTestId('share').click()
  await page.getByTestId('member').first().waitFor()
}
const other = (page: Page) => page.locator('[data-testid=member]:not([data-role=owner])')

it('somebody joins, is made a viewer while typing, and is removed: both see how it is at each step', { timeout: 120_000 }, async () => {
  const [owner, guest] = [await owners.take(), await guests.take()]
  await begin(owner)
  await shareWith(owner.page, guest)
  await until('the guest reads it', async () => (await shownMessages(guest.page)).includes('Plans for the garden'))
  await write(guest.page, 'I can bring roses')
  await until('the owner reads the guest', async () => (await shownMessages(owner.page)).includes('I can bring roses'))

  // Made a viewer while typing.
  await guest.page.getByTestId('composer').fill('And half a sentence')
  await openPeople(owner.page)
  await photograph(owner.page, 'people-desktop')
  await other(owner.page).getByTestId('member-role').selectOption('viewer')
  await guest.page.getByTestId('composer-blocked').waitFor()
  expect(await guest.page.getByTestId('composer-blocked').textContent()).toMatch(/You may read here but not write\. .* write\. What you had typed stays here\./)
  expect(await guest.page.getByTestId('composer').inputValue()).toBe('And half a sentence')
  expect(await guest.page.getByTestId('composer').isEditable()).toBe(false)
  expect(await guest.page.getByTestId('send').isDisabled()).toBe(true)
  await photograph(guest.page, 'viewer-desktop')

  // And an editor again: the text is still there, and is sent.
  await other(owner.page).getByTestId('member-role').selectOption('editor')
  await until('the guest may write', () => guest.page.getByTestId('composer').isEditable())
  await guest.page.getByTestId('send').click()
  await until('the owner has it', async () => (await shownMessages(owner.page)).includes('And half a sentence'))

  // Removed while typing: nothing is there any more but what was not sent.
  await guest.page.getByTestId('composer').fill('What I was about to say')
  await owner.page.setViewportSize({ width: 360, height: 640 })
  await other(owner.page).getByRole('button', { name: /^Remove/ }).click()
  await other(owner.page).getByRole('button', { name: 'Remove?' }).waitFor()
  await photograph(owner.page, 'people-remove-phone')
  const { cut, lines } = await other(owner.page).evaluate(row => {
    const [dialog, name] = [row.closest('dialog')!, row.querySelector('.name')!]
    return { cut: dialog.scrollWidth - dialog.clientWidth, lines: name.clientHeight / parseFloat(getComputedStyle(name).lineHeight) }
  })
  expect([cut, Math.round(lines)]).toEqual([0, 1])
  await other(owner.page).getByRole('button', { name: 'Remove?' }).click()
  await guest.page.getByTestId('kept-text').waitFor()
  expect(await guest.page.getByTestId('kept-text').textContent()).toBe('What I was about to say')
  expect(await shownMessages(guest.page)).toEqual([])
  await photograph(guest.page, 'removed-desktop')
  await until('it left the guest\'s list', async () => !/garden|half a sentence/.test(await guest.page.locator('nav').textContent() ?? ''))
  await until('the owner is alone', async () => await owner.page.getByTestId('member').count() === 1)
  await guest.page.reload()
  await guest.page.getByTestId('kept-text').waitFor()
  expect(await guest.page.locator('body').textContent()).not.toContain('roses')
  expect([...owner.complaints, ...guest.complaints]).toEqual([])
  await owner.page.setViewportSize({ width: 1280, height: 800 })
  owners.leave(owner)
  guests.leave(guest)
})

it('what is written offline after the removal comes back refused, with its text', { timeout: 120_000 }, async () => {
  const [owner, guest] = [await owners.take(), await guests.take()]
  await begin(owner)
  await shareWith(owner.page, guest)
  await until('the guest reads it', async () => (await shownMessages(guest.page)).length > 0)
  guestLine.cut()
  await guest.page.getByTestId('offline-banner').waitFor()
  await openPeople(owner.page)
  await other(owner.page).getByRole('button', { name: /^Remove/ }).click()
  await other(owner.page).getByRole('button', { name: 'Remove?' }).click()
  await until('the owner is alone', async () => await owner.page.getByTestId('member').count() === 1)
  await write(guest.page, 'Written after it')
  guestLine.restore()
  await guest.page.getByTestId('refused-reason').waitFor()
  expect(await guest.page.getByTestId('refused-reason').textContent()).toMatch(/not a member of this conversation/)
  await until('only that is left', async () => (await shownMessages(guest.page)).join() === 'Written after it')
  await photograph(guest.page, 'refused-desktop')
  expect(await shownMessages(owner.page)).not.toContain('Written after it')
  owners.leave(owner)
  guests.leave(guest)
})

it('who owns a conversation deletes it, and nobody has it any more', { timeout: 120_000 }, async () => {
  const [owner, guest] = [await owners.take(), await guests.take()]
  await begin(owner, 'Plans that come to nothing')
  await shareWith(owner.page, guest)
  await until('the guest reads it', async () => (await shownMessages(guest.page)).length > 0)
  await guest.page.getByTestId('composer').fill('What I was about to say')
  await guest.page.getByTestId('share').click()
  await guest.page.getByTestId('member').first().waitFor()
  expect(await guest.page.getByRole('button', { name: 'Delete this conversation' }).count()).toBe(0)
  await guest.page.keyboard.press('Escape')
  await openPeople(owner.page)
  await owner.page.getByRole('button', { name: 'Delete this conversation' }).click()
  await owner.page.getByRole('button', { name: 'Delete it for everybody, for good?' }).click()
  await until('the owner is back at the list', () => new URL(owner.page.url()).pathname === '/')
  const listed = ({ page }: Device) => page.getByTestId('conversation-item').filter({ hasText: 'Plans that come to nothing' })
  await until('it is on nobody\'s list', async () =>
    await listed(owner).count() + await listed(guest).count() === 0)
  await guest.page.getByRole('heading', { name: 'This conversation is gone' }).waitFor()
  expect(await guest.page.getByTestId('kept-text').textContent()).toBe('What I was about to say')
  expect(await shownMessages(guest.page)).toEqual([])
  expect([...owner.complaints, ...guest.complaints]).toEqual([])
  owners.leave(owner)
  guests.leave(guest)
})

it('an invitation for one person lets in one, and says so to the next', { timeout: 120_000 }, async () => {
  const [owner, first, second] = [await owners.take(), await guests.take(), await guests.take()]
  await begin(owner)
  await openPeople(owner.page)
  await owner.page.getByTestId('link-uses').selectOption({ label: 'one person' })
  await owner.page.getByTestId('share-make').click()
  const { pathname, hash } = new URL(await owner.page.getByTestId('share-link').inputValue())
  expect(await owner.page.getByTestId('link-stays-here').textContent()).toContain('“127.0.0.1”')
  await owner.page.keyboard.press('Escape')
  await openPeople(owner.page)
  expect(await owner.page.getByTestId('share-link').count()).toBe(0)
  for (const device of [first, second]) {
    await device.goto(pathname + hash)
    await device.page.getByTestId('join').click()
  }
  await until('the first is in', async () => (await shownMessages(first.page)).length > 0)
  await second.page.getByTestId('join-error').waitFor()
  expect(await second.page.getByTestId('join-error').textContent()).toMatch(/let in as many people as it was made for/)
  await photograph(second.page, 'link-used-up')
  await until('the list says so', async () => (await owner.page.getByTestId('made-link').textContent())?.includes('until'))
  await second.goto('/')
  owners.leave(owner)
  guests.leave(first, second)
})

const look = async ({ page }: Device, colorScheme: 'light' | 'dark', width: number): Promise<void> => {
  await page.emulateMedia({ colorScheme })
  await page.setViewportSize({ width, height: 800 })
}

it.each([['light', 390], ['dark', 390], ['dark', 1280]] as const)(
  'a share link lets read without an account, until it is revoked (%s, %i wide)', { timeout: 120_000 }, async (colorScheme, width) => {
    const [owner, reader] = [await owners.take(), await guests.take()]
    await look(owner, colorScheme, width)
    await look(reader, colorScheme, width)
    await begin(owner)
    await openPeople(owner.page)
    await owner.page.getByLabel('read without an account').check()
    await owner.page.getByTestId('share-make').click()
    const { pathname, hash } = new URL(await owner.page.getByTestId('share-link').inputValue())
    await photograph(owner.page, `people-${colorScheme}-${width}`)
    await reader.goto(pathname + hash)
    await until('it is read', async () => (await shownMessages(reader.page)).includes('Plans for the garden'))
    expect(await reader.page.getByTestId('composer').count()).toBe(0)
    await photograph(reader.page, `reader-${colorScheme}-${width}`)
    expect(world.server.log.map(line => JSON.stringify(line)).join()).not.toContain(hash.slice(1))
    await owner.page.getByRole('button', { name: 'Revoke this link' }).first().click()
    await owner.page.getByRole('button', { name: 'Revoke?' }).click()
    await reader.page.getByTestId('shared-over').waitFor()
    expect(await shownMessages(reader.page)).toEqual([])
    expect(reader.complaints).toEqual([])
    await look(owner, 'light', 1280)
    await look(reader, 'light', 1280)
    await reader.goto('/')
    owners.leave(owner)
    guests.leave(reader)
  })

it('a share link that is opened without a network says that, and not that it was revoked', { timeout: 60_000 }, async () => {
  const [owner, reader] = [await owners.take(), await guests.take()]
  await begin(owner)
  await openPeople(owner.page)
  await owner.page.getByLabel('read without an account').check()
  await owner.page.getByTestId('share-make').click()
  const { pathname, hash } = new URL(await owner.page.getByTestId('share-link').inputValue())
  await reader.goto('/')
  await until('the page can start without a network', () => reader.page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state === 'activated'))
  guestLine.cut()
  await reader.goto(pathname + hash)
  await reader.page.getByTestId('shared-unreachable').waitFor()
  expect(await reader.page.getByTestId('shared-over').count()).toBe(0)
  guestLine.restore()
  await reader.page.getByRole('button', { name: 'Try again' }).click()
  await until('it is read', async () => (await shownMessages(reader.page)).includes('Plans for the garden'))
  expect(reader.complaints).toEqual([])
  owners.leave(owner)
  guests.leave(reader)
})
