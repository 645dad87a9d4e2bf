/** Counts of days in the log's database; those of earlier days go when the first one of a new day is written. */
import type { CountStore } from '../model-budget.ts'

type Key = (string | number)[]
type Operation = { type: 'put', key: Key, value: Uint8Array } | { type: 'del', key: Key }

/** What this needs of the store that the log keeps open. */
export interface KeyedStore {
  get(key: Key): Promise<Uint8Array | undefined>
  keys(range: { gte: Key, lte: Key }): Promise<Key[]>
  /** All or nothing; resolves when durable. */
  commit(operations: readonly Operation[]): Promise<void>
}

const countKey = (day: number, name: string): Key => ['skein', 'model-replies', day, name]

export const openLevelDbCounts = (store: KeyedStore): CountStore => {
  let written = -1
  const before = async (day: number): Promise<Operation[]> => {
    const over = await store.keys({ gte: ['skein', 'model-replies', 0], lte: ['skein', 'model-replies', day - 1, 0xffffffff] })
    return over.map(key => ({ type: 'del', key }))
  }
  return {
    read: async (day, name) => {
      const value = await store.get(countKey(day, name))
      return value ? Number(new TextDecoder().decode(value)) : 0
    },
    write: async (day, counts) => {
      const gone = written === day ? [] : await before(day)
      const puts = [...counts].map(([name, count]): Operation =>
        ({ type: 'put', key: countKey(day, name), value: new TextEncoder().encode(String(count)) }))
      await store.commit([...gone, ...puts])
      written = day
    }
  }
}
