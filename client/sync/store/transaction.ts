/** One read-write transaction that is either complete on disk or did nothing, with every error in one place. */
import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb'

/**
 * Resolves when the transaction is complete. Rejects, and changes nothing, when a request in it fails or the browser aborts it.
 * @param work must wait for nothing but requests of this transaction, else the browser completes it early
 */
export const inTransaction = async <Schema extends DBSchema, Names extends StoreNames<Schema>[], T>(
  db: IDBPDatabase<Schema>,
  stores: Names,
  durability: IDBTransactionDurability,
  work: (tx: IDBPTransaction<Schema, Names, 'readwrite'>) => Promise<T>
): Promise<T> => {
  const tx = db.transaction(stores, 'readwrite', { durability })
  const working = work(tx).catch((error: unknown) => {
    abort(tx)
    throw error
  })
  const [worked, done] = await Promise.allSettled([working, tx.done])
  if (worked.status === 'fulfilled' && done.status === 'fulfilled') return worked.value
  throw mostTelling([worked, done].flatMap(outcome => outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
}

const abort = (tx: { abort(): void }): void => {
  try {
    tx.abort()
  } catch {
    return // A failed request has aborted it already.
  }
}

/** One of the two often says only that the other was aborted. */
const mostTelling = (errors: unknown[]): unknown =>
  errors.find(error => !(error instanceof DOMException && error.name === 'AbortError')) ?? errors[0]
