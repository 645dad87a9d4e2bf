/** Removes everything that a user keeps on this device. */
import { deleteDB } from 'idb'
import { databaseName } from './document-database.ts'
import { hasStores } from './adopt-stores.ts'
import { openSideDatabase, sideDatabaseName } from './side-database.ts'

/**
 * To be called while no page has the stores open; one that has makes it wait. A page that dies in between leaves the small database, which
 * names the others, to be cleared again.
 */
export const clearStores = async (userId: string): Promise<void> => {
  const named = await hasStores(userId) ? await namedIn(userId) : []
  const others = (await indexedDB.databases()).flatMap(({ name }) => name?.startsWith(`${sideDatabaseName(userId)}:`) ? [name] : [])
  await Promise.all([...new Set([...named, ...others])].map(name => deleteDB(name)))
  await deleteDB(sideDatabaseName(userId))
}

/** What was taken over from a guest lies under that one's name. */
const namedIn = async (userId: string): Promise<string[]> => {
  const db = await openSideDatabase(userId, () => {})
  try {
    const tx = db.transaction('documents')
    const [names, records] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
    return records.flatMap(({ generation, old, kept }, i) =>
      [generation, ...old, ...kept].map(each => databaseName(userId, names[i]!, each)))
  } finally {
    db.close()
  }
}
