/** LevelDB as everything here sees it: keys are lists, values bytes, and what is written are operations of a batch. */
import type { ClassicLevel } from 'classic-level'
import type { Key, KeyRange, Operation } from '../store-port.ts'
import type { KeyRangeRest } from './keys.ts'

export type Database = ClassicLevel<Key, Uint8Array>
/** Writes one batch, whole or not at all; replaced by tests that make writes fail. */
export type WriteBatch = (database: Database, operations: Operation[], sync: boolean) => Promise<void>

export const put = (key: Key, value: Uint8Array): Operation => ({ type: 'put', key, value })

export interface RangeOptions {
  reverse?: boolean
  limit?: number
}

type Range = (KeyRange | KeyRangeRest) & RangeOptions

interface Reading {
  values?: boolean
  snapshot?: ReturnType<Database['snapshot']>
}

/** An iterator as abstract-level shows it to who implements `all()` better. */
interface Stepping {
  readonly limit: number
  _nextv(size: number, options: object): Promise<[Key, Uint8Array][]>
}

/** In most ranges of a document that is opened there is nothing, or little. */
const FEW = 16
const MANY = 1000

/**
 * The entries of a range. LevelDB's iterators set memory for a thousand of them (64 kB) aside at the first step of `all()`, which they keep
 * until they are collected as garbage; a document is opened with two dozen of them.
 */
export const entriesIn = (database: Database, range: Range & Reading): Promise<[Key, Uint8Array][]> => {
  const isOne = 'gte' in range && range.gte === range.lte
  const iterator = database.iterator(isOne ? { ...range, limit: 1 } : range)
  // One that is asked for pieces from outside would be cut off where the database is closed in between.
  return Object.assign(iterator, { _all: inGrowingSteps }).all()
}

export const keysIn = async (database: Database, range: Range): Promise<Key[]> =>
  (await entriesIn(database, { ...range, values: false })).map(([key]) => key)

async function inGrowingSteps(this: Stepping, options: object): Promise<[Key, Uint8Array][]> {
  const found: [Key, Uint8Array][] = []
  const limit = this.limit < 0 ? Infinity : this.limit
  for (let size = Math.min(FEW, limit); size > 0; size = Math.min(MANY, limit - found.length)) {
    const some = await this._nextv(size, options)
    if (some.length === 0) break
    for (const entry of some) found.push(entry)
  }
  return found
}
