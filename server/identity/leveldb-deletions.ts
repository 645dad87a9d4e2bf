/** Deletions that are not finished, in the log's database. */
import type { UserId } from '../../shared/ids.ts'
import { del, fromJson, putJson, under } from '../log/store-port.ts'
import type { Key, KeyedStore } from '../log/store-port.ts'
import type { DeletionStore } from './deletion-port.ts'

const noteKey = (person: UserId): Key => ['skein', 'deletion', person]

export const openLevelDbDeletions = (store: Pick<KeyedStore, 'entries' | 'commit'>): DeletionStore => ({
  note: (person, ids) => store.commit([putJson(noteKey(person), ids)]),
  unfinished: async () => {
    const [notes = []] = await store.entries([under('skein', 'deletion')])
    return notes.map(([key, value]) => ({ person: key[2] as UserId, ids: fromJson<UserId[]>(value) }))
  },
  done: person => store.commit([del(noteKey(person))]),
})
