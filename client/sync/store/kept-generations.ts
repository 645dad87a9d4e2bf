/** The generations of one document that this device left with edits that no server confirmed: each a database of its own. */
import { deleteDB } from 'idb'
import { databaseName, openDocumentDatabase, readDocument, writeDocument } from './document-database.ts'
import type { DocumentDatabase } from './document-database.ts'
import { dropGeneration, forgetGenerations, keepGeneration, keptGenerations } from './side-database.ts'
import type { SideStore } from './side-store.ts'
import type { KeptGeneration, KeptGenerations } from '../port.ts'
import type { DocumentName } from '../../../shared/ids.ts'

export const keptGenerationsOf = (name: DocumentName, userId: string, side: SideStore): KeptGenerations => {
  const using = async <T>(generation: string, use: (db: DocumentDatabase) => Promise<T>): Promise<T> => {
    const db = await openDocumentDatabase(databaseName(userId, name, generation), () => {})
    try {
      return await use(db)
    } finally {
      db.close()
    }
  }
  const read = async (generation: string): Promise<KeptGeneration> => {
    const { updates, writers = [] } = await using(generation, readDocument)
    return { generation, updates, writers }
  }
  return {
    list: async () => Promise.all((await keptGenerations(await side.open(), name)).map(read)),
    add: async (generation, update, writer) => {
      // Before it is written: until then another tab may remove the database.
      await keepGeneration(await side.open(), name, generation)
      await using(generation, db => writeDocument(db, [{ type: 'update', update, own: true }, { type: 'writer', clientId: writer }]))
    },
    remove: async generation => {
      const db = await side.open()
      await dropGeneration(db, name, generation)
      // Waits for tabs that have it open; where that takes longer than this page lives, a later visit does it.
      void deleteDB(databaseName(userId, name, generation)).then(() => forgetGenerations(db, name, [generation])).catch(() => undefined)
    }
  }
}
