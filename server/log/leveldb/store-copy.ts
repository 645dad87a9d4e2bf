/**
 * Looks into a store without touching it. LevelDB writes when it opens a folder, so it gets a copy: the tables, which nobody ever changes,
 * as links, the rest as files.
 */
import { cp, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { keys } from './keys.ts'
import { isTable } from './lost-changes.ts'
import type { DamagedTable } from './lost-changes.ts'
import { readPast } from './past.ts'
import type { Database } from './database.ts'
import { withoutBlocks } from './table-file.ts'

/**
 * @param damaged tables whose damaged blocks the copy shall not have
 * @returns null when LevelDB cannot open it
 */
export const lookInto = async <T>(
  path: string, damaged: readonly DamagedTable[], look: (database: Database) => Promise<T>,
): Promise<T | null> => {
  const copy = await mkdtemp(join(tmpdir(), 'skein-look-'))
  try {
    for (const file of await readdir(path)) {
      // To close it once more would give it free, where this process holds it.
      if (file === 'LOCK') continue
      const table = damaged.find(table => table.file === file)
      if (table) await writeFile(join(copy, file), withoutBlocks(table.content, table.blocks))
      else if (isTable(file)) await symlink(resolve(path, file), join(copy, file))
      else await cp(join(path, file), join(copy, file), { recursive: true })
    }
    const database: Database = new ClassicLevel(copy, { keyEncoding: keys, valueEncoding: 'view', createIfMissing: false })
    try {
      await database.open()
    } catch (_unreadable) {
      return null
    }
    try {
      return await look(database)
    } finally {
      await database.close()
    }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

/** @returns null: of a new store, of one of y-leveldb, and where it cannot be told */
export const formatOf = async (path: string, damaged: readonly DamagedTable[]): Promise<number | null> => {
  const files = await readdir(path).catch((): string[] => [])
  return files.includes('CURRENT') ? lookInto(path, damaged, async database => (await readPast(database)).format) : null
}
