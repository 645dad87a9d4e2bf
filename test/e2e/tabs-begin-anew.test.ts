/** Four tabs of one person without a network, and what they find when it is back: a refusal, a server that began anew, another person. */
import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Page } from 'playwright-core'
import { openDevice, shareDevices, shareWith, shownMessages, write } from '../rig/browser.ts'
import type { Device } from '../rig/browser.ts'
import { addressOf, startBrowserWorld } from '../rig/browser-world.ts'
import type { BrowserWorld } from '../rig/browser-world.ts'
import { beginNewEpochs } from '../rig/epoch-marker.ts'
import { openSdkPage } from '../rig/sdk-page.ts'
import { until } from '../rig/until.ts'
import { openLevelDbDirectory } from '../../server/directory/leveldb-directory.ts'
import { setMember } from '../../server/directory/membership.ts'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { parseDocumentName, parseUserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type {} from '../rig/sdk-page/entry.ts'

let world: BrowserWorld

beforeAll(async () => {
  world = await startBrowserWorld()
})

beforeEach(() => world.line.restore())
afterAll(() => world?.close())

const LONG = { timeout: 30_000 }

/** Somebody with a conversation in which they said hello. */
interface Person extends Device {
  readonly id: string
  readonly path: string
}

/** Who says hello in a new conversation. */
const somebody = async (open: () => Promise<Device>): Promise<Person> => {
  const device = await open()
  await device.goto('/')
  await device.page.getByTestId('new-chat').first().click()
  await write(device.page, 'Hello')
  await delivered(device.page, 'Hello', 'saved')
  await device.page.locator('[data-testid=message][data-role=assistant]').first().waitFor()
  return { ...device, id: await userId(device.page), path: new URL(device.page.url()).pathname }
}

/** Of Ada, from one test to the next. */
const devices = shareDevices(() => openDevice(world.browser, addressOf(world.line)))

const userId = (page: Page): Promise<string> =>
  page.evaluate(async () => (await (await fetch('/api/me')).json() as { principal: { id: string } }).principal.id)

const documentName = ({ path }: Person): string => `conversation/${path.split('/').at(-1)}`

/** The tab that they have and three more, all on their conversation. */
const openTabs = async ({ context, page, path }: Person): Promise<[Page, Page, Page, Page]> => {
  const tabs = [page]
  for (const more of context.pages()) if (more !== page) tabs.push(more)
  while (tabs.length < 4) tabs.push(await context.newPage())
  for (const tab of tabs) {
    if (tab !== page) await tab.goto(addressOf(world.line) + path)
    await delivered(tab, 'Hello', 'saved')
  }
  return tabs as [Page, Page, Page, Page]
}

const delivered = (page: Page, text: string, delivery: string): Promise<void> =>
  page.locator(`[data-testid=message][data-delivery=${delivery}]`, { hasText: text }).first().waitFor(LONG)

/** What people said, the greeting left out. */
const saidIn = async (page: Page): Promise<string[]> => (await shownMessages(page)).filter(text => text.startsWith('from '))

/** What the server holds of it, in order. */
const onTheServer = async (page: Page, { path }: Person): Promise<{ text: string, authorId: string }[]> => page.evaluate(async id => {
  interface Answer { messages: { parts: { text?: string }[], metadata: { authorId: string } }[] }
  const { messages } = await (await fetch(`/api/conversations/${id}/messages`)).json() as Answer
  const said = messages.map(({ parts, metadata }) => ({ text: parts.map(({ text = '' }) => text).join(''), authorId: metadata.authorId }))
  return said.filter(({ text }) => text.startsWith('from '))
}, path.split('/').at(-1)!)

const cutOff = async (tabs: readonly Page[]): Promise<void> => {
  world.line.cut()
  for (const page of tabs) await page.getByTestId('offline-banner').waitFor(LONG)
}

const setRole = (person: Person, role: Role) => async (folder: string): Promise<void> => {
  const log = await openLevelDbLog({ path: join(folder, 'log'), durability: 'fsync' })
  const directory = openLevelDbDirectory({ store: log.store, random: target => randomFillSync(target) })
  await directory.change(parseDocumentName(documentName(person))!, setMember({ id: parseUserId(person.id)!, role, name: 'Guest' }))
  await log.close()
}

describe('four tabs of one person that were cut off', () => {
  it('find that the server began anew: every word is sent once, and what is being typed stays', { timeout: 180_000 }, async () => {
    const ada = await somebody(devices.take)
    const tabs = await openTabs(ada)
    await cutOff(tabs)
    for (const [i, page] of tabs.entries()) await write(page, `from tab ${i}`)
    await tabs[2].getByTestId('composer').fill('still being typed in one tab')
    await tabs[3].getByTestId('composer').fill('and in another')
    await write(tabs[0], 'from tab 0 again')
    await world.restart(beginNewEpochs)
    world.line.restore()
    for (const page of tabs) {
      for (let i = 0; i < 4; i++) await delivered(page, `from tab ${i}`, 'saved')
      await delivered(page, 'from tab 0 again', 'saved')
    }
    const expected = ['from tab 0', 'from tab 1', 'from tab 2', 'from tab 3', 'from tab 0 again']
    for (const page of tabs) expect(await saidIn(page)).toEqual(expected)
    expect((await onTheServer(tabs[0], ada)).map(({ text }) => text)).toEqual(expected)
    expect(await tabs[2].getByTestId('composer').inputValue()).toBe('still being typed in one tab')
    for (const page of tabs.slice(2)) await page.reload()
    expect(await tabs[2].getByTestId('composer').inputValue()).toBe('still being typed in one tab')
    expect(await tabs[3].getByTestId('composer').inputValue()).toBe('and in another')
    devices.leave(ada)
  })

  it('find that they may only read: nothing refused comes back by itself, and what one tab discards no other sends', { timeout: 180_000 }, async () => {
    const ada = await somebody(devices.take)
    const tabs = await openTabs(ada)
    await cutOff(tabs)
    await write(tabs[1], 'from tab 1: to be sent after all')
    await write(tabs[2], 'from tab 2: to be discarded')
    await write(tabs[3], 'from tab 3: to be left')
    await world.restart(setRole(ada, 'viewer'))
    world.line.restore()
    for (const page of tabs) for (const i of [1, 2, 3]) await delivered(page, `from tab ${i}`, 'refused')
    await world.restart(setRole(ada, 'owner'))
    const writable = (page: Page) => until('it may write again', () => page.getByTestId('composer').isEditable(), 30_000)
    for (const page of tabs) await writable(page)
    // In other tabs than those that wrote it.
    const refused = (page: Page, text: string) => page.locator('[data-testid=message]', { hasText: text })
    await refused(tabs[3], 'to be discarded').getByRole('button', { name: 'Discard' }).click()
    await refused(tabs[3], 'to be discarded').getByRole('button', { name: 'Discard' }).last().click()
    for (const page of tabs) await until('it is gone in all tabs', async () => (await refused(page, 'to be discarded').count()) === 0, 30_000)
    await refused(tabs[0], 'to be sent after all').getByRole('button', { name: 'Try again' }).click()
    for (const page of tabs) await delivered(page, 'to be sent after all', 'saved')
    for (const page of tabs) {
      await page.reload()
      await delivered(page, 'to be left', 'refused')
      expect((await saidIn(page)).sort()).toEqual(['from tab 1: to be sent after all', 'from tab 3: to be left'])
    }
    expect(await onTheServer(tabs[0], ada)).toEqual([{ text: 'from tab 1: to be sent after all', authorId: ada.id }])
    devices.leave(ada)
  })

  it('find that somebody else signed in: nothing goes out under that name, and all of it does under the own one', { timeout: 180_000 }, async () => {
    const ada = await somebody(devices.take)
    const ben = await openDevice(world.browser, addressOf(world.line))
    await shareWith(ada.page, ben)
    await delivered(ben.page, 'Hello', 'saved')
    const benId = await userId(ben.page)
    const [adasCookies, bensCookies] = [await ada.context.cookies(), await ben.context.cookies()]
    await ben.context.close()

    const tabs = await openTabs(ada)
    await cutOff(tabs)
    await write(tabs[1], 'from tab 1: unsent')
    await tabs[2].getByTestId('composer').fill('Ada was typing this')
    await ada.context.clearCookies()
    await ada.context.addCookies(bensCookies)
    await write(tabs[3], 'from tab 3: unsent')
    world.line.restore()
    // One tab signs in anew; it is Ben's, and shows nothing that Ada did not send.
    await tabs[0].reload()
    await until('the tab is Ben\'s', async () => await tabs[0].evaluate(() => localStorage.getItem('skein.me')?.includes('"id"')), 30_000)
    await delivered(tabs[0], 'Hello', 'saved')
    await until('it says that it is Ben', async () => (await userId(tabs[0])) === benId)
    expect(await saidIn(tabs[0])).toEqual([])
    expect(await tabs[0].getByTestId('composer').inputValue()).toBe('')
    await write(tabs[0], 'from Ben')
    await delivered(tabs[0], 'from Ben', 'saved')
    expect(await onTheServer(tabs[0], ada)).toEqual([{ text: 'from Ben', authorId: benId }])
    // Ada signs in again.
    await ada.context.clearCookies()
    await ada.context.addCookies(adasCookies)
    for (const page of tabs) await page.reload()
    for (const page of tabs) for (const i of [1, 3]) await delivered(page, `from tab ${i}: unsent`, 'saved')
    expect(await tabs[2].getByTestId('composer').inputValue()).toBe('Ada was typing this')
    expect((await onTheServer(tabs[0], ada)).sort((a, b) => a.text < b.text ? -1 : 1)).toEqual([
      { text: 'from Ben', authorId: benId },
      { text: 'from tab 1: unsent', authorId: ada.id },
      { text: 'from tab 3: unsent', authorId: ada.id }
    ])
    await ada.context.close()
  })
})

/** The app's service worker answers what it does not know with the app. */
const withoutApp = { serviceWorkers: 'block' as const }

describe('the SDK in four tabs that were cut off when the server began anew', () => {
  /** Of one person, whose page of the app is gone again: it would be one more tab. */
  const devices = shareDevices(async () => {
    const person = await somebody(() => openDevice(world.browser, addressOf(world.line), withoutApp))
    await person.page.close()
    return person
  })
  const openSdkTabs = ({ context }: Person): Promise<Page[]> =>
    Promise.all(Array.from({ length: 4 }, () => openSdkPage(context, addressOf(world.line))))
  const leave = async (person: Person, tabs: readonly Page[]): Promise<void> => {
    for (const page of tabs) await page.close()
    devices.leave(person)
  }
  const offline = (page: Page) => page.waitForFunction(() => window.rig.hasUnsaved())

  it('goes on with every word in a shared draft, once', { timeout: 180_000 }, async () => {
    const ada = await devices.take()
    const tabs = await openSdkTabs(ada)
    for (const page of tabs) {
      await page.evaluate(([name, id]) => window.rig.open(name!, id!), [documentName(ada), ada.id])
      await page.waitForFunction(() => window.rig.talk.view().connection === 'online' && window.rig.settled())
    }
    const id = await tabs[0]!.evaluate(() => {
      const draft = window.rig.talk.openDraft()
      window.rig.talk.draftText(draft)!.insert(0, 'begun ')
      return draft
    })
    for (const page of tabs) await page.waitForFunction(draft => window.rig.talk.draftText(draft)?.toString() === 'begun ' && window.rig.settled(), id)
    world.line.cut()
    for (const [i, page] of tabs.entries()) {
      await page.evaluate(([draft, word]) => {
        const text = window.rig.talk.draftText(draft as typeof id)!
        text.insert(text.length, word!)
      }, [id, `tab${i} `])
      await offline(page)
    }
    await world.restart(beginNewEpochs)
    world.line.restore()
    const words = async (page: Page): Promise<string> => (await page.evaluate(() => window.rig.drafts())).join(' ').split(/\s+/).sort().join(' ').trim()
    for (const page of tabs) {
      await page.waitForFunction(() => window.rig.talk.view().connection === 'online' && window.rig.settled())
      await until('every word is there once', async () => (await words(page)) === 'begun tab0 tab1 tab2 tab3', 30_000)
    }
    await leave(ada, tabs)
  })

  it('keeps what was written in a free document as an earlier version', { timeout: 180_000 }, async () => {
    const ada = await devices.take()
    const tabs = await openSdkTabs(ada)
    for (const page of tabs) {
      await page.evaluate(([name, id]) => window.rig.open(name!, id!), [documentName(ada).replace('conversation', 'artifact'), ada.id])
      await page.waitForFunction(() => window.rig.board.connection === 'online' && window.rig.board.synced)
    }
    await tabs[0]!.evaluate(() => window.rig.board.doc.getText('body').insert(0, 'begun '))
    for (const page of tabs) await page.waitForFunction(() => window.rig.body() === 'begun ' && !window.rig.board.hasUnsaved)
    world.line.cut()
    for (const [i, page] of tabs.entries()) await page.evaluate(word => window.rig.board.doc.getText('body').insert(0, word), `tab${i} `)
    for (const page of tabs) await page.waitForFunction(() => window.rig.body().length === 'begun tab0 tab1 tab2 tab3 '.length)
    await world.restart(beginNewEpochs)
    world.line.restore()
    for (const page of tabs) {
      await page.waitForFunction(() => window.rig.body() === 'begun ' && window.rig.board.synced, undefined, LONG)
      const kept = await page.evaluate(() => window.rig.kept())
      expect(kept.map(text => text.trim().split(' ').sort().join(' '))).toEqual(['begun tab0 tab1 tab2 tab3'])
    }
    await leave(ada, tabs)
  })
})
