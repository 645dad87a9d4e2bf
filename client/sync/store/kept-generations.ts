/** The generations of one document that this device left with edits that no server confirmed: each a database of its own. */
import { databaseName, openDocumentDatabase, readDocument, takeOut, writeDocument } from './document-database.ts'
import type { DocumentDatabase, DocumentWrite } from './document-database.ts'
import { dropGeneration, keepGeneration, keptGenerations } from './side-database.ts'
import type { SideStore } from './side-store.ts'
import type { KeptGeneration, KeptGenerations } from '../port.ts'
import type { DocumentName } from '../../../shared/ids.ts'

const using = async <T>(database: string, use: (db: DocumentDatabase) => Promise<T>): Promise<T> => {
  const db = await openDocumentDatabase(database, () => {})
  try {
    return await use(db)
  } finally {
    db.close()
  }
}

/** Takes these messages out of what is kept. Where the storage fails it is done at the next redaction, or when the generation goes. */
export const scrubKept = async (name: DocumentName, userId: string, side: SideStore, redacted: readonly string[]): Promise<void> => {
  if (redacted.length === 0) return
  try {
    const kept = await keptGenerations(await side.open(), name)
    await Promise.all(kept.map(generation => using(databaseName(userId, name, generation), db => takeOut(db, redacted))))
  } catch {
    return // Whoever writes is told of the problem.
  }
}

export const keptGenerationsOf = (name: DocumentName, userId: string, side: SideStore): KeptGenerations => {
  const read = async (generation: string): Promise<KeptGeneration> => {
    const { updates, writers = [], unsaved } = await using(databaseName(userId, name, generation), readDocument)
    return { generation, updates, writers, ...unsaved !== undefined && { unsaved } }
  }
  return {
    list: async () => Promise.all((await keptGenerations(await side.open(), name)).map(read)),
    add: async (generation, update, writer) => {
      // Before it is written, so that it is found.
      const place = await keepGeneration(await side.open(), name, generation)
      const writes: DocumentWrite[] = [{ type: 'update', update, own: true }, { type: 'writer', clientId: writer }]
      await using(databaseName(userId, name, place), db => writeDocument(db, writes, null))
    },
    remove: async generation => {
      const db = await side.open()
      await dropGeneration(db, name, generation)
      // Waits for tabs that have it open; where that takes longer than this page lives, a later visit does it.
      void side.removeOld()
    }
  }
}
