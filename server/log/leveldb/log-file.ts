/**
 * Reads LevelDB's own `.log` files to see what it leaves out of them without a word.
 *
 * A log file is a row of 32 KiB blocks; in each stand records of checksum, length and kind (whole, first, middle or last part of a batch).
 * Where a checksum fails, LevelDB skips the rest of the block, good records too, and every batch of which a part lay there. So that
 * is what is lost, and the documents whose names stand there are those that lost something. It has to be read before LevelDB opens the
 * folder: opening moves what is left to a table and deletes the file.
 *
 * A write that was cut off by a crash is no damage: nobody was told that it was stored. It looks like a last record that is shorter than
 * its length says, or ends in zeros. Source of the format: LevelDB `doc/log_format.md` and `db/log_reader.cc`.
 */
import { crc32c, maskCrc } from './crc32c.ts'

const BLOCK = 32 * 1024
const HEADER = 7
const [WHOLE, FIRST, MIDDLE, LAST] = [1, 2, 3, 4]
/** More zeros than a batch of ours ends in: file systems lose whole sectors. */
const ZEROS = 64

/** A part of the file that LevelDB leaves out. */
export interface LostPart {
  /** Where the damage is, in bytes from the beginning of the file. */
  at: number
  /** Everything of the file that is left out because of it. */
  bytes: Uint8Array
}

export const findLostParts = (file: Uint8Array): LostPart[] => {
  const lost: LostPart[] = []
  /** Where the batch begins that is being read in parts. */
  let begun: number | null = null
  let skipping = false
  const lose = (from: number, to: number): void => {
    const last = lost.at(-1)
    if (skipping && last) last.bytes = Buffer.concat([last.bytes, file.subarray(from, to)])
    else lost.push({ at: from, bytes: file.subarray(begun ?? from, to) })
    skipping = true
    begun = null
  }
  for (let at = 0; at < file.length;) {
    const blockEnd = Math.min(at - at % BLOCK + BLOCK, file.length)
    const record = readRecord(file, at, blockEnd)
    if (record === 'padding' || record === 'cut-off') {
      at = blockEnd
    } else if (record === 'damaged') {
      lose(at, blockEnd)
      at = blockEnd
    } else {
      const continues = record.kind === MIDDLE || record.kind === LAST
      if (continues ? begun === null : begun !== null) lose(at, continues ? record.end : at)
      if (!continues || begun !== null) skipping = false
      if (record.kind === FIRST) begun = at
      if (record.kind === WHOLE || record.kind === LAST) begun = null
      at = record.end
    }
  }
  return lost
}

/** What was written into a file of this form, each as it was given, up to the first that is cut off or damaged. */
export const readWhole = (file: Uint8Array): Uint8Array[] => {
  const whole: Uint8Array[] = []
  const parts: Uint8Array[] = []
  for (let at = 0; at < file.length;) {
    const blockEnd = Math.min(at - at % BLOCK + BLOCK, file.length)
    const record = readRecord(file, at, blockEnd)
    if (record === 'cut-off' || record === 'damaged') return whole
    if (record === 'padding') {
      at = blockEnd
      continue
    }
    parts.push(file.subarray(at + HEADER, record.end))
    if (record.kind === WHOLE || record.kind === LAST) whole.push(Buffer.concat(parts.splice(0)))
    at = record.end
  }
  return whole
}

const readRecord = (file: Uint8Array, at: number, blockEnd: number): { kind: number, end: number } | 'padding' | 'cut-off' | 'damaged' => {
  if (blockEnd - at < HEADER) return 'padding'
  const view = new DataView(file.buffer, file.byteOffset + at)
  const stored = view.getUint32(0, true)
  const end = at + HEADER + view.getUint16(4, true)
  const kind = file[at + 6]!
  if (end <= blockEnd && kind >= WHOLE! && kind <= LAST! && maskCrc(crc32c(file.subarray(at + 6, end))) === stored) return { kind, end }
  if (isZero(file.subarray(at))) return 'padding'
  // Records never cross a block, so only in an unfinished one the rest may be still to come.
  const unfinished = blockEnd === file.length && blockEnd % BLOCK !== 0
  if (end > blockEnd) return unfinished && !endsEarlier(file.subarray(at + 6), stored) ? 'cut-off' : 'damaged'
  return blockEnd === file.length && isZero(file.subarray(Math.max(at + HEADER, end - ZEROS))) ? 'cut-off' : 'damaged'
}

/** Whether a record with this checksum stands there whole, so that it is its length that is wrong. */
const endsEarlier = (bytes: Uint8Array, stored: number): boolean => {
  let crc = 0
  for (let i = 0; i < bytes.length; i++) {
    crc = crc32c(bytes.subarray(i, i + 1), crc)
    if (maskCrc(crc) === stored) return true
  }
  return false
}

const isZero = (bytes: Uint8Array): boolean => bytes.every(byte => byte === 0)
