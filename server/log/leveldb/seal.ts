/**
 * A checksum in front of every value of ours, over its key too. LevelDB, as it is built here, does not check what it reads from its
 * tables: a flipped bit in one gives another value, or the right one under another key, without an error.
 *
 * A sealed value begins with a byte that JSON never begins with, so a value of format 1, which is plain JSON, is told apart and read on.
 */
import { crc32 } from 'node:zlib'
import { fromJson } from '../store-port.ts'
import type { Key } from '../store-port.ts'
import { keys } from './keys.ts'

const MARK = 1
const SEAL = 5

/** y-leveldb's own keys keep its values; of the others `format` stays plain, so that an older version can read that it is too old. */
export const isSealed = (key: Key): boolean => key[0] === 'skein' && key[1] !== 'format'

export const seal = (key: Key, value: Uint8Array): Uint8Array => {
  const bytes = Buffer.allocUnsafe(SEAL + value.length)
  writeChecksum(bytes, key, value)
  bytes.set(value, SEAL)
  return bytes
}

/** @returns null when it is not what was written under this key */
export const unseal = (key: Key, stored: Uint8Array): Uint8Array | null => {
  if (stored[0] !== MARK) return isJson(stored) ? stored : null
  const value = stored.subarray(SEAL)
  return checksum(key, value).equals(stored.subarray(0, SEAL)) ? value : null
}

const isJson = (stored: Uint8Array): boolean => {
  try {
    fromJson(stored)
    return true
  } catch (_noJson) {
    return false
  }
}

/** The seal by itself, for a value that has to stay as y-leveldb knows it. */
export const checksum = (key: Key, value: Uint8Array): Buffer => {
  const bytes = Buffer.allocUnsafe(SEAL)
  writeChecksum(bytes, key, value)
  return bytes
}

const writeChecksum = (bytes: Buffer, key: Key, value: Uint8Array): void => {
  bytes[0] = MARK
  bytes.writeUInt32BE(crc32(value, crc32(keys.encode(key))), 1)
}

/**
 * Whether an update is as it was written.
 * @param stored its {@link checksum}, or the four bytes of format 1, which are as true for an update that lies under a wrong key
 */
export const matchesChecksum = (key: Key, update: Uint8Array, stored: Uint8Array): boolean => {
  if (stored.length !== FORMAT_1_LENGTH) return checksum(key, update).equals(stored)
  const bytes = Buffer.alloc(FORMAT_1_LENGTH)
  bytes.writeUInt32BE(crc32(update))
  return bytes.equals(stored)
}
const FORMAT_1_LENGTH = 4
