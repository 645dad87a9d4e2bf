/** CRC-32C (Castagnoli) as LevelDB's files carry it. Node has CRC-32 alone. Source of the mask: LevelDB `util/crc32c.h`. */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0x82f63b78 : crc >>> 1
  return crc
})

/** @param crc of the bytes before these; 0 at the beginning */
export const crc32c = (bytes: Uint8Array, crc = 0): number => {
  let state = ~crc
  for (let i = 0; i < bytes.length; i++) state = table[(state ^ bytes[i]!) & 255]! ^ state >>> 8
  return ~state >>> 0
}

/** As it is stored, so that a checksum of bytes that hold a checksum is not trivial. */
export const maskCrc = (crc: number): number => ((crc >>> 15 | crc << 17) + 0xa282ead8) >>> 0
