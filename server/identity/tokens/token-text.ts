/**
 * How a token is written: `skein_<id>_<secret>`. The id names the record and is no secret; the secret is 256 random bits.
 *
 * What is stored is SHA-256 of the secret. A slow hash is for what people choose: it makes guessing dear where there are few guesses to
 * make. Of 2^256 equally likely secrets nobody finds one by guessing, so a slow hash would only cost each request its time.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { RandomBytes } from '../../../shared/ids.ts'

const TOKEN = /^skein_([0-9a-f]{24})_([A-Za-z0-9_-]{43})$/
const ID = /^[0-9a-f]{24}$/
/** Whoever searches for leaked secrets finds ours by it. */
export const TOKEN_PREFIX = 'skein_'

export interface TokenText {
  id: string
  secret: string
}

export const parseToken = (text: string): TokenText | null => {
  const [, id, secret] = TOKEN.exec(text) ?? []
  return id !== undefined && secret !== undefined ? { id, secret } : null
}

export const isTokenId = (text: string): boolean => ID.test(text)

export const formatToken = ({ id, secret }: TokenText): string => `${TOKEN_PREFIX}${id}_${secret}`

/** 96 bits: none is ever handed out twice. */
export const newTokenId = (random: RandomBytes): string => Buffer.from(random(new Uint8Array(12))).toString('hex')

export const newTokenSecret = (random: RandomBytes): string => Buffer.from(random(new Uint8Array(32))).toString('base64url')

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** In a time that does not tell how much of it was right. */
export const isHashOf = (secret: string, hash: string): boolean => {
  const [given, kept] = [Buffer.from(hashOf(secret)), Buffer.from(hash)]
  return given.length === kept.length && timingSafeEqual(given, kept)
}
