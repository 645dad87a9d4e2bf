/**
 * The part of the environment that is about sign-in by JWT; see config.ts. One issuer is set by variables, several by a JSON file
 * (`SKEIN_JWT_ISSUERS`) whose secrets stand in the environment:
 *
 *   [{ "issuer": "https://id.example.org", "audience": ["skein"], "algorithms": ["RS256"], "jwksUrl": "https://id.example.org/keys",
 *      "claims": { "id": "sub", "name": "name", "scopes": "scope" } },
 *    { "issuer": "intranet", "audience": ["skein"], "algorithms": ["HS256"], "secretFrom": "INTRANET_SECRET" }]
 */
import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { ConfigError } from './config-error.ts'
import { jwtAlgorithms } from './identity/jwt-port.ts'
import type { JwtConfig, JwtIssuer, JwtKey } from './identity/jwt-port.ts'
import { isLoopbackAddress } from '../shared/api/origin.ts'
import { limits } from '../shared/limits.ts'

type Environment = Readonly<Record<string, string | undefined>>

const words = (text: string): string[] => text.split(/[\s,]+/).filter(word => word !== '')
/** Whoever can change the answer signs in as anybody. */
const isTrustworthy = (text: string): boolean => {
  const url = URL.parse(text)
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopbackAddress(url.hostname))
}
const claimName = z.string().min(1).max(100)
const variable = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be the name of an environment variable')

const entry = z.strictObject({
  issuer: z.string().min(1).max(1000),
  audience: z.array(z.string().min(1)).min(1),
  algorithms: z.array(z.enum(jwtAlgorithms, { error: `must be of: ${jwtAlgorithms.join(', ')}` })).min(1),
  secretFrom: variable.optional(),
  publicKeyFile: z.string().min(1).optional(),
  jwksUrl: z.string().refine(isTrustworthy, 'must be an https URL').optional(),
  skewSeconds: z.int().min(0).max(600).default(30),
  claims: z.strictObject({ id: claimName.default('sub'), name: claimName.default('name'), scopes: claimName.nullable().default(null) })
    .default({ id: 'sub', name: 'name', scopes: null }),
})
type Entry = z.infer<typeof entry>

/** Names of the variables, which a typing error in one would leave without effect. */
const VARIABLES = [
  'ISSUERS', 'ISSUER', 'AUDIENCE', 'ALGORITHMS', 'SECRET', 'PUBLIC_KEY', 'JWKS_URL', 'SKEW_SECONDS', 'COOKIE', 'TOKEN_DAYS',
  'ID_CLAIM', 'NAME_CLAIM', 'SCOPES_CLAIM',
].map(name => `SKEIN_JWT_${name}`)

/** What does not belong to one issuer. */
const OF_ALL = ['SKEIN_JWT_ISSUERS', 'SKEIN_JWT_COOKIE', 'SKEIN_JWT_TOKEN_DAYS']
/** As a number; null: it is none. */
const daysIn = (text: string): number | null => /^\d{1,3}$/.test(text) && Number(text) <= limits.tokenDays ? Number(text) : null

/** What can be said without reading a file. */
export const jwtProblems = (given: Environment): string[] => {
  const set = Object.keys(given).filter(name => name.startsWith('SKEIN_JWT_'))
  const unknown = set.filter(name => !VARIABLES.includes(name)).map(name => `${name} is not a variable of this version.`)
  if (unknown.length > 0) return unknown
  if (given['SKEIN_AUTH'] !== 'jwt') {
    return set.length === 0 ? unknown : [...unknown, `${set[0]} is set, but people do not sign in by JWT: set SKEIN_AUTH=jwt, or unset it.`]
  }
  const cookie = given['SKEIN_JWT_COOKIE']
  if (cookie !== undefined && !/^[\w-]{1,64}$/.test(cookie)) unknown.push('SKEIN_JWT_COOKIE must be the name of a cookie.')
  const days = given['SKEIN_JWT_TOKEN_DAYS']
  if (days !== undefined && daysIn(days) === null) {
    unknown.push(`SKEIN_JWT_TOKEN_DAYS must be the number of days that tokens of these people live at most, 0 (they make none) to ${limits.tokenDays}.`)
  }
  if (given['SKEIN_JWT_ISSUERS'] !== undefined) {
    const both = set.filter(name => !OF_ALL.includes(name))
    return both.length === 0 ? unknown : [...unknown, `SKEIN_JWT_ISSUERS names a file with all issuers, so ${both.join(', ')} must not be set.`]
  }
  const missing = ['SKEIN_JWT_ISSUER', 'SKEIN_JWT_AUDIENCE', 'SKEIN_JWT_ALGORITHMS'].filter(name => given[name] === undefined)
  return missing.length === 0 ? unknown : [...unknown, `${missing.join(', ')} must be set for SKEIN_AUTH=jwt, or SKEIN_JWT_ISSUERS with a file.`]
}

/**
 * For `SKEIN_AUTH=jwt`: reads the files that the environment names.
 * @throws ConfigError with every problem; no line repeats a secret
 */
export const readJwtConfig = async (env: Environment): Promise<JwtConfig> => {
  const given = Object.fromEntries(Object.entries(env).flatMap(([name, value]) => value?.trim() ? [[name, value.trim()]] : []))
  const ofAll = { cookie: given['SKEIN_JWT_COOKIE'] ?? null, tokenDays: daysIn(given['SKEIN_JWT_TOKEN_DAYS'] ?? '') ?? limits.jwtTokenDays }
  const path = given['SKEIN_JWT_ISSUERS']
  if (path === undefined) {
    const read = parse(z.tuple([entry]), [oneIssuer(given)], 'SKEIN_JWT')
    return { issuers: [await issuerOf(read[0], given, 'SKEIN_JWT')], ...ofAll }
  }
  const where = `SKEIN_JWT_ISSUERS (${path})`
  const read = parse(z.array(entry).min(1), parseJson(await readText(path, where), where), where)
  return { issuers: await Promise.all(read.map(each => issuerOf(each, given, where))), ...ofAll }
}

/** The variables in the form of the file. */
const oneIssuer = (given: Environment): unknown => ({
  issuer: given['SKEIN_JWT_ISSUER'],
  audience: words(given['SKEIN_JWT_AUDIENCE'] ?? ''),
  algorithms: words(given['SKEIN_JWT_ALGORITHMS'] ?? ''),
  ...given['SKEIN_JWT_SECRET'] !== undefined && { secretFrom: 'SKEIN_JWT_SECRET' },
  ...given['SKEIN_JWT_PUBLIC_KEY'] !== undefined && { publicKeyFile: given['SKEIN_JWT_PUBLIC_KEY'] },
  ...given['SKEIN_JWT_JWKS_URL'] !== undefined && { jwksUrl: given['SKEIN_JWT_JWKS_URL'] },
  ...given['SKEIN_JWT_SKEW_SECONDS'] !== undefined && { skewSeconds: Number(given['SKEIN_JWT_SKEW_SECONDS']) },
  claims: {
    id: given['SKEIN_JWT_ID_CLAIM'] ?? 'sub', name: given['SKEIN_JWT_NAME_CLAIM'] ?? 'name', scopes: given['SKEIN_JWT_SCOPES_CLAIM'] ?? null,
  },
})

const issuerOf = async (read: Entry, given: Environment, where: string): Promise<JwtIssuer> => {
  const { secretFrom, publicKeyFile, jwksUrl, ...issuer } = read
  const named = [secretFrom, publicKeyFile, jwksUrl].filter(each => each !== undefined)
  if (named.length !== 1) throw new ConfigError([`${where}: ${issuer.issuer} needs exactly one of a secret, a public key and a JWKS URL.`])
  return { ...issuer, key: await keyOf(read, given, where) }
}

const keyOf = async ({ issuer, secretFrom, publicKeyFile, jwksUrl }: Entry, given: Environment, where: string): Promise<JwtKey> => {
  if (jwksUrl !== undefined) return { kind: 'jwks', url: jwksUrl }
  if (publicKeyFile !== undefined) return { kind: 'public-key', pem: await readText(publicKeyFile, where) }
  const secret = given[secretFrom!]
  if (secret === undefined) throw new ConfigError([`${where}: ${issuer} takes its secret from ${secretFrom}, which is not set.`])
  return { kind: 'secret', secret }
}

const readText = (path: string, where: string): Promise<string> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([`${where}: ${path} cannot be read (${error.code ?? 'unknown'}).`])
  })

const parseJson = (text: string, where: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new ConfigError([`${where}: the file is not valid JSON.`])
  }
}

const parse = <T>(schema: z.ZodType<T>, value: unknown, where: string): T => {
  const read = schema.safeParse(value)
  if (read.success) return read.data
  throw new ConfigError(read.error.issues.map(({ path, message }) => `${where}: ${path.slice(1).join('.') || 'the list'}: ${message}.`))
}
