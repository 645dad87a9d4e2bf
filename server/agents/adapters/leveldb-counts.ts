/** Counts of days in the log's database; those of earlier days go when the first one of a new day is written. */
import { MAX_CLOCK, del, fromJson, putJson } from '../../log/store-port.ts'
import type { Key, KeyedStore, Operation } from '../../log/store-port.ts'
import type { CountStore } from '../model-budget.ts'

const countKey = (day: number, name: string): Key => ['skein', 'model-replies', day, name]

export const openLevelDbCounts = (store: Pick<KeyedStore, 'get' | 'keys' | 'commit'>): CountStore => {
  let written = -1
  const before = async (day: number): Promise<Operation[]> => {
    const over = await store.keys({ gte: ['skein', 'model-replies', 0], lte: ['skein', 'model-replies', day - 1, MAX_CLOCK] })
    return over.map(del)
  }
  return {
    read: async (day, name) => {
      const value = await store.get(countKey(day, name))
      return value ? fromJson(value) : 0
    },
    write: async (day, counts) => {
      const gone = written === day ? [] : await before(day)
      await store.commit([...gone, ...[...counts].map(([name, count]) => putJson(countKey(day, name), count))])
      written = day
    }
  }
}
