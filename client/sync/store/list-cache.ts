/** The conversation list as the server last told it, kept on this device so that it can be shown at once and offline. */

export interface ListCache<Item> {
  /** Null when nothing was cached, or when the device's storage cannot be read. */
  read: () => Promise<Item[] | null>
  /** Never rejects: a list that was not cached is asked for again. */
  write: (items: readonly Item[]) => Promise<void>
}

/** Where the lists are kept: key → value. */
export interface ListStorage {
  get: (key: string) => Promise<unknown>
  put: (key: string, value: unknown) => Promise<void>
}

/** @param parse makes an item of what is stored, null when it is none (an older version of the app wrote it) */
export const listCache = <Item>(storage: ListStorage, key: string, parse: (value: unknown) => Item | null): ListCache<Item> => ({
  read: async () => {
    try {
      const stored = await storage.get(key)
      return Array.isArray(stored) ? stored.flatMap(value => parse(value) ?? []) : null
    } catch {
      return null
    }
  },
  write: async items => {
    try {
      await storage.put(key, [...items])
    } catch {
      return // The server has the list.
    }
  }
})
