/** A conversation that is deleted on the server while nobody has it open on this device. */
import 'fake-indexeddb/auto'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createApi } from './api.ts'
import { syncInBackground } from './background-sync.ts'
import { openConversation } from './conversation.ts'
import type { Conversation } from './conversation.ts'
import { forgetDeleted } from './forget-deleted.ts'
import { realSurroundings } from './port.ts'
import { openDeviceStore } from './store/indexeddb.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import type { TabSurroundings } from './tabs/port.ts'
import { TabSession } from './tabs/session.ts'
import { routes } from '../../shared/api/routes.ts'
import { textOf } from '../../shared/conversation/read.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { newConversationId } from '../../test/rig/conversation.ts'
import { startInProcess } from '../../test/rig/in-process.ts'
import type { InProcessServer } from '../../test/rig/in-process.ts'
import { until } from '../../test/rig/until.ts'

let server: InProcessServer
let device: DeviceStore
let users = 0

beforeEach(async () => {
  server = await startInProcess()
  device = openDeviceStore({ userId: `forgets-${++users}` })
})

afterEach(async () => {
  await device.close()
  await server.close()
})

const id = newConversationId()
const name = conversationName(id)!

const open = (which: DocumentName, connect = true): Conversation =>
  openConversation({ name: which, url: server.syncUrl, store: device.document(which), userId: 'local', userName: 'Local', connect })
/** As the app opens it. */
const openInTab = (which: DocumentName): Conversation => {
  const surroundings: TabSurroundings = {
    lock: () => ({
      request: (_how, { granted }) => {
        queueMicrotask(granted)
        return () => {}
      }
    }),
    channel: () => ({ post: () => {}, close: () => {} }),
    lifecycle: () => () => {},
    now: realSurroundings.now, random: realSurroundings.random, after: realSurroundings.after
  }
  const tabs = new TabSession({ surroundings, key: which, openStore: () => device.document(which) })
  return openConversation({ name: which, url: server.syncUrl, store: tabs.store, tabs, userId: 'local', userName: 'Local' })
}
const pass = (openIt: (which: DocumentName) => Conversation = open): Promise<void> => {
  const { signal } = new AbortController()
  const memory = { getItem: () => null, setItem: () => {} }
  const api = createApi({ fetch: (path, init) => fetch(`${server.url}${String(path)}`, init), memory })
  const forget = (which: DocumentName) => forgetDeleted(openIt(which), { signal, after: realSurroundings.after })
  return syncInBackground({ api, device, userId: 'local', isOpen: () => false, forget, signal })
}
/** All that this person's databases hold, as text. */
const onDevice = async (): Promise<string> => {
  const held: string[] = []
  for (const { name: database } of await indexedDB.databases()) {
    if (!database!.startsWith(`skein:forgets-${users}`)) continue
    const db = await new Promise<IDBDatabase>(resolve => {
      const request = indexedDB.open(database!)
      request.onsuccess = () => resolve(request.result)
    })
    for (const store of db.objectStoreNames) {
      const values = await new Promise<unknown[]>(resolve => {
        const request = db.transaction(store).objectStore(store).getAll()
        request.onsuccess = () => resolve(request.result)
      })
      held.push(...values.map(value => value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : JSON.stringify(value)))
    }
    db.close()
  }
  return held.join('\n')
}

it('leaves nothing of it on the device with the next pass, but for what was never sent', async () => {
  const first = open(name)
  await first.send('said to all', { to: [] })
  await until('it is saved', () => first.view().messages[0]?.delivery.state === 'saved' && first.view().synced)
  first.disconnect()
  await first.send('never sent', { to: [] })
  await first.close()
  expect(await onDevice()).toContain('said to all')
  expect((await fetch(`${server.url}${routes.conversation(id)}`, { method: 'DELETE' })).status).toBe(204)
  await pass()
  await until('it is gone', async () => !(await onDevice()).includes('said to all'))
  const later = open(name, false)
  await later.ready
  expect(later.view().messages.map(({ message, delivery }) => `${textOf(message.parts)}: ${delivery.state}`)).toEqual(['never sent: refused'])
  await later.close()
})

it.each([['by itself', (which: DocumentName) => open(which)], ['among tabs', openInTab]])(
  'leaves nothing of an earlier life that was kept for its letters either, %s, and the letters stay', async (_how, openIt) => {
    const first = open(name)
    await first.send('said to all', { to: [] })
    await until('it is saved', () => first.view().messages[0]?.delivery.state === 'saved' && first.view().synced)
    first.disconnect()
    first.draftText(first.openDraft())!.insert(0, 'letters never sent')
    await first.close()
    // As a pass in the background leaves it when the server has begun anew.
    const store = device.document(name)
    await store.load()
    await store.rebuild('another', true)
    await store.load()
    await store.setEpoch('another', 'owner')
    await store.close()
    expect(await onDevice()).toContain('said to all')
    expect((await fetch(`${server.url}${routes.conversation(id)}`, { method: 'DELETE' })).status).toBe(204)
    await pass(openIt)
    await until('it is gone', async () => !(await onDevice()).includes('said to all'))
    const later = open(name, false)
    await later.ready
    expect(later.view().messages.map(({ message, delivery }) => `${textOf(message.parts)}: ${delivery.state}`)).toEqual(['letters never sent: refused'])
    await later.close()
  })
