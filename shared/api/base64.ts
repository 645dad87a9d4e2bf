/** Bytes as they travel in JSON: base64 (RFC 4648, section 4), padded. */
import { fromBase64, toBase64 } from 'lib0/buffer'
import * as Y from 'yjs'
import { limits } from '../limits.ts'

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export const encodeBase64 = (bytes: Uint8Array): string => toBase64(bytes)

/** @returns null when the text is not base64 */
export const decodeBase64 = (text: string): Uint8Array | null => {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return null
  try {
    return fromBase64(text)
  } catch {
    return null // the browser's `atob` throws where Node's decoder does not
  }
}

/** @returns null when it is none, or larger than {@link limits.stateVectorBytes}: that is looked at before anything is decoded */
export const parseStateVector = (text: string): Uint8Array | null => {
  if (text.length > Math.ceil(limits.stateVectorBytes / 3) * 4) return null
  const bytes = decodeBase64(text)
  return bytes && bytes.length <= limits.stateVectorBytes && isStateVector(bytes) ? bytes : null
}

const isStateVector = (bytes: Uint8Array): boolean => {
  try {
    Y.decodeStateVector(bytes)
    return true
  } catch {
    return false // lib0 throws on bytes that end too early, and on numbers that are too large
  }
}
