/**
 * Encrypts what has to be kept and must not be read by whoever gets at the disk alone, such as a person's key for a model provider.
 *
 * AES-256-GCM under a key made of the server's secret. What it is for, and whose it is, is bound to it: a sealed value that is moved to
 * another owner, or another place, does not open. `v1.<key id>.<nonce>.<ciphertext and tag>`, base64url.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'
import type { RandomBytes } from '../../shared/ids.ts'
import { deriveKey } from './derive-key.ts'

/** Where a value belongs. */
export interface Place {
  /** Such as `provider key`. */
  purpose: string
  /** An id. */
  owner: string
}

/** A sealed value cannot be read. The message repeats nothing of it. */
export class VaultError extends Error {
  override readonly name = 'VaultError'
}

const VERSION = 'v1'
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

interface Key {
  /** Tells keys apart and nothing about them. */
  id: string
  bytes: Uint8Array
}

export class Vault {
  readonly #keys: readonly Key[]
  readonly #random: RandomBytes

  /** @param secrets newest first: it seals, all of them open */
  constructor(secrets: readonly Uint8Array[], random: RandomBytes) {
    this.#keys = secrets.map(secret => {
      const bytes = deriveKey(secret, 'vault')
      return { id: createHash('sha256').update('skein vault key id').update(bytes).digest('hex').slice(0, 16), bytes }
    })
    this.#random = random
  }

  seal(text: string, place: Place): string {
    const { id, bytes } = this.#keys[0]!
    const nonce = this.#random(new Uint8Array(NONCE_BYTES))
    const cipher = createCipheriv(CIPHER, bytes, nonce).setAAD(boundTo(place))
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return [VERSION, id, Buffer.from(nonce).toString('base64url'), sealed.toString('base64url')].join('.')
  }

  /** @throws VaultError */
  open(sealed: string, place: Place): string {
    const [version, id, nonce = '', text = '', ...rest] = sealed.split('.')
    const key = this.#keys.find(each => each.id === id)
    if (version !== VERSION || rest.length > 0) throw new VaultError('This is no sealed value of this version; enter it anew.')
    if (!key) throw new VaultError('It was sealed under a secret that this server does not have any more: add that one to SKEIN_SECRET, or enter the value anew.')
    const bytes = Buffer.from(text, 'base64url')
    try {
      const decipher = createDecipheriv(CIPHER, key.bytes, Buffer.from(nonce, 'base64url'), { authTagLength: TAG_BYTES })
      decipher.setAAD(boundTo(place)).setAuthTag(bytes.subarray(-TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
    } catch {
      throw new VaultError('The sealed value was changed, or belongs to somebody else; enter it anew.')
    }
  }

  /** @returns the value under the newest secret; null: it is already. After a rotation, for all that is kept, before the old one goes. */
  reseal(sealed: string, place: Place): string | null {
    return sealed.startsWith(`${VERSION}.${this.#keys[0]!.id}.`) ? null : this.seal(this.open(sealed, place), place)
  }
}

/** Unambiguous: no purpose and owner read the same as two others. */
const boundTo = ({ purpose, owner }: Place): Buffer => Buffer.from(JSON.stringify(['skein vault', purpose, owner]))
