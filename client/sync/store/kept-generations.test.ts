/** What is kept of generations that a document has left, while other tabs sweep. */
import 'fake-indexeddb/auto'
import { deleteDB } from 'idb'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { databaseName } from './document-database.ts'
import { openDeviceStore } from './indexeddb.ts'
import { openSideDatabase, readOldGenerations } from './side-database.ts'
import { conversationName } from '../../../shared/ids.ts'

it('is not removed by a tab that had found its generation to be removed before something of it was kept', async () => {
  const name = conversationName('c1')!
  // Nothing sweeps but the slow tab.
  const real = indexedDB.deleteDatabase
  indexedDB.deleteDatabase = () => {
    throw new Error('another tab is stuck')
  }
  const device = openDeviceStore({ userId: 'race' })
  const store = device.document(name)
  const { generation } = await store.load()
  await store.rebuild('e2', false)
  await store.load()
  indexedDB.deleteDatabase = real
  const slow = await openSideDatabase('race', () => {})
  const old = await readOldGenerations(slow)
  const doc = new Y.Doc()
  doc.getText('body').insert(0, 'late words')
  await store.kept!.add(generation!, Y.encodeStateAsUpdate(doc), 1)
  for (const [key, gone] of old) for (const each of gone) await deleteDB(databaseName('race', key, each))
  expect((await store.kept!.list()).map(({ updates }) => updates.length)).toEqual([1])
})
