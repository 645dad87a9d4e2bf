/**
 * Opens a data folder: what has to be seen or done before LevelDB does, since it writes when it opens, and what stands in it then.
 *
 * 1. What LevelDB would leave out without a word is looked for before, and damaged blocks, over which it may end the process, are emptied.
 * 2. A folder of a newer format is refused as it is, byte for byte. Of one of an older format a backup is made.
 */
import { rename, rm, statfs, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { backUp } from './backup.ts'
import { forgetChecked, readChecked } from './checked-tables.ts'
import type { CheckedTables } from './checked-tables.ts'
import { DataFolderError, dataFolderError } from './data-folder-error.ts'
import { openHere } from './in-use.ts'
import { FORMAT, keys } from './keys.ts'
import { findDamagedTables, findLostChanges } from './lost-changes.ts'
import type { DamagedTable, LostChanges } from './lost-changes.ts'
import { readPast } from './past.ts'
import type { Past } from './past.ts'
import type { Database } from './database.ts'
import { formatOf } from './store-copy.ts'
import { withoutBlocks } from './table-file.ts'

/**
 * What LevelDB keeps in its log file, whatever of it was replaced since, until it makes a table of it (bytes). Its default of 4 MiB is
 * most of what a small store takes; with less, what is replaced is gone sooner, but tables are merged more often.
 */
const WRITE_BUFFER = 1024 * 1024

/** What LevelDB leaves out. */
export interface Lost {
  changes: LostChanges[]
  tables: DamagedTable[]
}

/** @throws DataFolderError */
export const openDatabase = async (
  path: string, now: number,
): Promise<{ database: Database, past: Past, lost: Lost, checked: CheckedTables }> => {
  try {
    const checked = await readChecked(path, now)
    const lost = { changes: await findLostChanges(path), tables: await findDamagedTables(path, checked.tables) }
    await prepare(path, lost.tables)
    // Not earlier: it opens by itself.
    const database: Database = new ClassicLevel(path, { keyEncoding: keys, valueEncoding: 'view', writeBufferSize: WRITE_BUFFER })
    await database.open()
    openHere.add(resolve(path))
    try {
      await forgetChecked(path)
      return { database, past: await readPast(database), lost, checked }
    } catch (error) {
      await closeDatabase(database)
      throw error
    }
  } catch (error) {
    throw error instanceof DataFolderError ? error : dataFolderError(path, error)
  }
}

export const closeDatabase = async (database: Database): Promise<void> => {
  await database.close()
  openHere.delete(resolve(database.location))
}

const prepare = async (path: string, damaged: readonly DamagedTable[]): Promise<void> => {
  const format = await formatOf(path, damaged)
  if (format !== null && format > FORMAT) throw new DataFolderError('newer-format', path)
  if (format !== null && format < FORMAT) await backUp(path, FORMAT)
  for (const { file, content, blocks } of damaged) {
    const mended = join(path, `${file}.mended`)
    await writeFile(mended, withoutBlocks(content, blocks), { flush: true })
    await rename(mended, join(path, file))
  }
}

const PROBE = 'skein-probe'
/** For what LevelDB writes when it opens: the table made of a full log file (4 MiB), and some. */
const SPACE_TO_OPEN = 8 * 1024 * 1024

/** Tried before a database is closed to be opened again: on a full disk it could not be, and nobody could read. */
export const mustBeWritable = async (path: string): Promise<void> => {
  const { bavail, bsize } = await statfs(path)
  if (bavail * bsize < SPACE_TO_OPEN) throw new Error('There is too little free disk space to open the database again.')
  try {
    await writeFile(join(path, PROBE), 'Can files be written here? Delete me.', { flush: true })
  } finally {
    await rm(join(path, PROBE), { force: true })
  }
}
