/** Chromium is killed with its profile on disk while a conversation begins anew in it: no word is lost, doubled, or sent again unasked. */
import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { launchWithProfile } from '../rig/browser.ts'
import type { ProfileBrowser } from '../rig/browser.ts'
import { placesOf } from '../rig/browser-stores.ts'
import { newConversationId } from '../rig/conversation.ts'
import { openSdkPage } from '../rig/sdk-page.ts'
import { runSeed, seededRandom, times, withReplay } from '../rig/seed.ts'
import { startServer, temporaryFolder } from '../rig/server-process.ts'
import { startTcpProxy } from '../rig/tcp-proxy.ts'
import { until } from '../rig/until.ts'
import type {} from '../rig/sdk-page/entry.ts'

const UNSENT = ['unsent one', 'unsent two', 'unsent three']
const UNKNOWN = 'sent, and the answer never came'
const LETTERS = 'letters in a draft'
/** Milliseconds within which the device has begun anew, from when it can reach the server. */
const REBUILD = 400
const LONG = 30_000

it('whatever a browser holds that is killed while its conversation begins anew is there when it is opened again', {
  timeout: times(20, 1) * 120_000
}, async () => {
  const start = runSeed()
  for (let round = 0; round < times(20, 1); round++) {
    await withReplay(start + round, 'test/e2e/killed-browser.test.ts', () => live(seededRandom(start + round), round))
  }
})

const live = async (random: () => number, round: number): Promise<void> => {
  const folder = await temporaryFolder()
  const data = join(folder.path, 'data')
  let server = await startServer(data)
  const line = await startTcpProxy(() => server.port)
  const id = newConversationId()
  const browsers: ProfileBrowser[] = []

  const openPage = async (): Promise<Page> => {
    const browser = await launchWithProfile(join(folder.path, 'profile'))
    browsers.push(browser)
    const page = await openSdkPage(browser.context, `http://127.0.0.1:${line.port}`)
    await page.evaluate(name => window.rig.open(name, 'local'), `conversation/${id}`)
    return page
  }
  const settled = (page: Page) => until('it is settled', () => page.evaluate(() => window.rig.settled()), LONG)
  const said = async (): Promise<string[]> => {
    const answer = await fetch(`${server.url}/api/conversations/${id}/messages`)
    if (answer.status === 404) return []
    const { messages } = await answer.json() as { messages: { parts: { text: string }[] }[] }
    return messages.map(({ parts }) => parts[0]!.text)
  }
  /** The server has lost all, and its documents begin anew. */
  const beginAnew = async (): Promise<void> => {
    await server.stop()
    await rm(data, { recursive: true })
    server = await startServer(data)
  }

  try {
    const page = await openPage()
    await page.evaluate(() => window.rig.send('saved'))
    await settled(page)
    line.mute()
    void page.evaluate(text => window.rig.send(text), UNKNOWN)
    await until('the server has taken it', async () => (await said()).includes(UNKNOWN), LONG)
    line.cut()
    await until('the page has noticed', () => page.evaluate(() => window.rig.talk.view().connection !== 'online'), LONG)
    for (const text of UNSENT) await page.evaluate(words => window.rig.send(words), text)
    await page.evaluate(text => window.rig.type(text), LETTERS)
    await until('the letters are on the device', async () => (await placesOf(page, LETTERS)).length > 0, LONG)
    await beginAnew()
    line.restore()
    await page.evaluate(() => window.rig.talk.connect())
    await new Promise(resolve => setTimeout(resolve, random() * REBUILD))
    await browsers.pop()!.kill()
    const taken = await said()
    const isLost = round % 2 === 1
    if (isLost) await beginAnew()

    const again = await openPage()
    await settled(again)
    const shown = await again.evaluate(() => window.rig.messages())
    const [onServer, drafts] = [await said(), await again.evaluate(() => window.rig.drafts())]
    expect(shown.filter(text => text.startsWith(UNKNOWN))).toEqual([`${UNKNOWN} (refused)`])
    expect(onServer).toEqual(isLost ? onServer.filter(text => !taken.includes(text)) : UNSENT)
    expect(onServer).not.toContain(UNKNOWN)
    // What the server took before it lost all again, and the device heard of, is gone with the server's data.
    for (const text of UNSENT) {
      const places = shown.filter(line => line.startsWith(text))
      if (isLost && taken.includes(text)) expect(places.filter(line => !line.endsWith('(refused)'))).toEqual([])
      else expect(places).toEqual([expect.stringContaining(text)])
    }
    if (!isLost) expect(drafts).toEqual([LETTERS])
  } finally {
    await browsers.pop()?.kill()
    await line.close()
    await server.stop()
    await folder.remove()
  }
}
