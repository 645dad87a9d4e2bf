/**
 * What a guest kept on this device becomes the account's that they are now: documents, requests that no server has answered, refused
 * texts, the list.
 *
 * 1. Only the small database is written. The account's names the guest's documents by reference (see `databaseName`), in one strict
 *    transaction with the requests; so nothing is copied, and a page that dies leaves all of it or none.
 * 2. Of a document that the account has here too, the guest's life is kept beside it when it holds edits that no server confirmed, as at
 *    a new beginning (docs/decisions/0009), and removed otherwise.
 * 3. Then the guest's small database is emptied of exactly that. A page that dies in between does both again, which changes nothing:
 *    what the account has taken over or let go of since is known by its name.
 */
import { deleteDB } from 'idb'
import { databaseName, openDocumentDatabase, readDocument } from './document-database.ts'
import { openSideDatabase, sideDatabaseName } from './side-database.ts'
import type { GenerationRecord, SideDatabase } from './side-database.ts'
import { inTransaction } from './transaction.ts'
import type { OutboxEntry } from '../view.ts'

interface Left {
  documents: Map<string, GenerationRecord>
  outbox: Map<[name: string, id: string], OutboxEntry>
  lists: Map<string, unknown>
}

/** Whether this user has anything here. */
export const hasStores = async (userId: string): Promise<boolean> =>
  (await indexedDB.databases()).some(({ name }) => name === sideDatabaseName(userId))

/**
 * To be called while no page has the stores of either open; of the guest's, a page that is stopped may.
 * @param alone nobody else can have the guest's stores open: its small database goes altogether
 */
export const adoptStores = async (guest: string, account: string, alone: boolean): Promise<void> => {
  if (!await hasStores(guest)) return
  const from = await openSideDatabase(guest, () => {})
  try {
    const left = await readAll(from)
    const own = await openSideDatabase(account, () => {})
    try {
      await takeOver(own, guest, left)
    } finally {
      own.close()
    }
    await empty(from, left)
  } finally {
    from.close()
  }
  if (alone) await deleteDB(sideDatabaseName(guest))
}

const readAll = async (db: SideDatabase): Promise<Left> => {
  const tx = db.transaction(['documents', 'outbox', 'lists'])
  const [documents, outbox, lists] = [tx.objectStore('documents'), tx.objectStore('outbox'), tx.objectStore('lists')]
  const [names, records, ids, entries, keys, values] = await Promise.all([
    documents.getAllKeys(), documents.getAll(), outbox.getAllKeys(), outbox.getAll(), lists.getAllKeys(), lists.getAll(), tx.done
  ])
  return {
    documents: new Map(names.map((name, i) => [name, records[i]!])),
    outbox: new Map(ids.map((id, i) => [id, entries[i]!])),
    lists: new Map(keys.map((key, i) => [key, values[i]]))
  }
}

const takeOver = async (own: SideDatabase, guest: string, { documents, outbox, lists }: Left): Promise<void> => {
  const unsaved = new Map<string, boolean>()
  // Looked at before the transaction, which waits for nothing else.
  for (const [name, record] of documents) {
    const ours = await own.get('documents', name)
    if (ours && !knows(ours, as(guest, record.generation))) unsaved.set(name, await holdsUnsaved(guest, name, record.generation))
  }
  await inTransaction(own, ['documents', 'outbox', 'lists'], 'strict', async tx => {
    const [ourDocuments, ourOutbox, ourLists] = [tx.objectStore('documents'), tx.objectStore('outbox'), tx.objectStore('lists')]
    for (const [name, record] of documents) {
      const ours = await ourDocuments.get(name)
      await ourDocuments.put(merge(ours, renamed(guest, record), unsaved.get(name) ?? true), name)
    }
    for (const [[name, id], entry] of outbox) {
      const ours = await ourDocuments.get(name)
      if (!ours?.gone?.includes(id)) await ourOutbox.put(await ourOutbox.get([name, id]) ?? entry, [name, id])
    }
    for (const [key, value] of lists) if (await ourLists.get(key) === undefined && key === 'conversations') await ourLists.put(value, key)
  })
}

/** Removes what was taken over, unless a page that was stopped has changed it since: that is taken over the next time. */
const empty = (db: SideDatabase, { documents, outbox }: Left): Promise<void> =>
  inTransaction(db, ['documents', 'outbox', 'lists'], 'strict', async tx => {
    for (const [name, record] of documents) {
      const now = await tx.objectStore('documents').get(name)
      if (isSame(now, record)) await tx.objectStore('documents').delete(name)
    }
    for (const [key, entry] of outbox) if (isSame(await tx.objectStore('outbox').get(key), entry)) await tx.objectStore('outbox').delete(key)
    await tx.objectStore('lists').clear()
  })

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

const as = (guest: string, generation: string): string => generation.includes('/') ? generation : `${guest}/${generation}`

const renamed = (guest: string, record: GenerationRecord): GenerationRecord => {
  const all = (generations: readonly string[]) => generations.map(generation => as(guest, generation))
  return { ...record, generation: as(guest, record.generation), old: all(record.old), kept: all(record.kept) }
}

const knows = ({ generation, old, kept }: GenerationRecord, other: string): boolean => [generation, ...old, ...kept].includes(other)

/** @param unsaved the guest's current generation holds edits that no server may have */
const merge = (ours: GenerationRecord | undefined, theirs: GenerationRecord, unsaved: boolean): GenerationRecord => {
  if (!ours) return theirs
  const fresh = (generations: readonly string[]) => generations.filter(generation => !knows(ours, generation))
  const left = fresh([theirs.generation])
  const gone = [...new Set([...theirs.gone ?? [], ...ours.gone ?? []])]
  return {
    ...ours,
    kept: [...ours.kept, ...fresh(theirs.kept), ...unsaved ? left : []],
    old: [...ours.old, ...fresh(theirs.old), ...unsaved ? [] : left],
    ...gone.length > 0 && { gone },
    // The same database may have been taken over before, and written under this number since.
    ...(ours.fence ?? theirs.fence) !== undefined && { fence: Math.max(ours.fence ?? 0, theirs.fence ?? 0) }
  }
}

/** What cannot be read is kept. */
const holdsUnsaved = async (guest: string, name: string, generation: string): Promise<boolean> => {
  try {
    const db = await openDocumentDatabase(databaseName(guest, name, generation), () => {})
    try {
      const { updates, unsaved = updates.length > 0 } = await readDocument(db)
      return unsaved
    } finally {
      db.close()
    }
  } catch {
    return true
  }
}
