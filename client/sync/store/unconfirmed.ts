/** Documents of one user in which something was typed on this device that no server has confirmed. */
import { databaseName, openDocumentDatabase, readDocument, readUnsaved } from './document-database.ts'
import { readPlaces } from './side-database.ts'
import type { SideStore } from './side-store.ts'
import { unsentDrafts } from '../unsent-drafts.ts'
import type { UnsentDraft } from '../unsent-drafts.ts'

/** By document name; empty where the storage cannot be read. */
export const readUnsentDrafts = async (userId: string, side: SideStore): Promise<Map<string, UnsentDraft[]>> => {
  const found = new Map<string, UnsentDraft[]>()
  try {
    const there = new Set((await indexedDB.databases()).map(({ name }) => name))
    for (const [name, generations] of await readPlaces(await side.open())) {
      for (const database of generations.map(each => databaseName(userId, name, each)).filter(each => there.has(each))) {
        const drafts = await draftsIn(database)
        if (drafts.length > 0) found.set(name, [...found.get(name) ?? [], ...drafts])
      }
    }
  } catch {
    return found // Whoever opens a document is told of the problem.
  }
  return found
}

const draftsIn = async (database: string): Promise<UnsentDraft[]> => {
  const db = await openDocumentDatabase(database, () => {})
  try {
    if (!await readUnsaved(db)) return []
    const { updates, writers = [] } = await readDocument(db)
    return unsentDrafts(updates, writers)
  } finally {
    db.close()
  }
}
