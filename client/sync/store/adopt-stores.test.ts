/** What a guest kept on a device becomes their account's, whenever the page dies: no letter lost, none sent twice, none for others. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { adoptStores, hasStores } from './adopt-stores.ts'
import { clearStores } from './clear-stores.ts'
import { openDeviceStore } from './indexeddb.ts'
import type { DeviceStore } from './indexeddb.ts'
import { openConversation } from '../conversation.ts'
import type { Conversation } from '../conversation.ts'
import { readDrafts, textOf } from '../../../shared/conversation/read.ts'
import { conversationName } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import { dyingStorage } from '../../../test/rig/dying-storage.ts'
import { settle } from '../../../test/rig/manual-time.ts'
import { until } from '../../../test/rig/until.ts'
import { TinyServer } from '../../../test/sync/tiny-server.ts'

const NAME = conversationName('c1')!
const OTHER = conversationName('c2')!
const TOO_LONG = 'x'.repeat(limits.messageBytes)
let server: TinyServer
let round = 0

beforeEach(async () => {
  server = await TinyServer.start()
})
afterEach(() => server.stop())

interface Page {
  device: DeviceStore
  conversation: Conversation
  close(): Promise<void>
}

/** @param who whose stores; to the server they are one person */
const openPage = (who: string, connect: boolean, name = NAME): Page => {
  const device = openDeviceStore({ userId: `${who}${round}`, after: () => () => {} })
  const conversation = openConversation({
    name, url: server.url, store: device.document(name), userId: 'ada', userName: 'Ada', connect, outcomeOf: async () => null
  })
  return {
    device, conversation,
    close: async () => {
      await conversation.close()
      await device.close()
    }
  }
}
const said = ({ conversation }: Page): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
const onServer = (): string[] => server.messages.map(({ parts }) => textOf(parts))
const drafted = (): string[] => readDrafts(server.doc).map(({ parts }) => textOf(parts))
const isSettled = ({ conversation }: Page): boolean =>
  conversation.view().synced && conversation.view().pending === 0 && !conversation.hasUnsaved

/** The user's page saved something and closed with a message that waits, one that was refused, and letters in a draft. */
const leaveWork = async (who: string, refused = false): Promise<void> => {
  const page = openPage(who, true)
  await page.conversation.ready
  await page.conversation.send(`saved of ${who}`)
  await until('all is answered', () => isSettled(page))
  page.conversation.disconnect()
  await page.conversation.send(`unsent of ${who}`)
  if (refused) await page.conversation.send(TOO_LONG)
  page.conversation.draftText(page.conversation.openDraft())!.insert(0, `letters of ${who}`)
  await page.close()
}

const adopt = (): Promise<void> => adoptStores(`guest${round}`, `account${round}`, true)

/** Dies at every operation of the storage, until it lives. @returns at how many it died */
const atEveryPoint = async (before: () => Promise<void>, check: (point: string) => Promise<void>): Promise<number> => {
  for (let point = 0; ; point++) {
    round++
    server.beginEpoch(`epoch-${round}`)
    await before()
    const dying = dyingStorage(point)
    await adopt().catch(() => {})
    const lived = !dying.dead
    dying.revive()
    await settle()
    await adopt()
    await check(`died at ${point}`)
    if (lived) return point
  }
}

describe('a guest who has become an account', () => {
  it('finds all of it under the account, whenever the page dies, and it is sent once', { timeout: 60_000 }, async () => {
    const points = await atEveryPoint(() => leaveWork('guest', true), async point => {
      const offline = openPage('account', false)
      await offline.conversation.ready
      expect(said(offline), point).toEqual(['saved of guest', 'unsent of guest', TOO_LONG])
      expect([...(await offline.device.unsent()).keys()], point).toEqual([NAME])
      await offline.close()
      const proposed = server.proposed.length
      const online = openPage('account', true)
      await until(`it is settled, having ${point}`, () => isSettled(online))
      expect(onServer(), point).toEqual(['saved of guest', 'unsent of guest'])
      expect(server.proposed.length - proposed, point).toBe(1)
      expect(drafted(), point).toEqual(['letters of guest'])
      expect(said(online), point).toEqual(['saved of guest', 'unsent of guest', TOO_LONG])
      await online.close()
      expect(await hasStores(`guest${round}`), point).toBe(false)
    })
    expect(points).toBeGreaterThan(2)
  })

  it('finds it beside what the account had here of the same conversation', { timeout: 60_000 }, async () => {
    const before = async (): Promise<void> => {
      await leaveWork('account')
      await leaveWork('guest', true)
    }
    const points = await atEveryPoint(before, async point => {
      const offline = openPage('account', false)
      await offline.conversation.ready
      expect(said(offline), point).toEqual(expect.arrayContaining(['unsent of account', 'unsent of guest', TOO_LONG]))
      await offline.close()
      const online = openPage('account', true)
      await until(`it is settled, having ${point}`, () => isSettled(online) && drafted().length === 2)
      expect([...onServer()].sort(), point).toEqual(['saved of account', 'saved of guest', 'unsent of account', 'unsent of guest'])
      expect([...drafted()].sort(), point).toEqual(['letters of account', 'letters of guest'])
      await until('nothing is kept any more', async () => isSettled(online) && (await online.conversation.carriedOver, true))
      await online.close()
    })
    expect(points).toBeGreaterThan(2)
  })

  it('keeps what a page of the guest that was stopped writes later: it is taken over the next time', async () => {
    round++
    server.beginEpoch(`epoch-${round}`)
    await leaveWork('guest')
    await adoptStores(`guest${round}`, `account${round}`, false)
    const late = openPage('guest', false, OTHER)
    await late.conversation.ready
    await late.conversation.send('written late')
    await late.close()
    await adopt()
    const page = openPage('account', false, OTHER)
    await page.conversation.ready
    expect(said(page)).toEqual(['written late'])
    await page.close()
    expect(await hasStores(`guest${round}`)).toBe(false)
  })

  it('brings nothing back that the account has let go of since', async () => {
    round++
    server.beginEpoch(`epoch-${round}`)
    await leaveWork('guest')
    // The page dies when the account has it and the guest has it still.
    const dying = dyingStorage(3)
    await adopt().catch(() => {})
    dying.revive()
    await settle()
    expect(await hasStores(`guest${round}`)).toBe(true)
    const page = openPage('account', false)
    await page.conversation.ready
    const [unsent] = page.conversation.view().messages.filter(({ delivery }) => delivery.state === 'on-device')
    await page.conversation.discard(unsent!.message.id as never)
    await page.close()
    await adopt()
    const again = openPage('account', false)
    await again.conversation.ready
    expect(said(again)).toEqual(['saved of guest'])
    await again.close()
  })

  it('leaves nothing for another account on the same browser', async () => {
    round++
    server.beginEpoch(`epoch-${round}`)
    await leaveWork('guest')
    await adopt()
    const other = openPage('other', false)
    await other.conversation.ready
    expect([said(other), await other.device.unsent()]).toEqual([[], new Map()])
    await other.close()
  })
})

it('clearing what a user has here removes all databases of theirs, those taken over from a guest too, and nobody else’s', async () => {
  round++
  server.beginEpoch(`epoch-${round}`)
  await leaveWork('guest')
  await leaveWork('account')
  await leaveWork('other')
  await adopt()
  const ours = new RegExp(`^skein:[a-z]+${round}(:|$)`)
  const mine = async (): Promise<string[]> => (await indexedDB.databases()).map(({ name }) => name!).filter(name => ours.test(name))
  expect(await mine()).toHaveLength(5)
  await clearStores(`account${round}`)
  const left = await mine()
  expect(left).toHaveLength(2)
  expect(left.every(name => name.startsWith(`skein:other${round}`))).toBe(true)
  await clearStores(`account${round}`)
  expect(await mine()).toEqual(left)
})
