/**
 * What shows that records are missing or changed. LevelDB itself hides it: after one flipped bit in its log it opened without an error and
 * left out synced batches from the middle, and what it reads from its tables it does not check.
 *
 * 1. A document's records are gapless, each has a checksum, and three others know where they begin and end: the state vector has the clock
 *    at which it was taken, the head that of the last record, and the mark of a loss (see `commits.ts`) names the document.
 * 2. What is damaged is refused by name, never served in part; everything else is served.
 */
import { setImmediate } from 'node:timers/promises'
import * as Y from 'yjs'
import { SkeinError } from '../../../shared/errors.ts'
import type { DocumentName } from '../../../shared/ids.ts'
import type { Key } from '../store-port.ts'
import { isPart } from './keys.ts'
import { isIn, numbersOf } from './parts.ts'
import type { PartSet } from './parts.ts'
import { matchesChecksum } from './seal.ts'
import { readStateVectorClock } from './values.ts'

/** Something in the store is not as it was written; who knows to which document it belongs says so with {@link damaged}. */
export class StoreDamage extends SkeinError {
  /** As the part of a sentence after a colon. */
  readonly what: string

  constructor(what: string, options?: ErrorOptions) {
    super('log-damaged', `The stored data is damaged: ${what}. What lies there is not served; everything else is. Restore it from a backup.`, options)
    this.what = what
  }
}

export const damaged = (name: DocumentName, what: string): SkeinError => new SkeinError('log-damaged',
  `The stored records of ${name} are damaged: ${what}. It is not served, so that nothing is built on it; other documents are not affected. Restore it from a backup.`)

/** A key as an operator reads it. */
export const describeKey = (key: Key): string => key.filter(part => part !== 'skein').join(' ')

export type Entry = [key: Key, value: Uint8Array]

/** What stands in the database of one document's records. */
export interface StoredRecords {
  /** In order, parts of snapshots too. */
  updates: readonly Entry[]
  checksums: readonly Entry[]
  /** Of the snapshot; null: it has none. */
  parts: PartSet | null
  stateVector: Uint8Array | undefined
  /** Clock of the last record, for one that we wrote. */
  head: number | undefined
}

/**
 * Checks that the records are whole and as they were written. A record without a checksum is y-leveldb's: it has to decode.
 * @returns what is wrong, nothing when all is well
 */
export const findDamage = async ({ updates: all, checksums, parts, stateVector, head }: StoredRecords): Promise<string[]> => {
  const updates = all.filter(([key]) => !isPart(key))
  const first = updates[0]
  const last = updates.at(-1)
  if (first === undefined || last === undefined) {
    return stateVector === undefined && checksums.length === 0 ? [] : ['all its records are missing']
  }
  const known = stateVector === undefined ? null : readClock(stateVector)
  return [
    ...known === null ? ['its state vector is missing or was changed'] : missing(known, clockOf(first)),
    ...await changedOrMissing(updates, checksums),
    ...await changedOrMissingParts(snapshotParts(all, parts), checksums, parts),
    ...known === null ? [] : missing(clockOf(last) + 1, known + 1),
    ...missingAtEnd(clockOf(last), checksums, head),
  ]
}

/**
 * What y-leveldb wrote has neither checksums nor a head, and it may add to what we wrote.
 * @param newest clock of the last record that is there
 */
export const missingAtEnd = (newest: number, checksums: readonly unknown[], head: number | undefined): string[] => {
  if (checksums.length === 0) return []
  return head === undefined ? ['the number of its last record is missing'] : missing(newest + 1, head + 1)
}

const clockOf = ([key]: Entry): number => Number(key[3])

/** Those of the updates that are parts of the snapshot. */
export const snapshotParts = (updates: readonly Entry[], parts: PartSet | null): Entry[] =>
  parts === null ? [] : updates.filter(([key]) => isPart(key) && isIn(parts, Number(key[3]), Number(key[4])))

const changedOrMissing = async (updates: readonly Entry[], checksums: readonly Entry[]): Promise<string[]> => {
  const checksumAt = new Map(checksums.filter(([key]) => !isPart(key)).map(([key, crc]) => [key[3], crc]))
  const found: string[] = []
  const pauseAfter = createPauses()
  let next = Number(updates[0]?.[0][3])
  for (const [key, update] of updates) {
    const clock = Number(key[3])
    found.push(...missing(next, clock))
    const crc = checksumAt.get(clock)
    const intact = crc === undefined ? decodes(update) : matchesChecksum(key, update, crc)
    if (!intact) found.push(`record ${clock} was changed`)
    next = clock + 1
    await pauseAfter(update)
  }
  return found
}

const changedOrMissingParts = async (updates: readonly Entry[], checksums: readonly Entry[], parts: PartSet | null): Promise<string[]> => {
  if (parts === null) return []
  const { clock } = parts
  const updateAt = new Map(updates.map(entry => [entry[0][4], entry]))
  const checksumAt = new Map(checksums.filter(([key]) => key[3] === clock).map(([key, crc]) => [key[4], crc]))
  const found: string[] = []
  const pauseAfter = createPauses()
  for (const number of numbersOf(parts)) {
    const [entry, crc] = [updateAt.get(number), checksumAt.get(number)]
    if (!entry) found.push(`part ${number} of record ${clock} is missing`)
    else if (!crc || !matchesChecksum(...entry, crc)) found.push(`part ${number} of record ${clock} was changed`)
    if (entry) await pauseAfter(entry[1])
  }
  return found
}

/** A pause after each so many bytes: to look at them takes about a millisecond, and there may be 50 MB. */
const createPauses = (): (update: Uint8Array) => Promise<void> | undefined => {
  let bytes = 0
  return ({ length }) => {
    bytes += length
    if (bytes < BYTES_AT_ONCE) return undefined
    bytes = 0
    return setImmediate()
  }
}
const BYTES_AT_ONCE = 512 * 1024

const missing = (from: number, before: number): string[] => {
  if (from >= before) return []
  return [before - from === 1 ? `record ${from} is missing` : `records ${from} to ${before - 1} are missing`]
}

const readClock = (stateVector: Uint8Array): number | null => {
  try {
    return readStateVectorClock(stateVector)
  } catch (_tooShort) {
    return null
  }
}

const decodes = (update: Uint8Array): boolean => {
  try {
    Y.decodeUpdate(update)
    return true
  } catch (_malformed) {
    return false
  }
}
