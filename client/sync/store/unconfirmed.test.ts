/** What was typed into shared drafts is found on the device while no server has it, so that nobody removes it unasked. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDeviceStore } from './indexeddb.ts'
import type { DeviceStore } from './indexeddb.ts'
import { openConversation } from '../conversation.ts'
import type { Conversation } from '../conversation.ts'
import { conversationName } from '../../../shared/ids.ts'
import { until } from '../../../test/rig/until.ts'
import { TinyServer } from '../../../test/sync/tiny-server.ts'

const NAME = conversationName('c1')!
let server: TinyServer
let device: DeviceStore
let round = 0
const opened: Conversation[] = []

beforeEach(async () => {
  server = await TinyServer.start()
  device = openDeviceStore({ userId: `ada${++round}` })
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.close()))
  await device.close()
  await server.stop()
})

const open = (connect: boolean, url = server.url): Conversation => {
  const conversation = openConversation({ name: NAME, url, store: device.document(NAME), userId: 'ada', userName: 'Ada', connect, outcomeOf: async () => null })
  opened.push(conversation)
  return conversation
}

it('own letters that no server has are found, while the conversation is open and after it was closed', async () => {
  const conversation = open(false)
  await conversation.ready
  const id = conversation.openDraft()
  conversation.draftText(id)!.insert(0, 'half a thought')
  await until('it is stored', async () => (await device.unsentDrafts()).size > 0)
  await conversation.close()
  expect(await device.unsentDrafts()).toEqual(new Map([[NAME, [{ id, text: 'half a thought' }]]]))
})

it('what a server has confirmed is not, and what was typed since is', async () => {
  const conversation = open(true)
  await conversation.ready
  const id = conversation.openDraft()
  conversation.draftText(id)!.insert(0, 'confirmed')
  await until('the server has it', () => conversation.view().synced && !conversation.hasUnsaved)
  await until('that is noted', async () => (await device.unsentDrafts()).size === 0)
  conversation.disconnect()
  conversation.draftText(id)!.insert(9, ' and not')
  await until('it is stored', async () => (await device.unsentDrafts()).size > 0)
  expect((await device.unsentDrafts()).get(NAME)).toEqual([{ id, text: 'confirmed and not' }])
})

it('a device without drafts has none, and no database is made by looking', async () => {
  const conversation = open(false)
  await conversation.ready
  await conversation.send('no draft')
  const before = (await indexedDB.databases()).length
  expect(await device.unsentDrafts()).toEqual(new Map())
  expect((await indexedDB.databases()).length).toBe(before)
})
