/**
 * What shows that records are missing or changed. LevelDB itself hides it: after one flipped bit in its log it opened without an error and
 * left out synced batches from the middle.
 */
import * as Y from 'yjs'
import { SkeinError } from '../../../shared/errors.ts'
import type { DocumentName } from '../../../shared/ids.ts'
import type { Key } from './keys.ts'
import { matchesCrc, readStateVectorClock } from './values.ts'

export const damaged = (name: DocumentName, what: string): SkeinError => new SkeinError('log-damaged',
  `The stored records of ${name} are damaged: ${what}. It is not served, so that nothing is built on it; other documents are not affected. Restore it from a backup.`)

/**
 * Checks that the records are gapless and as they were written. A record without a checksum is y-leveldb's: it has to decode.
 * @param updates in order, at least one
 * @param stateVector as stored, with the clock at which it was taken: that record existed
 * @returns the clock of the last record
 */
export const verifiedHead = (
  name: DocumentName, updates: readonly [Key, Uint8Array][], checksums: readonly [Key, Uint8Array][], stateVector: Uint8Array | undefined,
): number => {
  const checksumAt = new Map(checksums.map(([key, crc]) => [key[3], crc]))
  let last: number | null = null
  for (const [key, update] of updates) {
    const clock = Number(key[3])
    if (last !== null && clock !== last + 1) throw damaged(name, `record ${last + 1} is missing`)
    const crc = checksumAt.get(clock)
    const intact = crc === undefined ? decodes(update) : matchesCrc(update, crc)
    if (!intact) throw damaged(name, `record ${clock} was changed`)
    last = clock
  }
  const head = last ?? -1
  const known = stateVector === undefined ? -1 : readStateVectorClock(stateVector)
  if (known > head) throw damaged(name, `record ${known} is missing`)
  return head
}

const decodes = (update: Uint8Array): boolean => {
  try {
    Y.decodeUpdate(update)
    return true
  } catch (_malformed) {
    return false
  }
}
