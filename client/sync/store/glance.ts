/** The little that is read of a document so that something can be shown before the whole of it is. */
import { databaseName, openDocumentDatabase, readLatest } from './document-database.ts'
import { readGeneration } from './side-database.ts'
import type { SideStore } from './side-store.ts'
import { parseLatest } from '../latest.ts'
import type { Glance } from '../latest.ts'

/** @returns null when nothing is kept, or the storage cannot be read: then whoever opens the document is told */
export const readGlance = async (side: SideStore, userId: string, name: string): Promise<Glance | null> => {
  try {
    const generation = await readGeneration(await side.open(), name)
    if (generation === null) return null
    const database = await openDocumentDatabase(databaseName(userId, name, generation), () => {})
    try {
      const [{ latest, role }, { outbox }] = await Promise.all([readLatest(database), side.readOutbox(name)])
      const parsed = parseLatest(latest)
      return parsed && { latest: parsed, role, outbox }
    } finally {
      database.close()
    }
  } catch {
    return null
  }
}
