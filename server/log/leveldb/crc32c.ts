/**
 * CRC-32C (Castagnoli) as LevelDB's files carry it. Node has CRC-32 alone. Eight bytes at a time (Intel's "slicing by 8"), since a start
 * looks at every byte of the store. Source of the mask: LevelDB `util/crc32c.h`.
 */

const STEP = 8

/** At `256 * n + byte`: what that byte does to the sum n bytes later. */
const table = new Uint32Array(256 * STEP)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1
  table[byte] = crc
}
for (let at = 256; at < table.length; at++) table[at] = table[at - 256]! >>> 8 ^ table[table[at - 256]! & 255]!

/** @param crc of the bytes before these; 0 at the beginning */
export const crc32c = (bytes: Uint8Array, crc = 0): number => {
  let state = ~crc
  let at = 0
  for (const last = bytes.length - STEP; at <= last; at += STEP) {
    state ^= bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24
    state = table[1792 + (state & 255)]! ^ table[1536 + (state >>> 8 & 255)]! ^
      table[1280 + (state >>> 16 & 255)]! ^ table[1024 + (state >>> 24)]! ^
      table[768 + bytes[at + 4]!]! ^ table[512 + bytes[at + 5]!]! ^ table[256 + bytes[at + 6]!]! ^ table[bytes[at + 7]!]!
  }
  for (; at < bytes.length; at++) state = table[(state ^ bytes[at]!) & 255]! ^ state >>> 8
  return ~state >>> 0
}

/** As it is stored, so that a checksum of bytes that hold a checksum is not trivial. */
export const maskCrc = (crc: number): number => ((crc >>> 15 | crc << 17) + 0xa282ead8) >>> 0
