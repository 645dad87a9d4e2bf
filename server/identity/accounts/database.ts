/**
 * Where accounts are kept: one SQLite file in the data folder, or a Postgres by URL. The tables are better-auth's; beside them we keep one
 * number, the format, so that an older server refuses what a newer one wrote instead of guessing.
 */
import type { BetterAuthOptions } from 'better-auth'

/** Raised when a change of the tables is more than a new column or table, which older servers do not mind. */
const FORMAT = 1

export interface AccountsDatabase {
  /** For the operator. */
  readonly name: string
  /** Other servers may use it at the same time. */
  readonly isShared: boolean
  /** As better-auth takes it: one for all engines. */
  readonly database: NonNullable<BetterAuthOptions['database']>
  /** Of what is stored; 0: nothing is. */
  readFormat(): Promise<number>
  writeFormat(format: number): Promise<void>
  /** Of all processes that share the database one runs such a task at a time. */
  exclusively<T>(task: () => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** What an operator can mend, in one line. */
export class AccountsError extends Error {
  override name = 'AccountsError'
}

export const cannotBeUsed = (name: string, error: unknown): AccountsError =>
  new AccountsError(`${name} cannot be used (${reasonOf(error)}), so the server did not start. Nothing that is stored there was lost; see that it is there, and who may write to it.`)

/**
 * Brings the tables to what this version needs.
 * @param migrate makes the missing tables and columns
 * @throws AccountsError when it cannot, or when a newer version wrote them; nothing is changed then
 */
export const bringUpToDate = async (store: AccountsDatabase, migrate: () => Promise<void>): Promise<void> => {
  try {
    await store.exclusively(async () => {
      const format = await store.readFormat()
      if (format > FORMAT) {
        throw new AccountsError(`The accounts were written by a newer Skein (format ${format}, this version knows ${FORMAT}), so the server did not start. Nothing was changed; use the newer version.`)
      }
      await migrate()
      if (format < FORMAT) await store.writeFormat(FORMAT)
    })
  } catch (error) {
    throw error instanceof AccountsError ? error : cannotBeUsed(store.name, error)
  }
}

/** What the database or the network says; what was tried several times, such as a name with two addresses, says it inside. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause
  return inner === undefined ? error.message : reasonOf(inner)
}
