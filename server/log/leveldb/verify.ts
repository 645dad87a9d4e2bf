/**
 * Verifies a store whose server is stopped: whatever is lost or changed is named, and nothing is written into the folder.
 *
 * Two looks, since each sees what the other does not: at the files, where everything has a checksum that LevelDB does not look at, and at
 * the database as LevelDB reads it, where what is gone without a trace shows as a gap. LevelDB writes when it opens a folder, so it gets a
 * copy: the tables, which nobody ever changes, as links, the rest as files.
 */
import { cp, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { DocumentName } from '../../../shared/ids.ts'
import { DataFolderError } from './data-folder-error.ts'
import { isInUse } from './in-use.ts'
import { keys } from './keys.ts'
import { changesIn, findDamagedTables, findLostChanges, isTable } from './lost-changes.ts'
import type { DamagedTable } from './lost-changes.ts'
import type { Database } from './store.ts'
import { withoutBlocks } from './table-file.ts'
import { verifyDatabase } from './verify-database.ts'
import type { Finding } from './verify-database.ts'

/**
 * @param path the LevelDB folder
 * @throws DataFolderError when there is no store, it is in use, or a newer Skein wrote it
 */
export const verifyStore = async (path: string): Promise<Finding[]> => {
  const files = await readdir(path).catch((error: unknown) => { throw new DataFolderError('no-store', path, { cause: error }) })
  if (!files.includes('CURRENT')) throw new DataFolderError('no-store', path)
  if (await isInUse(path)) throw new DataFolderError('in-use', path)
  const tables = await findDamagedTables(path)
  const { found: read, documents } = await verifyCopy(path, files, tables)
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

const verifyCopy = async (path: string, files: readonly string[], damaged: readonly DamagedTable[]): ReturnType<typeof verifyDatabase> => {
  const copy = await mkdtemp(join(tmpdir(), 'skein-verify-'))
  try {
    for (const file of files) {
      const table = damaged.find(table => table.file === file)
      if (table) await writeFile(join(copy, file), withoutBlocks(table.content, table.blocks))
      else if (isTable(file)) await symlink(resolve(path, file), join(copy, file))
      else await cp(join(path, file), join(copy, file), { recursive: true })
    }
    const database: Database = new ClassicLevel(copy, { keyEncoding: keys, valueEncoding: 'view', createIfMissing: false })
    try {
      await database.open()
    } catch (_unreadable) {
      return { found: [{ document: null, what: 'the database cannot be opened' }], documents: [] }
    }
    try {
      return await verifyDatabase(database, path)
    } finally {
      await database.close()
    }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
