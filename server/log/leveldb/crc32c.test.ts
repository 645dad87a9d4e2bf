/** The checksum that LevelDB writes into its files. */
import { expect, test } from 'vitest'
import { crc32c } from './crc32c.ts'

test('is the sum of RFC 3720, whatever the length and however it is divided', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  const bytes = Uint8Array.from({ length: 100 }, (_, n) => n * 37)
  for (let at = 0; at <= 100; at++) expect(crc32c(bytes.subarray(at), crc32c(bytes.subarray(0, at)))).toBe(crc32c(bytes))
})
