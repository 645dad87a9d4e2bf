/**
 * What a crash leaves of the group that was written last: some of its records, the last one of them perhaps in part. A group counts when
 * all of its bytes are there, which their checksums tell; else it was never written.
 */
import { crc32c } from '../../server/log/leveldb/crc32c.ts'
import type { LogRecord } from '../../server/log/port.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Chance } from './chance.ts'

export interface Write {
  name: DocumentName
  record: LogRecord
  checksum: number
}

export const writeOf = (name: DocumentName, record: LogRecord): Write => ({ name, record, checksum: crc32c(record.update) })

/** As often as not the disk stopped within the group. */
export const tear = (group: readonly Write[], chance: Chance): Write[] => {
  const torn = chance.of(0.5) ? undefined : chance.maybe([...group])
  if (!torn) return [...group]
  const { update } = torn.record
  const part = chance.of(0.5) ? update.slice(0, chance.between(0, update.length - 1)) : flipped(update, chance)
  return [...group.slice(0, group.indexOf(torn)), { ...torn, record: { ...torn.record, update: part } }]
}

export const isWhole = (group: readonly Write[]): boolean => group.every(({ record, checksum }) => crc32c(record.update) === checksum)

const flipped = (bytes: Uint8Array, chance: Chance): Uint8Array => {
  const copy = bytes.slice()
  const at = chance.between(0, copy.length - 1)
  copy[at] = copy[at]! ^ (1 << chance.between(0, 7))
  return copy
}
