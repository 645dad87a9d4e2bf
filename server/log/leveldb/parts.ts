/**
 * A large snapshot lies in parts: updates under keys that continue the key of the one at its clock, so that stock y-leveldb, too, reads
 * them between that and the next record.
 *
 * 1. They are written before the snapshot takes the records' place, a batch each: nobody waits until 50 MB are on the disk. Until then they
 *    only say again what the records say.
 * 2. Which parts are the snapshot's stands beside the document, written in the batch that makes it the snapshot. All others are left from
 *    one that a crash cut short, or are just being written: they are passed over, and go with the next snapshot.
 * 3. So parts of two snapshots may lie at one clock. They never have the same numbers.
 */
import type { DocumentName } from '../../../shared/ids.ts'
import { del, toJson } from '../store-port.ts'
import type { Operation } from '../store-port.ts'
import { partCrcKey, partKey, partsKey } from './keys.ts'
import { put } from './database.ts'
import { checksum } from './seal.ts'

/** Parts of one snapshot: their clock and their numbers, the last one included. */
export interface PartSet {
  clock: number
  from: number
  to: number
}

/** As it is stored. */
export interface Parts {
  snapshot: PartSet | null
  others: PartSet[]
}

export const noParts: Parts = { snapshot: null, others: [] }

export const allSets = ({ snapshot, others }: Parts): PartSet[] => snapshot ? [snapshot, ...others] : others

/** A set for so many new parts. */
export const nextSet = (parts: Parts, clock: number, count: number): PartSet => {
  const used = allSets(parts).filter(set => set.clock === clock).map(({ to }) => to)
  const from = Math.max(0, ...used) + 1
  return { clock, from, to: from + count - 1 }
}

export const numbersOf = ({ from, to }: PartSet): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n)

export const isIn = ({ clock, from, to }: PartSet, at: number, number: number): boolean => at === clock && from <= number && number <= to

export const putPart = (name: DocumentName, clock: number, number: number, part: Uint8Array): Operation[] => {
  const key = partKey(name, clock, number)
  return [put(key, part), put(partCrcKey(name, clock, number), checksum(key, part))]
}

export const putParts = (name: DocumentName, parts: Parts): Operation =>
  allSets(parts).length === 0 ? del(partsKey(name)) : put(partsKey(name), toJson(parts))

export const partDeletions = (name: DocumentName, sets: readonly PartSet[]): Operation[] => sets.flatMap(set =>
  numbersOf(set).flatMap(number => [del(partKey(name, set.clock, number)), del(partCrcKey(name, set.clock, number))]))
