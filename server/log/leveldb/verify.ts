/**
 * Verifies a store whose server is stopped: whatever is lost or changed is named, and nothing is written into the folder. It cannot be
 * started meanwhile.
 *
 * Two looks, since each sees what the other does not: at the files, where everything has a checksum that LevelDB does not look at, and at
 * the database as LevelDB reads it, where what is gone without a trace shows as a gap.
 */
import { readdir } from 'node:fs/promises'
import type { DocumentName } from '../../../shared/ids.ts'
import { DataFolderError } from './data-folder-error.ts'
import { whileFree } from './in-use.ts'
import { changesIn, findDamagedTables, findLostChanges } from './lost-changes.ts'
import { lookInto } from './store-copy.ts'
import { verifyDatabase } from './verify-database.ts'
import type { Finding } from './verify-database.ts'

const UNREADABLE: { found: Finding[], documents: DocumentName[] } =
  { found: [{ document: null, what: 'the database cannot be opened' }], documents: [] }

/**
 * @param path the LevelDB folder
 * @throws DataFolderError when there is no store, it is in use, or a newer Skein wrote it
 */
export const verifyStore = async (path: string): Promise<Finding[]> => {
  const files = await readdir(path).catch((error: unknown) => { throw new DataFolderError('no-store', path, { cause: error }) })
  if (!files.includes('CURRENT')) throw new DataFolderError('no-store', path)
  return whileFree(path, () => findAll(path, files))
}

const findAll = async (path: string, files: readonly string[]): Promise<Finding[]> => {
  const tables = await findDamagedTables(path)
  const { found: read, documents } = await lookInto(path, tables, database => verifyDatabase(database, path)) ?? UNREADABLE
  const lost = tables.flatMap(table => changesIn(table, documents))
  const found = [...await verifyLogFiles(path, files), ...lost.flatMap(({ what, documents }) => named(documents, what)), ...read]
  return [...new Map(found.map(finding => [JSON.stringify(finding), finding])).values()]
}

const verifyLogFiles = async (path: string, files: readonly string[]): Promise<Finding[]> => {
  const lost = await findLostChanges(path)
  return [
    ...files.some(file => file.endsWith('.log')) ? [] : [{ document: null, what: 'its newest file, the log file, is missing' }],
    ...lost.flatMap(({ what, documents }) => named(documents, what)),
  ]
}

const named = (documents: readonly DocumentName[], what: string): Finding[] =>
  documents.length === 0 ? [{ document: null, what }] : documents.map(document => ({ document, what }))
