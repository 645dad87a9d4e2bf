/**
 * IndexedDB of a page that dies: so many of its transactions that write, databases that it opens and databases that it deletes are still
 * done, and nothing after them. What the next page finds is what was complete. For `fake-indexeddb`.
 */
import { IDBDatabase, IDBFactory } from 'fake-indexeddb'

export interface DyingStorage {
  /** It died: fewer were left than were asked for. */
  readonly dead: boolean
  /** The next page begins: its storage works. */
  revive(): void
}

export const dyingStorage = (left: number): DyingStorage => {
  const { open, deleteDatabase } = IDBFactory.prototype
  const { transaction } = IDBDatabase.prototype
  let remaining = left
  const live = (): void => {
    if (remaining-- <= 0) throw new DOMException('The page is gone', 'AbortError')
  }
  IDBFactory.prototype.open = function (...args) {
    live()
    return open.apply(this, args)
  }
  IDBFactory.prototype.deleteDatabase = function (...args) {
    live()
    return deleteDatabase.apply(this, args)
  }
  IDBDatabase.prototype.transaction = function (...args) {
    if (args[1] === 'readwrite') live()
    return transaction.apply(this, args)
  }
  return {
    get dead() { return remaining < 0 },
    revive: () => {
      Object.assign(IDBFactory.prototype, { open, deleteDatabase })
      Object.assign(IDBDatabase.prototype, { transaction })
    }
  }
}
