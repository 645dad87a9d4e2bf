/** Accounts in one SQLite file. */
import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createKyselyAdapter } from '@better-auth/kysely-adapter'
import { cannotBeUsed } from './database.ts'
import type { AccountsDatabase } from './database.ts'

/** A command beside the running server writes too: it waits that long for the other's transaction (milliseconds). */
const BUSY_MS = 5000

/** @param path of the file; it is made when it does not exist, readable by this user alone */
export const openSqlite = async (path: string): Promise<AccountsDatabase> => {
  const name = `The database of accounts in ${path}`
  try {
    await mkdir(dirname(path), { recursive: true })
    // SQLite gives its other files (-wal, -shm) the mode of this one.
    await (await open(path, 'a', 0o600)).close()
    await chmod(path, 0o600)
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON`)
    // It lets one transaction at a time onto the one connection that a file has.
    const { kysely } = await createKyselyAdapter({ database })
    if (!kysely) throw new Error('better-auth does not know this database')
    return {
      name,
      isShared: false,
      database: { db: kysely, type: 'sqlite', transaction: true },
      readFormat: async () => Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0),
      writeFormat: async format => database.exec(`PRAGMA user_version = ${format}`),
      // The data folder is one server's.
      exclusively: task => task(),
      close: async () => database.close(),
    }
  } catch (error) {
    throw cannotBeUsed(name, error)
  }
}
