/**
 * Where accounts are kept: one SQLite file in the data folder, or a Postgres by URL. The tables are better-auth's; beside them we keep one
 * number, the format, so that an older server refuses what a newer one wrote instead of guessing.
 */
import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createKyselyAdapter } from '@better-auth/kysely-adapter'
import type { BetterAuthOptions } from 'better-auth'
import { Pool } from 'pg'

/** Raised when a change of the tables is more than a new column or table, which older servers do not mind. */
const FORMAT = 1
/** A command beside the running server writes too: it waits that long for the other's transaction (milliseconds). */
const BUSY_MS = 5000

export interface AccountsDatabase {
  /** As better-auth takes it. */
  readonly database: NonNullable<BetterAuthOptions['database']>
  /** Of what is stored; 0: nothing is. */
  readFormat(): Promise<number>
  writeFormat(format: number): Promise<void>
  close(): Promise<void>
}

/** What an operator can mend, in one line. */
export class AccountsError extends Error {
  override name = 'AccountsError'
}

/** @param path of the file; it is made when it does not exist, readable by this user alone */
export const openSqlite = async (path: string): Promise<AccountsDatabase> => {
  try {
    await mkdir(dirname(path), { recursive: true })
    // SQLite gives its other files (-wal, -shm) the mode of this one.
    await (await open(path, 'a', 0o600)).close()
    await chmod(path, 0o600)
    const database = new DatabaseSync(path)
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON`)
    // One for all engines: it lets one transaction at a time onto the one connection that a file has.
    const { kysely } = await createKyselyAdapter({ database })
    if (!kysely) throw new Error('better-auth does not know this database')
    return {
      database: { db: kysely, type: 'sqlite', transaction: true },
      readFormat: async () => Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0),
      writeFormat: async format => database.exec(`PRAGMA user_version = ${format}`),
      close: async () => database.close(),
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AccountsError(`The accounts in ${path} cannot be opened (${why}), so the server did not start. Nothing was changed; put the file back from a backup, or see who may write there.`)
  }
}

export const openPostgres = async (url: string): Promise<AccountsDatabase> => {
  const pool = new Pool({ connectionString: url })
  // A connection that breaks while nobody uses it; the next query takes another one.
  pool.on('error', () => {})
  try {
    await pool.query('CREATE TABLE IF NOT EXISTS skein_accounts_format (format integer NOT NULL)')
  } catch (error) {
    await pool.end()
    // The URL holds a password: it is not repeated, and of the error only what Postgres or the network says.
    const why = error instanceof Error ? error.message : 'unknown'
    throw new AccountsError(`The database of SKEIN_ACCOUNTS_URL cannot be used (${why}), so the server did not start. Nothing was changed.`)
  }
  return {
    database: pool,
    readFormat: async () => (await pool.query<{ format: number }>('SELECT format FROM skein_accounts_format')).rows[0]?.format ?? 0,
    writeFormat: async format => {
      await pool.query('DELETE FROM skein_accounts_format')
      await pool.query('INSERT INTO skein_accounts_format VALUES ($1)', [format])
    },
    close: () => pool.end(),
  }
}

/**
 * Brings the tables to what this version needs.
 * @param migrate makes the missing tables and columns
 * @throws AccountsError when a newer version wrote them; nothing is changed then
 */
export const bringUpToDate = async (store: AccountsDatabase, migrate: () => Promise<void>): Promise<void> => {
  const format = await store.readFormat()
  if (format > FORMAT) {
    throw new AccountsError(`The accounts were written by a newer Skein (format ${format}, this version knows ${FORMAT}), so the server did not start. Nothing was changed; use the newer version.`)
  }
  await migrate()
  if (format < FORMAT) await store.writeFormat(FORMAT)
}
