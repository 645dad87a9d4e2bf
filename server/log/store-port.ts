/**
 * What other parts of the server keep beside the log, in its database: entries of their own, under keys that begin with `skein`. Whatever
 * is written together is there together, and a key's ranges never meet those of another kind.
 */

/** Numbers are unsigned 32-bit: what may grow beyond (Yjs client ids reach 2^53) is written as a string. */
export type Key = (string | number)[]

export interface KeyRange {
  gte: Key
  lte: Key
}

export type Operation = { type: 'put', key: Key, value: Uint8Array } | { type: 'del', key: Key }

/** The store that the log keeps open. Who keeps entries in it names what it needs of it. */
export interface KeyedStore {
  /** Counts failed writes: what was known of the database in an earlier term may not be so. */
  readonly term: number
  get(key: Key): Promise<Uint8Array | undefined>
  keys(range: KeyRange): Promise<Key[]>
  /** All entries of the ranges at one moment, range after range; rejects when one of them is damaged. */
  entries(ranges: readonly KeyRange[]): Promise<[Key, Uint8Array][][]>
  /** Those of a range without the ones that are damaged, which the store tells of. */
  intactEntries(range: KeyRange): Promise<[Key, Uint8Array][]>
  /** All or nothing; resolves when durable. */
  commit(operations: readonly Operation[]): Promise<void>
}

export const MAX_CLOCK = 0xffffffff

/** The prefix itself and every key that continues it (strings sort before numbers). */
export const under = (...prefix: Key): KeyRange => ({ gte: prefix, lte: [...prefix, MAX_CLOCK] })

export const toJson = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

/** The caller names the type: only this program writes these keys. */
export const fromJson = <T>(value: Uint8Array): T => JSON.parse(decoder.decode(value)) as T
const decoder = new TextDecoder()

export const putJson = (key: Key, value: unknown): Operation => ({ type: 'put', key, value: toJson(value) })

export const del = (key: Key): Operation => ({ type: 'del', key })
