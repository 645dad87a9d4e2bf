/** What stands in the database of one document: where its records lie, what they are, and what is still owed. */
import type { DocumentName, RunId, UserId } from '../../../shared/ids.ts'
import type { Lineage, StoredDocument } from '../port.ts'
import { del, fromJson } from '../store-port.ts'
import type { KeyRange, Operation } from '../store-port.ts'
import { StoreDamage, findDamage, missingAtEnd, snapshotParts } from './damage.ts'
import type { Entry } from './damage.ts'
import {
  bindingRange, crcKey, crcRange, documentRanges, factsKey, headKey, isPart, ledgerRange,
  lineageKey, partsKey, runRange, scrubKey, sideRanges, single,
  stateVectorKey, summaryKey, updateKey, updateRange,
} from './keys.ts'
import { noParts, partDeletions } from './parts.ts'
import type { PartSet, Parts } from './parts.ts'
import type { Store } from './store.ts'
import { decodeFacts } from './values.ts'

/** Where a document's records lie. */
export interface Position {
  /** Clock of the oldest record. */
  first: number
  /** Clock of the last record, durable or in line; -1 when there is none. */
  head: number
  /** No key lies below this clock; less than `first` when y-leveldb trimmed and left checksums of ours behind. */
  bottom: number
  parts: Parts
  owed: Owed | null
}

/** A scrub that is owed, as it is stored. */
export interface Owed {
  /** Clock of the newest record that took something out: a snapshot at or behind it has nothing of that any more. */
  since: number
  /** First clock, and the clock behind the last, of records that were deleted and of which the files may hold something. */
  trimmed: [number, number]
  /** Parts of snapshots that were deleted likewise. */
  parts?: PartSet[]
}

export const nothing = (): Position => ({ first: 0, head: -1, bottom: 0, parts: noParts, owed: null })

/** A record takes something out. */
export const owing = (owed: Owed | null, clock: number): Owed =>
  ({ since: clock, trimmed: owed?.trimmed ?? [clock, clock], ...owed?.parts && { parts: owed.parts } })

/** Records from `bottom` up to before `first` are deleted, and these parts. */
export const alsoTrimmed = (owed: Owed, bottom: number, first: number, sets: readonly PartSet[]): Owed => {
  const { since, trimmed: [from, to], parts = [] } = owed
  const trimmed: [number, number] = [Math.min(from, bottom), Math.max(to, first)]
  return { since, trimmed, ...parts.length + sets.length > 0 && { parts: [...parts, ...sets] } }
}

/** Where what a scrub removes lay, and the deletions of it. */
export const scrubbing = (name: DocumentName, { trimmed: [from, to], parts = [] }: Owed): { ranges: KeyRange[], deleted: Operation[] } =>
  ({
    ranges: [updateRange(name), single(summaryKey(name)), ledgerRange(name)],
    deleted: [...deletions(name, from, to), ...partDeletions(name, parts)],
  })

export const deletions = (name: DocumentName, from: number, to: number): Operation[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, n) => [del(updateKey(name, from + n)), del(crcKey(name, from + n))]).flat()

/** @throws StoreDamage */
export const findPosition = async (store: Store, name: DocumentName, term: number): Promise<Position> => {
  const [[oldest], [newest], [oldestChecksum], head, scrub, stored] = await Promise.all([
    store.keys(updateRange(name), { limit: 1 }),
    store.keys(updateRange(name), { limit: 1, reverse: true }),
    store.keys(crcRange(name), { limit: 1 }),
    store.get(headKey(name)),
    store.get(scrubKey(name)),
    store.get(partsKey(name)),
  ])
  const parts = stored === undefined ? noParts : fromJson<Parts>(stored)
  const owed = scrub === undefined ? null : fromJson<Owed>(scrub)
  if (oldest === undefined || newest === undefined) {
    await clearRemains(store, name, term, oldestChecksum !== undefined)
    if (owed !== null) await scrubErased(store, name, owed, [], term)
    return nothing()
  }
  const [first, last] = [Number(oldest[3]), Number(newest[3])]
  const [what] = missingAtEnd(last, oldestChecksum === undefined ? [] : [oldestChecksum], clockIn(head))
  if (what !== undefined) throw new StoreDamage(what)
  return { first, head: last, bottom: Math.min(first, oldestChecksum === undefined ? first : Number(oldestChecksum[3])), parts, owed }
}

/** y-leveldb's `clearDocument` takes state vector and checksums too; where one of them is still there, records were lost. */
const clearRemains = async (store: Store, name: DocumentName, term: number, checksums: boolean): Promise<void> => {
  const cleared = !checksums && await store.get(stateVectorKey(name)) === undefined
  if (!cleared) throw new StoreDamage('all its records are missing')
  const remains = (await Promise.all(sideRanges(name).map(range => store.keys(range)))).flat()
  if (remains.length > 0) await store.commit(remains.map(del), term)
}

/**
 * Of a document that was erased, before anything is written under the same clocks again.
 * @param deleted what is known to have been deleted beside the records
 */
export const scrubErased = async (
  store: Store, name: DocumentName, owed: Owed, deleted: readonly Operation[], term: number,
): Promise<void> => {
  const records = scrubbing(name, owed)
  await store.scrub(documentRanges(name), [...records.deleted, del(summaryKey(name)), ...deleted], term)
  await store.commit([del(scrubKey(name))], term)
}

/** @throws StoreDamage */
export const readStored = async (store: Store, name: DocumentName): Promise<StoredDocument> => {
  const [[lineage] = [], bindings = [], runs = [], [scrub] = [], [facts] = [], ...records] = await store.entries([
    single(lineageKey(name)), bindingRange(name), runRange(name), single(scrubKey(name)), single(factsKey(name)), ...recordRanges(name),
  ])
  const { updates, parts } = await intactUpdates(records)
  return {
    lineage: lineage === undefined ? null : fromJson<Lineage>(lineage[1]),
    updates: updates.map(bytesOf),
    head: Number(updates.at(-1)?.[0][3]),
    facts: facts === undefined ? null : decodeFacts(Number(updates[0]?.[0][3]), facts[1]),
    bindings: bindings.map(([key, owner]) => ({ clientId: Number(key[3]), owner: fromJson<UserId>(owner) })),
    openRuns: runs.map(([key]) => String(key[3]) as RunId),
    ...parts > 1 && { snapshotParts: parts },
    ...scrub && { owesScrub: true },
  }
}

/** @throws StoreDamage */
export const readRecords = async (store: Store, name: DocumentName, upTo: number): Promise<Uint8Array[]> => {
  const { updates, parts } = await intactUpdates(await store.entries(recordRanges(name)))
  return updates.filter(([key], at) => at < parts || Number(key[3]) <= upTo).map(bytesOf)
}

const recordRanges = (name: DocumentName): KeyRange[] =>
  [updateRange(name), crcRange(name), ...[headKey(name), stateVectorKey(name), partsKey(name)].map(single)]

/** @returns records in order, the first with its parts, and how many these are together */
const intactUpdates = async (entries: Entry[][]): Promise<{ updates: Entry[], parts: number }> => {
  const [updates = [], checksums = [], [head] = [], [stateVector] = [], [stored] = []] = entries
  const set = partsOf(updates, stored?.[1])
  const found = await findDamage({ updates, checksums, parts: set, stateVector: stateVector?.[1], head: clockIn(head?.[1]) })
  if (found.length > 0) throw new StoreDamage(found.join(', '))
  const [first, ...records] = updates.filter(([key]) => !isPart(key))
  const parts = first ? [first, ...snapshotParts(updates, set)] : []
  return { updates: [...parts, ...records], parts: parts.length }
}

/** Of the snapshot that stands there: stock y-leveldb may have taken another one since. */
export const partsOf = (updates: readonly Entry[], stored: Uint8Array | undefined): PartSet | null => {
  const set = stored === undefined ? null : fromJson<Parts>(stored).snapshot
  return set !== null && updates[0]?.[0][3] === set.clock ? set : null
}

const bytesOf = ([, { buffer, byteOffset, byteLength }]: Entry): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength)

const clockIn = (head: Uint8Array | undefined): number | undefined => head === undefined ? undefined : fromJson<number>(head)
