/**
 * Accounts in a Postgres, which may go away for a while: whoever needs them meanwhile is told so (`accounts-away`), and as soon as it is
 * back everything goes on by itself. Connections that broke, or whose Postgres stopped answering, are not used again.
 */
import { createKyselyAdapter } from '@better-auth/kysely-adapter'
import { DatabaseError, Pool } from 'pg'
import { SkeinError } from '../../../shared/errors.ts'
import { cannotBeUsed } from './database.ts'
import type { AccountsDatabase } from './database.ts'

/** For a connection, and for the answer to a query (milliseconds). The URL may say otherwise (`?query_timeout=`). */
const [CONNECT_MS, ANSWER_MS] = [5000, 10_000]
const MOST_CONNECTIONS = 10
/** `pg_advisory_xact_lock`: ours, among all who lock something in this database. */
const LOCK = 75346
/** The URL holds a password, so it is called by the variable. */
const NAME = 'The database of SKEIN_ACCOUNTS_URL'

export const openPostgres = async (url: string): Promise<AccountsDatabase> => {
  const pool = new Pool({
    connectionString: url, max: MOST_CONNECTIONS, connectionTimeoutMillis: CONNECT_MS, query_timeout: ANSWER_MS, keepAlive: true,
  })
  // A connection that breaks while no query runs on it would end the process; the next query takes another one.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))

  const connect = async () => {
    const client = await pool.connect().catch(away)
    let broken = false
    const query = (text: string, values?: unknown[]): Promise<unknown> => client.query(text, values).catch((error: unknown) => {
      if (!isAway(error)) throw error
      broken = true
      return away(error)
    })
    return { query, release: (): void => client.release(broken) }
  }

  /** By a connection of its own, so that nobody waits for one whom it waits for. */
  const exclusively = async <T>(task: () => Promise<T>): Promise<T> => {
    const { query, release } = await connect()
    try {
      await query('BEGIN')
      await query('SELECT pg_advisory_xact_lock($1)', [LOCK])
      return await task()
    } finally {
      // Where this fails, the connection is gone, and the lock with it.
      await query('COMMIT').catch(() => {})
      release()
    }
  }

  const perform = async (text: string): Promise<unknown> => {
    const { query, release } = await connect()
    try {
      return await query(text)
    } finally {
      release()
    }
  }
  const ask = async <T extends object>(text: string): Promise<T | undefined> => (await perform(text) as { rows: T[] }).rows[0]

  try {
    await perform('SELECT 1')
    const { kysely } = await createKyselyAdapter({ database: { connect, end: () => pool.end(), options: {} } as never })
    if (!kysely) throw new Error('better-auth does not know this database')
    return {
      name: NAME,
      isShared: true,
      database: { db: kysely, type: 'postgres', transaction: true },
      readFormat: async () => {
        const known = await ask<{ known: boolean }>("SELECT to_regclass('skein_accounts_format') IS NOT NULL AS known")
        return known?.known ? (await ask<{ format: number }>('SELECT format FROM skein_accounts_format'))?.format ?? 0 : 0
      },
      // Sent as one, they are one transaction.
      writeFormat: async format => void await perform(`CREATE TABLE IF NOT EXISTS skein_accounts_format (format integer NOT NULL);
        DELETE FROM skein_accounts_format; INSERT INTO skein_accounts_format VALUES (${format})`),
      exclusively,
      close: () => pool.end(),
    }
  } catch (error) {
    await pool.end()
    throw cannotBeUsed(NAME, error)
  }
}

/** Whatever Postgres did not answer at all, or answers while it stops, starts, has no room, or is not the one to write to any more. */
const isAway = (error: unknown): boolean => !(error instanceof DatabaseError) || /^(08|53|57P|25006)/.test(error.code ?? '')

const away = (cause: unknown): never => {
  throw new SkeinError('accounts-away', undefined, { cause })
}
