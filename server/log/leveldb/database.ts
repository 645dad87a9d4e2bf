/** LevelDB as everything here sees it: keys are lists, values bytes, and what is written are operations of a batch. */
import type { ClassicLevel } from 'classic-level'
import type { Key } from './keys.ts'

export type Database = ClassicLevel<Key, Uint8Array>
export type Operation = { type: 'put', key: Key, value: Uint8Array } | { type: 'del', key: Key }
/** Writes one batch, whole or not at all; replaced by tests that make writes fail. */
export type WriteBatch = (database: Database, operations: Operation[], sync: boolean) => Promise<void>

export const put = (key: Key, value: Uint8Array): Operation => ({ type: 'put', key, value })
export const del = (key: Key): Operation => ({ type: 'del', key })
