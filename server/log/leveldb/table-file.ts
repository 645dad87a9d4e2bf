/**
 * Reads LevelDB's own `.ldb` files to see where their bytes are not those that were written. Every block of a table carries a checksum,
 * which LevelDB, as it is built here, does not look at.
 *
 * A table is a row of blocks and a footer that says where two of them are: the index, with one entry per block of data (the last key, or
 * one behind it, and where the block is), and the index of the filters. Source: LevelDB `doc/table_format.md`.
 */
import * as decoding from 'lib0/decoding'
import { crc32c, maskCrc } from './crc32c.ts'
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
  /** What stands there, with its keys written out as far as they can be made out. */
  bytes: Uint8Array
  /** All keys of the block lie between these; null where nothing of the table can be found, or only a filter is damaged. */
  keys: { from: Uint8Array, to: Uint8Array } | null
}

export const findDamagedBlocks = (file: Uint8Array): DamagedBlock[] => {
  const lost = (at: number): DamagedBlock[] => [{ at, bytes: file, keys: null }]
  const footerAt = Math.max(0, file.length - FOOTER)
  const places = readFooter(file.subarray(footerAt))
  if (places === null) return lost(footerAt)
  const index = readBlock(file, places.index)
  const filters = readBlock(file, places.filters)
  if (index === null) return lost(places.index.offset)
  const damaged: DamagedBlock[] = filters === null ? [{ at: places.filters.offset, bytes: NO_KEY, keys: null }] : []
  for (const { value } of filters === null ? [] : entriesOf(filters)) {
    const place = readPlace(value)
    if (place === null || readBlock(file, place) === null) damaged.push({ at: place?.offset ?? 0, bytes: NO_KEY, keys: null })
  }
  let from: Uint8Array = NO_KEY
  for (const { key, value } of entriesOf(index)) {
    const to = key.subarray(0, key.length - SEQUENCE)
    const place = readPlace(value)
    if (place === null || readBlock(file, place) === null) {
      const { offset = 0, size = 0 } = place ?? {}
      const found = file.subarray(offset, offset + size)
      const bytes = Buffer.concat([found, ...keysIn(found), ...keysIn(decompress(found).bytes)])
      damaged.push({ at: offset, bytes, keys: { from, to } })
    }
    from = to
  }
  return damaged
}

const NO_KEY = new Uint8Array()

const readFooter = (footer: Uint8Array): { index: Place, filters: Place } | null => {
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

/** The keys of a damaged block, as far as they can be made out: up to the damage, and on from each place where a key stands whole. */
const keysIn = (block: Uint8Array): Uint8Array[] => {
  const restartsAt = block.length < 4 ? block.length : startOfRestarts(block)
  const found: Uint8Array[] = []
  const collect = (from: number): void => {
    try {
      for (const { key } of readEntries(block.subarray(from))) found.push(key)
    } catch (_garbled) {
      // The next place goes on from there.
    }
  }
  collect(0)
  for (let at = Math.max(0, restartsAt); at + 8 <= block.length; at += 4) {
    const from = new DataView(block.buffer, block.byteOffset).getUint32(at, true)
    if (from < block.length) collect(from)
  }
  return found
}

const readPlace = (bytes: Uint8Array): Place | null => readPlaceFrom(decoding.createDecoder(bytes))

const readPlaceFrom = (input: decoding.Decoder): Place | null => {
  try {
    return { offset: decoding.readVarUint(input), size: decoding.readVarUint(input) }
  } catch (_cutOff) {
    return null
  }
}
