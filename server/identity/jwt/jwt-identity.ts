/**
 * Sign-in by JWT: somebody else knows the people, and says so with a signature.
 *
 * Everything that decides is pinned for the issuer: its key, the algorithm, the audience. Nothing that stands in a token's header chooses
 * any of it (`alg`, `jwk`, `jku`, `x5u`, `x5c`, and `kid` only among keys that the issuer told us). Nobody can take back a JWT, so give
 * them a short life: what is open by one ends when it expires.
 */
import { createHash } from 'node:crypto'
import { decodeJwt, errors, jwtVerify } from 'jose'
import type { JWTPayload, JWTVerifyGetKey, JWTVerifyOptions } from 'jose'
import { parseUserId } from '../../../shared/ids.ts'
import type { UserId } from '../../../shared/ids.ts'
import { accountLimits, limits } from '../../../shared/limits.ts'
import type { Principal, Scopes } from '../../../shared/principal.ts'
import { guestName } from '../guest-name.ts'
import { JwtSetupError } from '../jwt-port.ts'
import type { JwtConfig, JwtIssuer } from '../jwt-port.ts'
import type { Credentials, Identity } from '../port.ts'
import { checkAlgorithms, publicKey, secretKey } from './pinned-key.ts'
import { RotatingKeys } from './rotating-keys.ts'

export interface JwtIdentityOptions extends JwtConfig {
  /** Milliseconds since 1970. */
  now: () => number
  /** A token was shown that is no good. */
  onRefused: (what: 'jwt', address: string) => void
  /** An issuer did not tell its keys. */
  onError: (error: unknown) => void
}

type Verify = (token: string, options: JWTVerifyOptions) => Promise<JWTPayload>

/** @throws JwtSetupError when keys and algorithms do not go together */
export const createJwtIdentity = (options: JwtIdentityOptions): Identity => {
  const { issuers, cookie, tokenDays, now, onRefused } = options
  const trusted = new Map(issuers.map(issuer => [issuer.issuer, { issuer, verify: verifierOf(issuer, options) }]))
  if (trusted.size < issuers.length) throw new JwtSetupError('all issuers', 'two of them have the same name.')

  const principalOf = async (token: string): Promise<Principal | null> => {
    if (token.length > limits.credentialLength) return null
    try {
      // Not checked yet: it only says whose rules it is to be checked by.
      const known = trusted.get(decodeJwt(token).iss ?? '')
      if (!known) return null
      const { issuer, audience, algorithms, skewSeconds, claims: { id } } = known.issuer
      const payload = await known.verify(token, {
        issuer, audience: [...audience], algorithms: [...algorithms], clockTolerance: skewSeconds,
        requiredClaims: ['exp', id], currentDate: new Date(now()),
      })
      return read(payload, known.issuer, token)
    } catch (error) {
      if (error instanceof errors.JOSEError) return null
      throw error
    }
  }

  return {
    authenticate: async credentials => {
      const token = tokenIn(credentials, cookie)
      if (token === null) return null
      const principal = await principalOf(token)
      if (!principal) onRefused('jwt', credentials.address)
      return principal
    },
    admitGuest: async () => null,
    onRevoked: () => () => {},
    // Nobody tells us who has left an issuer; whom nobody vouches for any more at all is nobody.
    renew: async principal => principal.vouchedBy === undefined || trusted.has(principal.vouchedBy) ? principal : null,
    tokenDays,
  }
}

/**
 * The id of whom an issuer calls so. Always made of both, so that the people of two issuers never meet, nor those of an issuer and guests,
 * and an issuer that is added later changes nobody's.
 */
export const jwtUserId = (issuer: string, subject: string): UserId =>
  parseUserId(`jwt-${createHash('sha256').update(JSON.stringify([issuer, subject])).digest('base64url')}`)!

const verifierOf = ({ issuer, key, algorithms, ...rest }: JwtIssuer, { now, onError }: JwtIdentityOptions): Verify => {
  checkAlgorithms({ issuer, key, algorithms, ...rest })
  switch (key.kind) {
    case 'secret': {
      const secret = secretKey(issuer, key.secret)
      return async (token, options) => (await jwtVerify(token, secret, options)).payload
    }
    case 'public-key': {
      const pinned = publicKey(issuer, key.pem, algorithms)
      return async (token, options) => (await jwtVerify(token, pinned, options)).payload
    }
    case 'jwks': {
      const keys = new RotatingKeys({ url: key.url, now, onError })
      const find: JWTVerifyGetKey = (header, token) => keys.find(header, token)
      return async (token, options) => (await jwtVerify(token, find, options)).payload
    }
  }
}

const read = (payload: JWTPayload, { issuer, claims, skewSeconds }: JwtIssuer, token: string): Principal | null => {
  const subject = payload[claims.id]
  if (typeof subject !== 'string' || subject === '') return null
  const id = jwtUserId(issuer, subject)
  return {
    kind: 'user',
    id,
    name: nameIn(payload[claims.name]) ?? guestName(id),
    vouchedBy: issuer,
    ...claims.scopes !== null && { scopes: scopesIn(payload[claims.scopes]) },
    credential: `jwt-${createHash('sha256').update(token).digest('hex').slice(0, 32)}`,
    expiresAt: (payload.exp! + skewSeconds) * 1000,
  }
}

/** Without what would make a line of it another one. */
const nameIn = (claim: unknown): string | null => {
  const name = typeof claim === 'string' ? claim.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '').trim().slice(0, accountLimits.nameLength) : ''
  return name === '' ? null : name
}

/** As in OAuth: words in one text, or a list. What is not there is not allowed. */
const scopesIn = (claim: unknown): Scopes => {
  const words = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  const has = (word: string): boolean => words.includes(`skein:${word}`)
  return { read: has('read'), write: has('write'), ...has('manage') && { manage: true } }
}

/** The header decides when there is one of the kind. */
const tokenIn = ({ authorization, cookie = '' }: Credentials, name: string | null): string | null => {
  const [, bearer] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  if (bearer !== undefined || name === null) return bearer ?? null
  const pair = cookie.split(';').map(each => each.trim()).find(each => each.startsWith(`${name}=`))
  return pair?.slice(name.length + 1) || null
}
