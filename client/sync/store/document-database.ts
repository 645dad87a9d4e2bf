/**
 * One generation of one document in y-indexeddb's layout, so that stock `y-indexeddb` opens it and we open what it wrote: object store
 * `updates` with counted keys, object store `custom`, version 1. Ours in `custom`: `fence` (see fence.ts), and `epoch`, `role`,
 * `writers`, `unsaved` and `latest`, written in one transaction with the updates around them, so that content never stands under another
 * lineage's name, or without its author. What was taken out leaves the updates and `latest` in the write that takes it out.
 */
import { openDB } from 'idb'
import type { DBSchema, IDBPDatabase, IDBPObjectStore } from 'idb'
import * as Y from 'yjs'
import { checkFence } from './fence.ts'
import { inTransaction } from './transaction.ts'
import type { Latest } from '../latest.ts'
import { openRoots } from '../../../shared/conversation/document.ts'
import { message as messageSchema } from '../../../shared/conversation/schema.ts'
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
  | { type: 'latest', latest: Latest }
  /** Nothing stays of what the updates so far deleted. */
  | { type: 'scrub' }

/**
 * @param generation one that the user took over from a guest has that guest's id and a slash in front: a database cannot be renamed, so it
 *   stays where it is (see adopt-stores.ts)
 */
export const databaseName = (userId: string, name: string, generation: string): string => {
  const slash = generation.indexOf('/')
  return slash < 0 ? `skein:${userId}:${name}:${generation}` : `skein:${generation.slice(0, slash)}:${name}:${generation.slice(slash + 1)}`
}

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

/** Whoever drew a lower number writes nothing from then on. @throws FencedError */
export const claimDatabase = (db: DocumentDatabase, fence: number): Promise<void> =>
  inTransaction(db, ['custom'], 'relaxed', async tx => {
    const custom = tx.objectStore('custom')
    checkFence(await custom.get('fence'), fence)
    await custom.put(fence, 'fence')
  })

export const readDocument = async (db: DocumentDatabase): Promise<DatabaseContent> => {
  const tx = db.transaction(['updates', 'custom'])
  const custom = tx.objectStore('custom')
  const [updates, epoch, role, writers, unsaved] = await Promise.all([
    tx.objectStore('updates').getAll(), custom.get('epoch'), custom.get('role'), custom.get('writers'), custom.get('unsaved'), tx.done
  ])
  return {
    updates,
    epoch: typeof epoch === 'string' ? epoch : null,
    role: roleIn(role),
    ...Array.isArray(writers) && { writers: numbersIn(writers) },
    ...typeof unsaved === 'boolean' && { unsaved }
  }
}

/** Something that was typed into its drafts may not be on a server. */
export const readUnsaved = async (db: DocumentDatabase): Promise<boolean> => {
  const tx = db.transaction('custom')
  const [unsaved, writers] = await Promise.all([tx.store.get('unsaved'), tx.store.get('writers'), tx.done])
  return unsaved !== false && numbersIn(writers).length > 0
}

const roleIn = (value: unknown): Role | null => value === 'owner' || value === 'editor' || value === 'viewer' ? value : null

/** @param fence the number that the writer drew, if it did @throws FencedError */
export const writeDocument = (db: DocumentDatabase, writes: readonly DocumentWrite[], fence: number | null): Promise<void> =>
  inTransaction(db, ['updates', 'custom'], 'relaxed', async tx => {
    const updates = tx.objectStore('updates')
    const custom = tx.objectStore('custom')
    if (fence !== null) checkFence(await custom.get('fence'), fence)
    const lastLatest = writes.findLast(({ type }) => type === 'latest')
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
        case 'latest':
          return write === lastLatest && custom.put(write.latest, 'latest')
        case 'scrub':
          return
      }
    }))
    if (writes.some(({ type }) => type === 'scrub')) await mergeAll(updates)
  })

const numbersIn = (value: unknown): number[] => Array.isArray(value) ? value.filter(entry => typeof entry === 'number') : []

/** What is painted before the document is read, as it is stored; and the role that the server last told. */
export const readLatest = async (db: DocumentDatabase): Promise<{ latest: unknown, role: Role | null }> => {
  const tx = db.transaction('custom')
  const [latest, role] = await Promise.all([tx.store.get('latest'), tx.store.get('role'), tx.done])
  return { latest, role: roleIn(role) }
}

/**
 * Replaces all stored updates by one that says the same, in one transaction: what another tab adds meanwhile comes before it and is
 * in it, or after it and stays.
 */
export const compactDocument = (db: DocumentDatabase): Promise<void> =>
  inTransaction(db, ['updates'], 'relaxed', tx => mergeAll(tx.objectStore('updates')))

type Updates = IDBPObjectStore<DocumentSchema, ArrayLike<'updates' | 'custom'>, 'updates', 'readwrite'>

const mergeAll = async (store: Updates, change: (doc: Y.Doc) => void = () => {}): Promise<void> => {
  const updates = await store.getAll()
  if (updates.length === 0) return
  const last = await store.add(merge(updates, change))
  await store.delete(IDBKeyRange.upperBound(last, true))
}

/** Removes messages from a conversation that nobody has open, and what they said from everything stored of it. */
export const takeOut = (db: DocumentDatabase, messageIds: readonly string[]): Promise<void> =>
  inTransaction(db, ['updates', 'custom'], 'relaxed', async tx => {
    const gone = new Set(messageIds)
    await tx.objectStore('custom').delete('latest')
    await mergeAll(tx.objectStore('updates'), doc => {
      const { messages } = openRoots(doc)
      for (const [i, value] of [...messages.toArray().entries()].reverse()) {
        const parsed = messageSchema.safeParse(value)
        if (parsed.success && gone.has(parsed.data.id)) messages.delete(i)
      }
    })
  })

/** Through a document, so that the content of what was deleted goes; one transaction per update keeps the memory small. */
const merge = (updates: readonly Uint8Array[], change: (doc: Y.Doc) => void): Uint8Array => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  change(doc)
  const merged = Y.encodeStateAsUpdate(doc)
  doc.destroy()
  return merged
}
