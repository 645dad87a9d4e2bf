/**
 * One generation of one document in y-indexeddb's layout, so that stock `y-indexeddb` opens it and we open what it wrote: object store
 * `updates` with counted keys, object store `custom`, version 1. Ours in `custom`: `epoch`, `role`, `writers` and `unsaved`, written in one
 * transaction with the updates around them, so that content never stands under another lineage's name, or without its author.
 */
import { openDB } from 'idb'
import type { DBSchema, IDBPDatabase } from 'idb'
import * as Y from 'yjs'
import { inTransaction } from './transaction.ts'
import type { Role } from '../../../shared/wire/frame.ts'

interface DocumentSchema extends DBSchema {
  updates: { key: number, value: Uint8Array }
  custom: { key: string, value: unknown }
}

export type DocumentDatabase = IDBPDatabase<DocumentSchema>

export type DocumentWrite =
  | { type: 'update', update: Uint8Array, own: boolean }
  | { type: 'saved' }
  | { type: 'epoch', epoch: string, role: Role | null }
  | { type: 'writer', clientId: number }

export const databaseName = (userId: string, name: string, generation: string): string => `skein:${userId}:${name}:${generation}`

/** Another tab or a later visit may delete an old generation; as long as it is open here, the browser makes that wait. */
export const openDocumentDatabase = (database: string, onClosed: () => void): Promise<DocumentDatabase> =>
  openDB<DocumentSchema>(database, 1, {
    upgrade: db => {
      db.createObjectStore('updates', { autoIncrement: true })
      db.createObjectStore('custom')
    },
    terminated: onClosed
  })

export interface DatabaseContent {
  updates: Uint8Array[]
  epoch: string | null
  role: Role | null
  /** Absent: none was noted. */
  writers?: number[]
  unsaved?: boolean
}

export const readDocument = async (db: DocumentDatabase): Promise<DatabaseContent> => {
  const tx = db.transaction(['updates', 'custom'])
  const custom = tx.objectStore('custom')
  const [updates, epoch, role, writers, unsaved] = await Promise.all([
    tx.objectStore('updates').getAll(), custom.get('epoch'), custom.get('role'), custom.get('writers'), custom.get('unsaved'), tx.done
  ])
  return {
    updates,
    epoch: typeof epoch === 'string' ? epoch : null,
    role: role === 'owner' || role === 'editor' || role === 'viewer' ? role : null,
    ...Array.isArray(writers) && { writers: numbersIn(writers) },
    ...typeof unsaved === 'boolean' && { unsaved }
  }
}

export const writeDocument = (db: DocumentDatabase, writes: readonly DocumentWrite[]): Promise<void> =>
  inTransaction(db, ['updates', 'custom'], 'relaxed', async tx => {
    const updates = tx.objectStore('updates')
    const custom = tx.objectStore('custom')
    await Promise.all(writes.map(async write => {
      switch (write.type) {
        case 'update':
          return Promise.all([updates.add(write.update), write.own && custom.put(true, 'unsaved')])
        case 'saved':
          return custom.put(false, 'unsaved')
        case 'epoch':
          return Promise.all([custom.put(write.epoch, 'epoch'), custom.put(write.role, 'role')])
        case 'writer':
          return custom.put([...numbersIn(await custom.get('writers')), write.clientId], 'writers')
      }
    }))
  })

const numbersIn = (value: unknown): number[] => Array.isArray(value) ? value.filter(entry => typeof entry === 'number') : []

/**
 * Replaces all stored updates by one that says the same, in one transaction: what another tab adds meanwhile comes before it and is
 * in it, or after it and stays.
 */
export const compactDocument = (db: DocumentDatabase): Promise<void> =>
  inTransaction(db, ['updates'], 'relaxed', async tx => {
    const store = tx.objectStore('updates')
    const updates = await store.getAll()
    if (updates.length < 2) return
    const last = await store.add(merge(updates))
    await store.delete(IDBKeyRange.upperBound(last, true))
  })

/** Through a document, so that the content of what was deleted goes; one transaction per update keeps the memory small. */
const merge = (updates: readonly Uint8Array[]): Uint8Array => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  const merged = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return merged
}
