/**
 * Reads LevelDB's own `.ldb` files to see where their bytes are not those that were written. Every block of a table carries a checksum,
 * which LevelDB, as it is built here, does not look at: it serves other bytes, finds nothing where there is something, or ends the process.
 * So a damaged block is emptied before LevelDB meets it.
 *
 * A table is a row of blocks and a footer that says where two of them are: the index, with one entry per block of data (the last key, or
 * one behind it, and where the block is), and the index of the filters. Source: LevelDB `doc/table_format.md`.
 */
import * as decoding from 'lib0/decoding'
import type { DocumentName } from '../../../shared/ids.ts'
import { crc32c, maskCrc } from './crc32c.ts'
import { documentNamesIn } from './document-names.ts'
import { documentRanges, keys as encoding } from './keys.ts'
import { decompress } from './snappy.ts'

const FOOTER = 48
const MAGIC = 0xdb4775248b80fb57n
/** Kind of compression and checksum behind each block. */
const TRAILER = 5
const SNAPPY = 1
/** Behind each key, the number of its writing. */
const SEQUENCE = 8

interface Place {
  offset: number
  size: number
}

export interface DamagedBlock {
  /** In bytes from the beginning of the file. */
  at: number
  /** Without its trailer; 0 where that is not known. */
  size: number
  /** What stands there, with its keys written out as far as they can be made out. */
  bytes: Uint8Array
  /** All keys of the block lie between these; `all` where it is the index, without which any of them may not be found. */
  keys: { from: Uint8Array, to: Uint8Array } | 'all' | 'none'
}

export const findDamagedBlocks = (file: Uint8Array): DamagedBlock[] => {
  const lost = findDamagedIndex(file)
  const places = readFooter(file)
  if (lost !== null || places === null) return lost === null ? [] : [lost]
  const index = readBlock(file, places.index)
  const filters = readBlock(file, places.filters)
  if (index === null) return []
  const damaged: DamagedBlock[] = filters === null ? [{ at: places.filters.offset, size: places.filters.size, bytes: NO_KEY, keys: 'none' }] : []
  for (const { value } of filters === null ? [] : entriesOf(filters)) {
    const place = readPlace(value)
    if (place === null || readBlock(file, place) === null) {
      damaged.push({ at: place?.offset ?? 0, size: place?.size ?? 0, bytes: NO_KEY, keys: 'none' })
    }
  }
  let from: Uint8Array = NO_KEY
  for (const { key, value } of entriesOf(index)) {
    const to = key.subarray(0, key.length - SEQUENCE)
    const place = readPlace(value)
    if (place === null || readBlock(file, place) === null) {
      const { offset = 0, size = 0 } = place ?? {}
      const found = file.subarray(offset, offset + size)
      const bytes = Buffer.concat([found, ...keysIn(found), ...keysIn(decompress(found).bytes)])
      damaged.push({ at: offset, size, bytes, keys: { from, to } })
    }
    from = to
  }
  return damaged
}

/** Zeros are a block without entries. The file keeps its length, which LevelDB has noted. */
export const withoutBlocks = (file: Uint8Array, damaged: readonly DamagedBlock[]): Uint8Array => {
  const copy = Buffer.from(file)
  for (const { at, size } of damaged.filter(block => block.size > 0 && block.at + block.size + TRAILER <= file.length)) {
    copy.fill(0, at, at + size + 1)
    copy.writeUInt32LE(maskCrc(crc32c(copy.subarray(at, at + size + 1))), at + size + 1)
  }
  return copy
}

/**
 * The documents of which something lay in a damaged block.
 * @param known all others: what the block held of them follows from the keys around it
 */
export const documentsIn = ({ keys, bytes }: DamagedBlock, known: readonly DocumentName[]): DocumentName[] => {
  if (keys === 'none') return []
  const between = keys === 'all' ? known : known.filter(name => documentRanges(name).some(({ gte, lte }) =>
    Buffer.compare(encoding.encode(lte), keys.from) >= 0 && Buffer.compare(encoding.encode(gte), keys.to) <= 0))
  return [...new Set([...between, ...documentNamesIn(bytes)])]
}

const findDamagedIndex = (file: Uint8Array): DamagedBlock | null => {
  const places = readFooter(file)
  if (places === null) return { at: Math.max(0, file.length - FOOTER), size: 0, bytes: file, keys: 'all' }
  if (readBlock(file, places.index) !== null) return null
  const { offset, size } = places.index
  const index = file.subarray(offset, offset + size)
  const blocks = blocksInARow(file.subarray(0, offset))
  const found = blocks.flatMap(block => [block, decompress(block).bytes]).flatMap(keysIn)
  return { at: offset, size, bytes: Buffer.concat([index, ...found]), keys: 'all' }
}

/** Without the index a block ends where the checksum behind it is right. */
const blocksInARow = (file: Uint8Array): Uint8Array[] => {
  const view = new DataView(file.buffer, file.byteOffset, file.length)
  const blocks: Uint8Array[] = []
  let [from, crc] = [0, 0]
  for (let at = 0; at + TRAILER <= file.length; at++) {
    crc = crc32c(file.subarray(at, at + 1), crc)
    if (at === from || maskCrc(crc) !== view.getUint32(at + 1, true)) continue
    blocks.push(file.subarray(from, at))
    from = at + TRAILER
    at = from - 1
    crc = 0
  }
  return blocks
}

const NO_KEY = new Uint8Array()

const readFooter = (file: Uint8Array): { index: Place, filters: Place } | null => {
  const footer = file.subarray(-FOOTER)
  if (footer.length < FOOTER) return null
  const magic = new DataView(footer.buffer, footer.byteOffset).getBigUint64(FOOTER - 8, true)
  const input = decoding.createDecoder(footer)
  const [filters, index] = [readPlaceFrom(input), readPlaceFrom(input)]
  return magic === MAGIC && filters !== null && index !== null ? { index, filters } : null
}

/** @returns null when it is not as it was written */
const readBlock = (file: Uint8Array, { offset, size }: Place): Uint8Array | null => {
  if (offset + size + TRAILER > file.length) return null
  const view = new DataView(file.buffer, file.byteOffset)
  if (maskCrc(crc32c(file.subarray(offset, offset + size + 1))) !== view.getUint32(offset + size + 1, true)) return null
  const bytes = file.subarray(offset, offset + size)
  return file[offset + size] === SNAPPY ? decompress(bytes).bytes : bytes
}

/** Keys share their beginning with the key before; at the end of the block stand the places where they do not. */
const entriesOf = (block: Uint8Array): { key: Uint8Array, value: Uint8Array }[] =>
  [...readEntries(block.subarray(0, startOfRestarts(block)))]

const startOfRestarts = (block: Uint8Array): number =>
  block.length - 4 - 4 * new DataView(block.buffer, block.byteOffset).getUint32(block.length - 4, true)

const readEntries = function* (block: Uint8Array): Generator<{ key: Uint8Array, value: Uint8Array }> {
  const input = decoding.createDecoder(block)
  let key: Uint8Array = NO_KEY
  while (decoding.hasContent(input)) {
    const [shared, own, length] = [decoding.readVarUint(input), decoding.readVarUint(input), decoding.readVarUint(input)]
    key = Buffer.concat([key.subarray(0, shared), decoding.readUint8Array(input, own)])
    yield { key, value: decoding.readUint8Array(input, length) }
  }
}

const keysIn = (block: Uint8Array): Uint8Array[] => entriesIn(block).map(({ key }) => key)

/** Entries of a damaged block, as far as they can be made out: up to the damage, and on from each place where a key stands whole. */
const entriesIn = (block: Uint8Array): { key: Uint8Array, value: Uint8Array }[] => {
  const found: { key: Uint8Array, value: Uint8Array }[] = []
  const collect = (from: number, most: number): void => {
    try {
      for (const entry of readEntries(block.subarray(from))) if (found.push(entry) && --most === 0) return
    } catch (_garbled) {
      // The next place goes on from there.
    }
  }
  collect(0, block.length)
  const restartsAt = block.length < 4 ? -1 : startOfRestarts(block)
  for (let at = restartsAt < 0 ? block.length : restartsAt; at + 8 <= block.length; at += 4) {
    const from = new DataView(block.buffer, block.byteOffset).getUint32(at, true)
    if (from < restartsAt) collect(from, RESTART_EVERY)
  }
  return found
}
const RESTART_EVERY = 16

const readPlace = (bytes: Uint8Array): Place | null => readPlaceFrom(decoding.createDecoder(bytes))

const readPlaceFrom = (input: decoding.Decoder): Place | null => {
  try {
    return { offset: decoding.readVarUint(input), size: decoding.readVarUint(input) }
  } catch (_cutOff) {
    return null
  }
}
