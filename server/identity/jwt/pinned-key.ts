/** The key of an issuer that tells one key, checked against the algorithms that are pinned for it: what does not fit ends the start. */
import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { JwtSetupError } from '../jwt-port.ts'
import type { JwtAlgorithm, JwtIssuer } from '../jwt-port.ts'

const SECRET_BYTES = 32
const RSA_BITS = 2048

/** @throws JwtSetupError */
export const checkAlgorithms = ({ issuer, algorithms, key: { kind } }: JwtIssuer): void => {
  if (algorithms.length === 0) throw new JwtSetupError(issuer, 'it has no algorithms.')
  const shared = algorithms.includes('HS256')
  // A token may say HS256 and be signed with the public key, which everybody has.
  if (shared && kind !== 'secret') throw new JwtSetupError(issuer, 'HS256 is for a shared secret and cannot go with public keys.')
  if (kind === 'secret' && algorithms.some(algorithm => algorithm !== 'HS256')) {
    throw new JwtSetupError(issuer, `a shared secret is for HS256 alone, not for ${algorithms.join(', ')}.`)
  }
}

/** @throws JwtSetupError */
export const secretKey = (issuer: string, secret: string): Uint8Array => {
  if (/-----BEGIN|"kty"/.test(secret)) throw new JwtSetupError(issuer, 'the shared secret is a key in PEM or JWK form; give it as a public key.')
  const bytes = new TextEncoder().encode(secret)
  if (bytes.length < SECRET_BYTES) throw new JwtSetupError(issuer, `the shared secret is shorter than ${SECRET_BYTES} bytes.`)
  return bytes
}

/** @throws JwtSetupError */
export const publicKey = (issuer: string, pem: string, algorithms: readonly JwtAlgorithm[]): KeyObject => {
  if (pem.includes('PRIVATE KEY')) throw new JwtSetupError(issuer, 'the file holds a private key, which is the issuer\'s alone; give the public one.')
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch {
    throw new JwtSetupError(issuer, 'the file holds no public key in PEM form.')
  }
  const fitting = algorithmOf(key)
  if (algorithms.length !== 1 || algorithms[0] !== fitting) {
    throw new JwtSetupError(issuer, `the public key ${fitting ? `is one for ${fitting}` : 'fits no algorithm that is supported'}, but ${algorithms.join(', ')} is set.`)
  }
  return key
}

const algorithmOf = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): JwtAlgorithm | null => {
  switch (asymmetricKeyType) {
    case 'rsa': return (asymmetricKeyDetails?.modulusLength ?? 0) >= RSA_BITS ? 'RS256' : null
    case 'ec': return asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : null
    case 'ed25519': return 'EdDSA'
    default: return null
  }
}
