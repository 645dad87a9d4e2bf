/**
 * Verifies a store whose server is stopped: whatever is lost or changed is named, and nothing is written into the folder.
 *
 * Two looks, since each sees what the other does not: at the files, where everything has a checksum that LevelDB does not look at, and at
 * the database as LevelDB reads it, where what is gone without a trace shows as a gap. LevelDB writes when it opens a folder, so it gets a
 * copy: the tables, which nobody ever changes, as links, the rest as files.
 */
import { cp, mkdtemp, readFile, readdir, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { DocumentName } from '../../../shared/ids.ts'
import { DataFolderError } from './data-folder-error.ts'
import { documentNamesIn } from './document-names.ts'
import { documentRanges, keys } from './keys.ts'
import type { KeyRange } from './keys.ts'
import { findLostChanges } from './lost-changes.ts'
import type { Database } from './store.ts'
import { findDamagedBlocks } from './table-file.ts'
import { verifyDatabase } from './verify-database.ts'
import type { Finding } from './verify-database.ts'

/**
 * @param path the LevelDB folder
 * @throws DataFolderError when there is no store, it is in use, or a newer Skein wrote it
 */
export const verifyStore = async (path: string): Promise<Finding[]> => {
  const files = await readdir(path).catch((error: unknown) => { throw new DataFolderError('no-store', path, { cause: error }) })
  if (!files.includes('CURRENT')) throw new DataFolderError('no-store', path)
  if (await isInUse(join(path, 'LOCK'))) throw new DataFolderError('in-use', path)
  const { found: read, documents } = await verifyCopy(path, files)
  const found = [...await verifyLogFiles(path, files), ...await verifyTables(path, files, documents), ...read]
  return [...new Map(found.map(finding => [JSON.stringify(finding), finding])).values()]
}

const isTable = (file: string): boolean => file.endsWith('.ldb') || file.endsWith('.sst')

const verifyLogFiles = async (path: string, files: readonly string[]): Promise<Finding[]> => {
  const lost = await findLostChanges(path)
  return [
    ...files.some(file => file.endsWith('.log')) ? [] : [{ document: null, what: 'its newest file, the log file, is missing' }],
    ...lost.flatMap(({ what, documents }) => named(documents, what)),
  ]
}

/** @param documents all that are known: what a damaged block held of them follows from the keys around it */
const verifyTables = async (path: string, files: readonly string[], documents: readonly DocumentName[]): Promise<Finding[]> => {
  const found: Finding[] = []
  for (const file of files.filter(isTable)) {
    for (const { at, bytes, keys } of findDamagedBlocks(await readFile(join(path, file)))) {
      const between = typeof keys === 'string'
        ? keys === 'all' ? documents : []
        : documents.filter(name => documentRanges(name).some(range => meets(range, keys)))
      const names = new Set([...between, ...documentNamesIn(bytes)])
      found.push(...named([...names], `something of it lies in a damaged part of ${file} (at byte ${at})`))
    }
  }
  return found
}

const meets = ({ gte, lte }: KeyRange, { from, to }: { from: Uint8Array, to: Uint8Array }): boolean =>
  Buffer.compare(keys.encode(lte), from) >= 0 && Buffer.compare(keys.encode(gte), to) <= 0

const named = (documents: readonly DocumentName[], what: string): Finding[] =>
  documents.length === 0 ? [{ document: null, what }] : documents.map(document => ({ document, what }))

const verifyCopy = async (path: string, files: readonly string[]): ReturnType<typeof verifyDatabase> => {
  const copy = await mkdtemp(join(tmpdir(), 'skein-verify-'))
  try {
    for (const file of files) {
      if (isTable(file)) await symlink(resolve(path, file), join(copy, file))
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

/** Linux says who holds which lock; elsewhere the operator has to know that the server is stopped. */
const isInUse = async (lockFile: string): Promise<boolean> => {
  try {
    const [{ dev, ino }, locks] = await Promise.all([stat(lockFile), readFile('/proc/locks', 'utf8')])
    const [major, minor] = [dev >> 8 & 0xfff, (dev & 0xff) | (dev >> 12 & 0xfff00)].map(part => part.toString(16).padStart(2, '0'))
    return locks.includes(` ${major}:${minor}:${ino} `)
  } catch (_notThere) {
    return false
  }
}
