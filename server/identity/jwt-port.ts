/** Sign-in by JWT: whose tokens are taken, and what is read out of them. */

export const jwtAlgorithms = ['HS256', 'RS256', 'ES256', 'EdDSA'] as const
export type JwtAlgorithm = typeof jwtAlgorithms[number]

/** What proves a signature: one of these, chosen here and never by a token. */
export type JwtKey =
  /** Shared with the issuer, for HS256 alone. */
  | { kind: 'secret', secret: string }
  /** A PEM: a public key or a certificate. */
  | { kind: 'public-key', pem: string }
  /** Where the issuer tells its public keys, which it changes as it likes. */
  | { kind: 'jwks', url: string }

export interface JwtIssuer {
  /** The claim `iss`, to the letter. */
  issuer: string
  /** One of these has to be in the claim `aud`. */
  audience: readonly string[]
  algorithms: readonly JwtAlgorithm[]
  key: JwtKey
  /** By how much clocks may differ. */
  skewSeconds: number
  claims: {
    id: string
    name: string
    /** Null: the bearer may do all that the person may. */
    scopes: string | null
  }
}

export interface JwtConfig {
  issuers: readonly JwtIssuer[]
  /** Name of a cookie that holds the token, for pages of the same host; null: it comes in the `Authorization` header alone. */
  cookie: string | null
  /** The longest that tokens live which these people make; 0: they make none. */
  tokenDays: number
}

/** What an issuer is set up with does not go together; the message is one line for the operator and repeats no key. */
export class JwtSetupError extends Error {
  constructor(issuer: string, problem: string) {
    super(`JWT of ${issuer}: ${problem}`)
    this.name = 'JwtSetupError'
  }
}
