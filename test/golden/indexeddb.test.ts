/**
 * What a device holds, pinned as earlier versions of the app wrote it: every store that exists must open for ever. Each file is one
 * person's databases, written by the code of its time; another shape gets another file, and none of these is ever changed.
 */
import 'fake-indexeddb/auto'
import { readFile } from 'node:fs/promises'
import { IDBFactory } from 'fake-indexeddb'
import { openDB } from 'idb'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openConversation } from '../../client/sync/conversation.ts'
import { readKept } from '../../client/sync/kept-version.ts'
import { openDeviceStore } from '../../client/sync/store/indexeddb.ts'
import type { DeviceStore } from '../../client/sync/store/indexeddb.ts'
import { readMessages, textOf } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'

interface Dump {
  version: number
  stores: Record<string, { autoIncrement: boolean, entries: [IDBValidKey, unknown][] }>
}

const NAME = conversationName('c1')!
const SIDE = 'skein:ada'

/** Fills this page's databases with the pinned ones. */
const restore = async (shape: number): Promise<void> => {
  const file = await readFile(new URL(`indexeddb-store-${shape}.json`, import.meta.url), 'utf8')
  for (const [name, { version, stores }] of Object.entries((JSON.parse(file) as { databases: Record<string, Dump> }).databases)) {
    const database = await openDB(name, version, { upgrade: db => {
      for (const [store, { autoIncrement }] of Object.entries(stores)) db.createObjectStore(store, { autoIncrement })
    } })
    for (const [store, { entries }] of Object.entries(stores)) {
      for (const [key, value] of entries) await database.put(store, bytesOf(value), key)
    }
    database.close()
  }
}

const bytesOf = (value: unknown): unknown =>
  value !== null && typeof value === 'object' && 'base64' in value ? new Uint8Array(Buffer.from(String(value.base64), 'base64')) : value

/** All that a database holds. */
const contentOf = async (name: string): Promise<unknown> => {
  const database = await openDB(name)
  const content = await Promise.all([...database.objectStoreNames].map(async store =>
    [store, await database.getAllKeys(store), await database.getAll(store)]))
  const { version } = database
  database.close()
  return { version, content }
}

const names = async (): Promise<string[]> => (await indexedDB.databases()).flatMap(({ name }) => name ?? [])

let opened: { close: () => Promise<void> }[] = []
const openAda = () => {
  const device = openDeviceStore({ userId: 'ada' })
  const conversation = openConversation({
    name: NAME, url: 'ws://127.0.0.1:1/sync', connect: false, store: device.document(NAME), userId: 'ada', userName: 'Ada',
    glance: () => device.glance(NAME)
  })
  opened.push(device, conversation)
  return { device, conversation }
}

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory()
})

afterEach(() => closeAll())

const closeAll = async (): Promise<void> => {
  for (const one of opened.reverse()) await one.close()
  opened = []
}

const keptTexts = async (device: DeviceStore): Promise<string[]> =>
  readKept(await device.document(NAME).kept!.list()).flatMap(({ doc }) => readMessages(doc)).map(({ parts }) => textOf(parts))

it.each([1, 2, 3, 4, 5])('a device of shape %i opens with nothing lost, is written, and opens again', async shape => {
  await restore(shape)
  for (let visit = 0; visit < 2; visit++) {
    const { device, conversation } = openAda()
    const stored = await device.document(NAME).load()
    await conversation.ready
    const { messages, role } = conversation.view()
    expect(role).toBe('editor')
    const said = messages.map(({ message, delivery }) => `${textOf(message.parts)}: ${delivery.state}`)
    expect(said.filter(line => line.endsWith('saved'))).toEqual(['message 0: saved', 'message 1: saved', 'message 2: saved'])
    expect(said).toContain('unsent 10: on-device')
    expect(said).toContain('unsent 11: refused')
    expect(said.includes('from today: on-device')).toBe(visit > 0)
    expect(stored).toMatchObject({ epoch: 'e2', role: 'editor' })
    expect(stored.writers).toEqual(shape > 1 ? [8] : undefined)
    if (visit === 0) expect(stored.unsaved).toBe(shape > 2 ? true : undefined)
    expect(await keptTexts(device)).toEqual(['message 0'])
    expect(await device.lists.get('conversations')).toMatchObject([{ id: 'c1', title: 'Plans' }])
    if (visit === 0) await conversation.send('from today')
    await closeAll()
  }
  expect((await openDeviceStore({ userId: 'ada' }).glance(NAME))?.latest.messages).toHaveLength(3)
})

it.each(['the databases beside the documents', 'a document'])('%s of a newer version: it is said in one line, and stays untouched', async what => {
  await restore(5)
  const newer = what === 'a document' ? (await names()).filter(name => name.startsWith(`${SIDE}:`)) : [SIDE]
  for (const name of newer) {
    (await openDB(name, 2, { upgrade: db => void db.createObjectStore('of a later version') })).close()
  }
  const before = await Promise.all(newer.map(contentOf))
  const { conversation } = openAda()
  await conversation.ready
  void conversation.send('written by the old page')
  expect(conversation.view().storageProblem).toBe(
    'This device keeps your conversations for a newer version of Skein, and nothing of them was changed. ' +
    'Reload this page to get that version; what you wrote here since it was opened is safe once it is saved on the server.'
  )
  await closeAll()
  expect(await Promise.all(newer.map(contentOf))).toEqual(before)
})
