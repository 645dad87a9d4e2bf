/**
 * The public keys that an issuer tells under an address (JWKS), which it changes as it likes.
 *
 * A token under a key that is not known yet makes us ask again, but no more often than every half minute: anybody can make up key ids. When
 * the issuer cannot be asked, the keys that it told last are good for a day, so that its outage is not ours.
 */
import { createLocalJWKSet, errors } from 'jose'
import type { CryptoKey, FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose'
import { SkeinError } from '../../../shared/errors.ts'

export interface RotatingKeysOptions {
  url: string
  /** Milliseconds since 1970. */
  now: () => number
  onError: (error: unknown) => void
}

type KeyOf = (header: JWSHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>

const FRESH_MS = 10 * 60 * 1000
const ASK_AGAIN_MS = 30 * 1000
const STALE_MS = 24 * 60 * 60 * 1000
const TIMEOUT_MS = 5000
const MOST_BYTES = 256 * 1024

export class RotatingKeys {
  readonly #options: RotatingKeysOptions
  #keys: { find: KeyOf, at: number } | null = null
  #askedAt = -Infinity
  #asking: Promise<void> | null = null

  constructor(options: RotatingKeysOptions) {
    this.#options = options
  }

  /** @throws SkeinError `unavailable` when no keys are known and the issuer does not tell them; a JOSEError when none fits */
  readonly find: KeyOf = async (header, token) => {
    const { now } = this.#options
    if (!this.#keys || now() - this.#keys.at > FRESH_MS) await this.#ask()
    try {
      return await this.#known().find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !await this.#ask()) throw error
      return this.#known().find(header, token)
    }
  }

  #known(): { find: KeyOf } {
    if (this.#keys && this.#options.now() - this.#keys.at < STALE_MS) return this.#keys
    throw new SkeinError('unavailable', 'It cannot be checked who you are, because the server that signed you in does not answer. Nothing is lost; try again later.')
  }

  /** @returns whether it was asked, by us or by another who did so just now */
  async #ask(): Promise<boolean> {
    if (!this.#asking) {
      if (this.#options.now() - this.#askedAt < ASK_AGAIN_MS) return false
      this.#askedAt = this.#options.now()
      this.#asking = this.#fetch().catch(this.#options.onError).finally(() => { this.#asking = null })
    }
    await this.#asking
    return true
  }

  async #fetch(): Promise<void> {
    const { url, now } = this.#options
    // An address that is somebody else's after a redirect is not the one that the operator trusts.
    const response = await fetch(url, { redirect: 'error', headers: { accept: 'application/json' }, signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (!response.ok) throw new Error(`The keys at ${new URL(url).origin} were not told: status ${response.status}.`)
    const find = createLocalJWKSet(publicKeysIn(JSON.parse(await textOf(response))))
    this.#keys = { find, at: now() }
  }
}

const textOf = async (response: Response): Promise<string> => {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new Error(`The keys of an issuer are more than ${MOST_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** A shared secret has no place among public keys, and would let whoever reads them sign. */
const publicKeysIn = (set: unknown): JSONWebKeySet => {
  if (typeof set !== 'object' || set === null || !('keys' in set) || !Array.isArray(set.keys)) throw new Error('What an issuer told is no set of keys.')
  const keys = (set.keys as unknown[]).filter((key): key is JSONWebKeySet['keys'][number] =>
    typeof key === 'object' && key !== null && 'kty' in key && ['RSA', 'EC', 'OKP'].includes(String(key.kty)) && !('d' in key))
  return { keys }
}
