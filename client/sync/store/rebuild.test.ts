/** A page may die at any moment while a document begins anew on its device: nothing is lost, mixed, or sent again without being asked. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { databaseName, openDocumentDatabase, readDocument } from './document-database.ts'
import { openDeviceStore } from './indexeddb.ts'
import type { DeviceStore } from './indexeddb.ts'
import { openConversation } from '../conversation.ts'
import type { Conversation } from '../conversation.ts'
import { openRoots } from '../../../shared/conversation/document.ts'
import { readDrafts, textOf } from '../../../shared/conversation/read.ts'
import { errorTable } from '../../../shared/errors.ts'
import { conversationName } from '../../../shared/ids.ts'
import { dyingStorage } from '../../../test/rig/dying-storage.ts'
import type { DyingStorage } from '../../../test/rig/dying-storage.ts'
import { settle } from '../../../test/rig/manual-time.ts'
import { until } from '../../../test/rig/until.ts'
import { TinyServer } from '../../../test/sync/tiny-server.ts'

const NAME = conversationName('c1')!
const UNSENT = ['unsent one', 'unsent two']
const LETTERS = 'letters in a draft'
let server: TinyServer
let user = 0
let storage: DyingStorage | null = null

beforeEach(async () => {
  server = await TinyServer.start()
})
afterEach(async () => {
  storage?.revive()
  await server.stop()
})

/** Of a page that sends nothing any more when it is dead; what it sent before arrives. */
class MortalSocket extends WebSocket {
  override send(data: Parameters<WebSocket['send']>[0]): void {
    if (!storage?.dead) super.send(data)
  }
}

interface Page {
  device: DeviceStore
  conversation: Conversation
  close(): Promise<void>
}

const openPage = (connect: boolean): Page => {
  const device = openDeviceStore({ userId: `rebuilds${user}`, after: () => () => {} })
  const conversation = openConversation({
    name: NAME, url: server.url, store: device.document(NAME), userId: 'ada', userName: 'Ada', connect, WebSocket: MortalSocket,
    glance: () => device.glance(NAME), outcomeOf: async () => null
  })
  return {
    device, conversation,
    close: async () => {
      await conversation.close()
      await device.close()
    }
  }
}
const textsIn = (doc: Y.Doc): string[] => readDrafts(doc).map(({ parts }) => textOf(parts))
const said = ({ conversation }: Page): string[] => conversation.view().messages.map(({ message }) => textOf(message.parts))
const refusedBy = ({ conversation }: Page): (string | null)[] =>
  conversation.view().messages.map(({ delivery }) => delivery.state === 'refused' ? delivery.code : null)
const isSettled = ({ conversation }: Page): boolean =>
  conversation.view().synced && conversation.view().pending === 0 && !conversation.hasUnsaved
const onServer = (): string[] => server.messages.map(({ parts }) => textOf(parts))

/** Another lineage, which says so in its content. */
const begin = (epoch: string): void => {
  server.beginEpoch(epoch)
  server.change(doc => openRoots(doc).meta.set('title', epoch))
}

/** A device on which one message is saved, two wait to be sent and letters stand in a draft; its page is closed. */
const deviceWithUnsent = async (): Promise<void> => {
  user++
  const page = openPage(true)
  await page.conversation.ready
  await page.conversation.send('saved')
  await until('all is answered', () => isSettled(page))
  page.conversation.disconnect()
  for (const text of UNSENT) await page.conversation.send(text)
  page.conversation.draftText(page.conversation.openDraft())!.insert(0, LETTERS)
  await page.close()
}

/** The page meets a server, and its storage dies after so many operations. @returns whether it lived to the end */
const dieAfter = async (operations: number, isOver: (page: Page) => boolean | Promise<boolean>): Promise<boolean> => {
  const page = openPage(false)
  await page.conversation.ready
  await settle()
  const dying = dyingStorage(operations)
  storage = dying
  page.conversation.connect()
  await until('it is done, or the page is gone', async () => dying.dead || await isOver(page))
  const lived = !dying.dead
  await settle() // What was sent before has arrived.
  server.cut()
  page.conversation.disconnect()
  await settle()
  await page.close()
  dying.revive()
  storage = null
  return lived
}

/** Tries every point at which the page may die, until it lives. @returns at how many it died */
const atEveryPoint = async (
  meanwhile: () => void, isOver: (page: Page) => boolean | Promise<boolean>, check: (point: string) => Promise<void>
): Promise<number> => {
  for (let point = 0; ; point++) {
    server.deaf = false
    begin('epoch-1')
    await deviceWithUnsent()
    meanwhile()
    const lived = await dieAfter(point, isOver)
    await checkLineages(`died at ${point}`)
    await check(`died at ${point}`)
    await checkLineages(`died at ${point}, and opened again`)
    if (lived) return point
  }
}

/** Content that a server of one lineage wrote lies in no database with another's, nor under its name. */
const checkLineages = async (point: string): Promise<void> => {
  const prefix = databaseName(`rebuilds${user}`, NAME, '')
  for (const { name } of await indexedDB.databases()) {
    if (!name?.startsWith(prefix)) continue
    const db = await openDocumentDatabase(name, () => {})
    const { updates, epoch } = await readDocument(db)
    db.close()
    for (const update of updates) {
      const doc = new Y.Doc()
      Y.applyUpdate(doc, update)
      expect([undefined, epoch], point).toContain(openRoots(doc).meta.get('title'))
    }
  }
}

const databases = async (): Promise<number> =>
  (await indexedDB.databases()).filter(({ name }) => name?.startsWith(databaseName(`rebuilds${user}`, NAME, ''))).length
/** It is all as it shall be, and no generation that was left is on the device any more. */
const isDone = async (page: Page): Promise<boolean> => isSettled(page) && await databases() === 1

it.each([
  ['the server of the new lineage', null],
  ['one that began anew once more', 'epoch-3']
])('a new lineage: nothing is lost and nothing is sent twice, whenever the page dies, when it meets %s', { timeout: 120_000 }, async (_whom, later) => {
  let sentByItself = 0
  const points = await atEveryPoint(() => begin('epoch-2'), isDone, async point => {
    const offline = openPage(false)
    await offline.conversation.ready
    // What the server took before the page died may not have come back here.
    const unsent = UNSENT.filter(text => !onServer().includes(text))
    expect(said(offline).filter(text => unsent.includes(text)), point).toEqual(unsent)
    await offline.close()
    const [taken, proposed] = [onServer(), [...server.proposed]]
    const drafted = textsIn(server.doc)
    if (later !== null) begin(later)
    const online = openPage(true)
    await until(`it is settled, having ${point}`, () => isDone(online))
    const there = new Set(server.messages.map(message => message.id))
    // What they followed is lost with the old lineage.
    expect(server.messages.filter(({ metadata }) => metadata.parentId !== null && !there.has(metadata.parentId)), point).toEqual([])
    const again = server.proposed.slice(proposed.length).filter(id => proposed.includes(id))
    if (later === null) {
      expect(onServer(), point).toEqual(UNSENT)
      expect(said(online), point).toEqual(UNSENT)
      expect(textsIn(server.doc), point).toEqual([LETTERS])
    } else {
      expect(again, point).toEqual([])
      const here = said(online)
      expect(here.filter((_, i) => refusedBy(online)[i] !== 'outcome-unknown'), point).toEqual(onServer())
      expect(here, point).toEqual(expect.arrayContaining(UNSENT.filter(text => !taken.includes(text))))
      expect(new Set(here).size, point).toBe(here.length)
      if (onServer().length === UNSENT.length) sentByItself++
      expect([...drafted, ...textsIn(server.doc)], point).toContain(LETTERS)
    }
    await online.close()
  })
  expect(points).toBeGreaterThan(5)
  // Who died before anything left was not asked.
  if (later !== null) expect(sentByItself).toBeGreaterThan(1)
})

it('a deleted conversation: its content goes and what was never sent stays, whenever the page dies', { timeout: 120_000 }, async () => {
  const gone = errorTable.gone.close
  const words = [...UNSENT, LETTERS]
  const isForgotten = (page: Page): boolean => {
    if (server.open > 0) server.cut(gone, 'gone')
    return page.conversation.view().closedBy?.code === gone && refusedBy(page).filter(Boolean).length === 3 && said(page).length === 3
  }
  const shut = (): void => {
    server.deaf = true
  }
  const points = await atEveryPoint(shut, isForgotten, async point => {
    const page = openPage(true)
    await until(`it hears that the conversation is gone, having ${point}`, async () => isForgotten(page) && await databases() === 1)
    expect(said(page).sort(), point).toEqual([...words].sort())
    await page.close()
    const again = openPage(false)
    await again.conversation.ready
    expect(refusedBy(again), point).toEqual(['gone', 'gone', 'gone'])
    expect(said(again).sort(), point).toEqual([...words].sort())
    await again.close()
  })
  expect(points).toBeGreaterThan(3)
})

it('one transaction, strictly durable, writes the new generation and what is known of the requests', async () => {
  await deviceWithUnsent()
  const device = openDeviceStore({ userId: `rebuilds${user}` })
  const store = device.document(NAME)
  const { outbox } = await store.load()
  await settle()
  const { transaction } = IDBDatabase.prototype
  const writing: unknown[] = []
  IDBDatabase.prototype.transaction = function (...args) {
    if (args[1] === 'readwrite') writing.push([args[0], args[2]])
    return transaction.apply(this, args)
  }
  const [first, second] = outbox
  const { askedIn: _, ...unnoted } = second!
  try {
    void store.deleteOutbox(first!.id)
    void store.putOutbox(unnoted)
    await store.rebuild('epoch-2', true)
  } finally {
    IDBDatabase.prototype.transaction = transaction
  }
  expect(writing).toEqual([[['documents', 'outbox'], { durability: 'strict' }]])
  expect((await store.load()).outbox).toEqual([{ ...unnoted, askedIn: 'unknown' }])
  await store.close()
  await device.close()
})

it('a generation that was left goes at the next visit, also where the document is not opened again', async () => {
  await deviceWithUnsent()
  const dying = openDeviceStore({ userId: `rebuilds${user}` })
  const store = dying.document(NAME)
  await store.load()
  await settle()
  storage = dyingStorage(1)
  await store.rebuild('epoch-2', false)
  await settle()
  storage.revive()
  await store.close()
  await dying.close()
  expect(await databases()).toBe(1)
  const device = openDeviceStore({ userId: `rebuilds${user}` })
  await until('it is gone', async () => await databases() === 0)
  await device.close()
})
