/** The device of one person in a test, with its real stores: tabs, documents, and what is written into those. For `fake-indexeddb`. */
import { afterEach, beforeEach } from 'vitest'
import * as Y from 'yjs'
import { openDeviceStore } from '../../client/sync/store/indexeddb.ts'
import type { DeviceStore, DeviceStoreOptions } from '../../client/sync/store/indexeddb.ts'
import type { DocumentStore } from '../../client/sync/port.ts'
import type { OutboxEntry } from '../../client/sync/view.ts'
import { proposeSend } from '../../shared/conversation/write.ts'
import { conversationName } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'

export const NAME = conversationName('c1')!

export interface DeviceOfTest {
  /** A tab of the person of this test. */
  tab: (options?: Partial<DeviceStoreOptions>) => DeviceStore
  /** The document as this tab opens it; closed when the test is over. */
  open: (device: DeviceStore, name?: typeof NAME) => DocumentStore
  /** Names of the databases that hold a generation of a document of theirs. */
  generations: () => Promise<string[]>
}

/** Another person's for each test of the file. */
export const deviceForEachTest = (): DeviceOfTest => {
  let user = 0
  let devices: DeviceStore[]
  let documents: DocumentStore[]
  beforeEach(() => {
    user++
    devices = []
    documents = []
  })
  afterEach(async () => {
    await Promise.all(documents.map(document => document.close()))
    await Promise.all(devices.map(device => device.close()))
  })
  return {
    tab: (options = {}) => {
      const device = openDeviceStore({ userId: `user${user}`, ...options })
      devices.push(device)
      return device
    },
    open: (device, name = NAME) => {
      const document = device.document(name)
      documents.push(document)
      return document
    },
    generations: async () =>
      (await indexedDB.databases()).flatMap(({ name }) => name?.startsWith(`skein:user${user}:`) ? [name] : [])
  }
}

/** An update that writes this text. */
export const write = (text: string, at = 0): Uint8Array => {
  const doc = new Y.Doc()
  doc.getText('body').insert(at, text)
  return Y.encodeStateAsUpdate(doc)
}

export const docOf = (updates: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

export const textOf = (updates: readonly Uint8Array[]): string => docOf(updates).getText('body').toString()

export const entry = (number: number): OutboxEntry => ({
  id: `01890000-0000-7000-8000-${String(number).padStart(12, '0')}` as RequestId,
  request: proposeSend({ parts: [{ type: 'text', text: `text ${number}` }], parentId: null }, 1),
  stored: true,
  refusal: null
})

/** The store, with a new generation that takes its time. */
export const slowToRebuild = (store: DocumentStore, wait: () => Promise<void>): DocumentStore => ({
  load: () => store.load(),
  append: (update, own) => store.append(update, own),
  markSaved: async () => store.markSaved?.(),
  setEpoch: (epoch, role) => store.setEpoch(epoch, role),
  putOutbox: entry => store.putOutbox(entry),
  deleteOutbox: id => store.deleteOutbox(id),
  rebuild: async (epoch, keepOld) => {
    await wait()
    await store.rebuild(epoch, keepOld)
  },
  ...store.kept && { kept: store.kept },
  watch: listener => store.watch(listener),
  close: () => store.close()
})
