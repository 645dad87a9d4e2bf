/** Deletions that are not finished, in the log's database. */
import type { UserId } from '../../shared/ids.ts'
import type { DeletionStore } from './deletion-port.ts'
import type { KeyedStore } from './devices/leveldb-devices.ts'

export const openLevelDbDeletions = (store: KeyedStore): DeletionStore => ({
  note: (person, ids) =>
    store.commit([{ type: 'put', key: ['skein', 'deletion', person], value: new TextEncoder().encode(JSON.stringify(ids)) }]),
  unfinished: async () => {
    const [notes = []] = await store.entries([{ gte: ['skein', 'deletion'], lte: ['skein', 'deletion', 0xffffffff] }])
    return notes.map(([key, value]) => ({ person: key[2] as UserId, ids: JSON.parse(new TextDecoder().decode(value)) as UserId[] }))
  },
  done: person => store.commit([{ type: 'del', key: ['skein', 'deletion', person] }]),
})
