/** An issuer of JWTs with keys of its own, and a server that tells its public ones (JWKS); for sign-in by JWT. */
import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, SignJWT } from 'jose'
import type { JWK, JWTPayload } from 'jose'
import type { JwtAlgorithm } from '../../server/identity/jwt-port.ts'

export type Pair = { publicKey: KeyObject, privateKey: KeyObject }

export const keyPair = (algorithm: Exclude<JwtAlgorithm, 'HS256'>): Pair => {
  switch (algorithm) {
    case 'RS256': return generateKeyPairSync('rsa', { modulusLength: 2048 })
    case 'ES256': return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'EdDSA': return generateKeyPairSync('ed25519')
  }
}

export const pemOf = ({ publicKey }: Pair): string => publicKey.export({ type: 'spki', format: 'pem' }).toString()

export const jwkOf = async ({ publicKey }: Pair, more: object = {}): Promise<JWK> => ({ ...await exportJWK(publicKey), ...more })

/** @param key a private key, or a shared secret */
export const sign = (key: KeyObject | string, alg: string, claims: JWTPayload, header: object = {}): Promise<string> =>
  new SignJWT(claims).setProtectedHeader({ alg, ...header }).sign(typeof key === 'string' ? new TextEncoder().encode(key) : key)

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token as no library makes it. @param signature made over the first two parts */
export const forge = (header: object, claims: object, signature: (signed: string) => string): string => {
  const signed = `${part(header)}.${part(claims)}`
  return `${signed}.${signature(signed)}`
}

export interface KeyServer {
  url: string
  /** What it tells; null: it fails. */
  answer: { keys: unknown[] } | string | null
  /** Times that it was asked. */
  asked: number
  close(): Promise<void>
}

export const startKeyServer = async (keys: unknown[]): Promise<KeyServer> => {
  const http = createServer((_request, response) => {
    told.asked++
    if (told.answer === null) response.statusCode = 503
    response.end(typeof told.answer === 'string' ? told.answer : JSON.stringify(told.answer))
  })
  const told: KeyServer = {
    url: '', answer: { keys }, asked: 0,
    close: () => new Promise(resolve => {
      http.closeAllConnections()
      http.close(() => resolve())
    }),
  }
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  told.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/keys`
  return told
}
