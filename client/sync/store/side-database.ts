/**
 * The small database beside the documents, one per user on this device: which generation of each document is the current one, the
 * requests that the server has not answered or has refused, and the cached conversation list.
 */
import { openDB } from 'idb'
import type { DBSchema, IDBPDatabase } from 'idb'
import { isFenced } from './fence.ts'
import { inTransaction } from './transaction.ts'
import { whenLeft } from '../own-request.ts'
import type { OutboxEntry } from '../view.ts'
import { limits } from '../../../shared/limits.ts'

/** Which database holds a document. All tabs decide by this record, in one transaction. */
export interface GenerationRecord {
  /** Random; part of the database's name. */
  generation: string
  /** Null: the server was not met yet. */
  epoch: string | null
  /** Generations to remove at the next open. */
  old: string[]
  /** Generations with edits that the server never got: kept. */
  kept: string[]
  /** Requests that were let go of lately, the latest last. */
  gone?: string[]
  /** The latest number drawn by who owns the document; see fence.ts. Absent: nobody drew one. */
  fence?: number
}

export interface SideSchema extends DBSchema {
  documents: { key: string, value: GenerationRecord }
  /** Key: document name and request id. */
  outbox: { key: [string, string], value: OutboxEntry }
  lists: { key: string, value: unknown }
}

export type SideDatabase = IDBPDatabase<SideSchema>

export const sideDatabaseName = (userId: string): string => `skein:${userId}`

export const openSideDatabase = (userId: string, onClosed: () => void): Promise<SideDatabase> =>
  openDB<SideSchema>(sideDatabaseName(userId), 1, {
    upgrade: db => {
      db.createObjectStore('documents')
      db.createObjectStore('outbox')
      db.createObjectStore('lists')
    },
    // A newer version of the app in another tab: it may go ahead, and what this page writes from now on stays queued.
    blocking: (_current, _blocked, event) => {
      (event.target as IDBDatabase).close()
      onClosed()
    },
    terminated: onClosed
  })

/** The document's current generation; begins the first one when there is none. */
export const currentGeneration = (db: SideDatabase, name: string, fresh: string): Promise<GenerationRecord> =>
  inTransaction(db, ['documents'], 'strict', async tx => {
    const store = tx.objectStore('documents')
    const found = await store.get(name)
    if (found) return found
    const first: GenerationRecord = { generation: fresh, epoch: null, old: [], kept: [] }
    await store.put(first, name)
    return first
  })

/** Draws a number for who owns the document from now on. @returns the record with it */
export const drawFence = (db: SideDatabase, name: string, fresh: string): Promise<GenerationRecord & { fence: number }> =>
  inTransaction(db, ['documents'], 'relaxed', async tx => {
    const store = tx.objectStore('documents')
    const found: GenerationRecord = await store.get(name) ?? { generation: fresh, epoch: null, old: [], kept: [] }
    const drawn = { ...found, fence: (found.fence ?? 0) + 1 }
    await store.put(drawn, name)
    return drawn
  })

/** The document's current generation; null when this device does not have it. */
export const readGeneration = async (db: SideDatabase, name: string): Promise<string | null> =>
  (await db.get('documents', name))?.generation ?? null

/** Name of each document that this device has → its current generation. */
export const readGenerations = async (db: SideDatabase): Promise<Map<string, string>> => {
  const tx = db.transaction('documents')
  const [names, records] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
  return new Map(names.map((name, i) => [name, records[i]!.generation]))
}

/** Name of each document that this device has → its generations, those that are kept beside the current one too. */
export const readPlaces = async (db: SideDatabase): Promise<Map<string, string[]>> => {
  const tx = db.transaction('documents')
  const [names, records] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
  return new Map(names.map((name, i) => [name, [records[i]!.generation, ...records[i]!.kept]]))
}

/** Notes the lineage, unless another tab has gone on to another generation. */
export const noteEpoch = (db: SideDatabase, name: string, generation: string, epoch: string): Promise<void> =>
  inTransaction(db, ['documents'], 'relaxed', async tx => {
    const store = tx.objectStore('documents')
    const found = await store.get(name)
    if (found?.generation === generation && found.epoch !== epoch) await store.put({ ...found, epoch }, name)
  })

/** Begins a document anew. */
export interface Rebuild {
  /** The generation that is left; null when it could not even be found out. */
  from: string | null
  fresh: string
  /** Null while it is not known yet. */
  epoch: string | null
  /** Do not remove the generation that is left. */
  keepOld: boolean
}

/** Moves on from a generation. The one that another tab has moved on to is taken when it is of the epoch in question. */
const moveOn = (found: GenerationRecord | undefined, { from, fresh, epoch, keepOld }: Rebuild): GenerationRecord => {
  if (found && found.generation !== from && epoch !== null && found.epoch === epoch) return found
  const left = found ? [found.generation] : []
  const kept = [...found?.kept ?? [], ...keepOld ? left : []]
  const old = [...found?.old ?? [], ...keepOld ? [] : left]
  return { ...found, generation: fresh, epoch, old, kept }
}

/** Name of each document → its generations that are to be removed. */
export const readOldGenerations = async (db: SideDatabase): Promise<Map<string, string[]>> => {
  const tx = db.transaction('documents')
  const [names, records] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
  return new Map(names.flatMap((name, i) => records[i]!.old.length > 0 ? [[name, records[i]!.old]] : []))
}

/** These databases are gone. */
export const forgetGenerations = (db: SideDatabase, name: string, gone: readonly string[]): Promise<void> =>
  inTransaction(db, ['documents'], 'relaxed', async tx => {
    const store = tx.objectStore('documents')
    const found = await store.get(name)
    if (found) await store.put({ ...found, old: found.old.filter(generation => !gone.includes(generation)) }, name)
  })

/** Generations that were left with edits that the server never got. */
export const keptGenerations = async (db: SideDatabase, name: string): Promise<readonly string[]> =>
  (await db.get('documents', name))?.kept ?? []

/**
 * What comes late of a generation is kept from now on: with what is kept of it, or else apart, for a tab may be about to remove its
 * database.
 * @returns the generation under which it is kept
 */
export const keepGeneration = async (db: SideDatabase, name: string, generation: string): Promise<string> => {
  let place = generation
  await changeKept(db, name, ({ kept, old }) => {
    place = kept.includes(generation) ? generation : `${generation}-late`
    return { kept: [...new Set([...kept, place])], old: old.filter(other => other !== place) }
  })
  return place
}

/** From now on its database is to be removed. */
export const dropGeneration = (db: SideDatabase, name: string, generation: string): Promise<void> =>
  changeKept(db, name, ({ kept, old }) => ({ kept: kept.filter(other => other !== generation), old: [...new Set([...old, generation])] }))

const changeKept = (
  db: SideDatabase, name: string, change: (record: GenerationRecord) => Pick<GenerationRecord, 'kept' | 'old'>
): Promise<void> =>
  inTransaction(db, ['documents'], 'strict', async tx => {
    const store = tx.objectStore('documents')
    const found = await store.get(name)
    if (found) await store.put({ ...found, ...change(found) }, name)
  })

const entriesOf = (name: string): IDBKeyRange => IDBKeyRange.bound([name], [name, []])

export const readOutbox = async (db: SideDatabase, name: string): Promise<{ outbox: OutboxEntry[], gone: string[] }> => {
  const tx = db.transaction(['documents', 'outbox'])
  const [record, outbox] = await Promise.all([tx.objectStore('documents').get(name), tx.objectStore('outbox').getAll(entriesOf(name)), tx.done])
  return { outbox, gone: record?.gone ?? [] }
}

/** By document name, each in the order made. */
export const readAllOutboxes = async (db: SideDatabase): Promise<Map<string, OutboxEntry[]>> => {
  const tx = db.transaction('outbox')
  const [keys, entries] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
  const byName = new Map<string, OutboxEntry[]>()
  for (const [i, [name]] of keys.entries()) byName.set(name, [...byName.get(name) ?? [], entries[i]!])
  return byName
}

const remember = (gone: readonly string[], id: string): string[] =>
  [...gone.filter(other => other !== id), id].slice(-limits.rememberedGone)

interface Fenced {
  name: string
  /** The number that the writer drew, if it did. */
  fence: number | null
}

export type SideWrite = Fenced & (
  | { type: 'put', entry: OutboxEntry }
  | { type: 'delete', id: string }
  /** @param moved told the record when it is stored */
  | { type: 'rebuild', rebuild: Rebuild, moved: (record: GenerationRecord) => void }
)

/**
 * One transaction for all: a document never begins anew without the requests that were asked for or noted before.
 * Resolves when all of it is on disk, not only in the system's cache, where the browser can tell.
 * @returns what was not written, because somebody else owns its document since
 */
export const writeSide = async (db: SideDatabase, writes: readonly SideWrite[]): Promise<SideWrite[]> => {
  const { moved, fenced } = await inTransaction(db, ['documents', 'outbox'], 'strict', async tx => {
    const documents = tx.objectStore('documents')
    const outbox = tx.objectStore('outbox')
    const moved = new Map<SideWrite, GenerationRecord>()
    const fenced: SideWrite[] = []
    for (const write of writes) {
      const { name } = write
      const found = await documents.get(name)
      if (isFenced(found?.fence, write.fence)) {
        fenced.push(write)
        continue
      }
      switch (write.type) {
        case 'put':
          if (!found?.gone?.includes(write.entry.id)) await outbox.put(write.entry, [name, write.entry.id])
          break
        case 'delete':
          await outbox.delete([name, write.id])
          if (found) await documents.put({ ...found, gone: remember(found.gone ?? [], write.id) }, name)
          break
        case 'rebuild': {
          const record = moveOn(found, write.rebuild)
          await documents.put(record, name)
          for (const entry of await outbox.getAll(entriesOf(name))) {
            const left = whenLeft(entry)
            if (left !== entry) await outbox.put(left, [name, entry.id])
          }
          moved.set(write, record)
        }
      }
    }
    return { moved, fenced }
  })
  for (const [write, record] of moved) if (write.type === 'rebuild') write.moved(record)
  return fenced
}
