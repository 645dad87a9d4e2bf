/** A key of its own for each purpose, made of the server's one secret: what is learned of one tells nothing of the others. */
import { hkdfSync } from 'node:crypto'

const KEY_BYTES = 32

/** HKDF-SHA256 (RFC 5869). */
export const deriveKey = (secret: Uint8Array, purpose: 'guest cookie' | 'vault'): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', secret, '', `skein ${purpose}`, KEY_BYTES))
