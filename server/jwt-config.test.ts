/** The issuers of JWTs from the environment or a file, and what is refused. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from './config-error.ts'
import { jwtProblems, readJwtConfig } from './jwt-config.ts'
import { limits } from '../shared/limits.ts'

let folder: string
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}
const problemsOf = async (env: Record<string, string>): Promise<string[]> => {
  try {
    await readJwtConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
  }
  throw new Error('it was taken')
}
const one = { SKEIN_JWT_ISSUER: 'https://id.example.org', SKEIN_JWT_AUDIENCE: 'skein, other', SKEIN_JWT_ALGORITHMS: 'RS256' }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skein-jwt-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('one issuer is set by variables', () => {
  test('with a set of keys, and what is usual', async () => {
    expect(await readJwtConfig({ ...one, SKEIN_JWT_JWKS_URL: 'https://id.example.org/keys' })).toEqual({
      cookie: null, tokenDays: limits.jwtTokenDays,
      issuers: [{
        issuer: 'https://id.example.org', audience: ['skein', 'other'], algorithms: ['RS256'], skewSeconds: 30,
        key: { kind: 'jwks', url: 'https://id.example.org/keys' }, claims: { id: 'sub', name: 'name', scopes: null },
      }],
    })
  })

  test('with a shared secret, a cookie, and claims of its own', async () => {
    const config = await readJwtConfig({
      ...one, SKEIN_JWT_ALGORITHMS: 'HS256', SKEIN_JWT_SECRET: 's', SKEIN_JWT_COOKIE: 'app', SKEIN_JWT_SKEW_SECONDS: '5',
      SKEIN_JWT_ID_CLAIM: 'uid', SKEIN_JWT_NAME_CLAIM: 'nick', SKEIN_JWT_SCOPES_CLAIM: 'scope',
    })
    expect(config).toMatchObject({
      cookie: 'app', issuers: [{ key: { kind: 'secret', secret: 's' }, skewSeconds: 5, claims: { id: 'uid', name: 'nick', scopes: 'scope' } }],
    })
  })

  test('with a public key in a file', async () => {
    const pem = await file('key.pem', 'a key')
    expect((await readJwtConfig({ ...one, SKEIN_JWT_PUBLIC_KEY: pem })).issuers[0]?.key).toEqual({ kind: 'public-key', pem: 'a key' })
  })
})

test('several issuers stand in a file, their secrets in the environment', async () => {
  const path = await file('issuers.json', JSON.stringify([
    { issuer: 'a', audience: ['skein'], algorithms: ['RS256'], jwksUrl: 'http://127.0.0.1:1/keys' },
    { issuer: 'b', audience: ['skein'], algorithms: ['HS256'], secretFrom: 'B_SECRET', claims: { id: 'uid' } },
  ]))
  expect((await readJwtConfig({ SKEIN_JWT_ISSUERS: path, B_SECRET: 's' })).issuers).toMatchObject([
    { issuer: 'a', claims: { id: 'sub' } }, { issuer: 'b', key: { kind: 'secret', secret: 's' }, claims: { id: 'uid', name: 'name', scopes: null } },
  ])
  expect(await problemsOf({ SKEIN_JWT_ISSUERS: path })).toEqual([expect.stringMatching(/b takes its secret from B_SECRET, which is not set/)])
})

describe('what is refused, in one line each that repeats no secret', () => {
  test.each<[Record<string, string>, RegExp]>([
    [{}, /needs exactly one of/],
    [{ SKEIN_JWT_SECRET: 'S3CRET', SKEIN_JWT_JWKS_URL: 'https://id.example.org/keys' }, /needs exactly one of/],
    [{ SKEIN_JWT_JWKS_URL: 'http://id.example.org/keys' }, /jwksUrl: must be an https URL/],
    [{ SKEIN_JWT_JWKS_URL: 'file:///etc/passwd' }, /jwksUrl: must be an https URL/],
    [{ SKEIN_JWT_ALGORITHMS: 'none', SKEIN_JWT_SECRET: 'S3CRET' }, /algorithms.*must be of: HS256, RS256, ES256, EdDSA/],
    [{ SKEIN_JWT_SKEW_SECONDS: 'S3CRET', SKEIN_JWT_SECRET: 'S3CRET' }, /skewSeconds/],
    [{ SKEIN_JWT_SKEW_SECONDS: '86400', SKEIN_JWT_SECRET: 'S3CRET' }, /skewSeconds/],
    [{ SKEIN_JWT_PUBLIC_KEY: '/nonexistent' }, /\/nonexistent cannot be read \(ENOENT\)/],
  ])('%j', async (env, line) => {
    const problems = await problemsOf({ ...one, ...env })
    expect(problems).toEqual([expect.stringMatching(line)])
    expect(problems.join()).not.toContain('S3CRET')
  })

  test('a file that is no JSON, no list, or holds secrets', async () => {
    const entry = { issuer: 'a', audience: ['skein'], algorithms: ['HS256'], secret: 'S3CRET' }
    for (const [text, line] of [['{', /not valid JSON/], ['{}', /the list/], ['[]', /the list/], [JSON.stringify([entry]), /secret/]] as const) {
      const problems = await problemsOf({ SKEIN_JWT_ISSUERS: await file('issuers.json', text) })
      expect(problems).toEqual([expect.stringMatching(line)])
      expect(problems.join()).not.toContain('S3CRET')
    }
  })
})

describe('how long tokens of these people live', () => {
  test.each([['0', 0], ['7', 7], [String(limits.tokenDays), limits.tokenDays]])('is what is set: %s', async (text, days) => {
    expect(await readJwtConfig({ ...one, SKEIN_JWT_JWKS_URL: 'https://id.example.org/keys', SKEIN_JWT_TOKEN_DAYS: text })).toMatchObject({ tokenDays: days })
  })

  test.each(['-1', '1.5', 'x', String(limits.tokenDays + 1)])('is not %s', text => {
    const problems = jwtProblems({ ...one, SKEIN_AUTH: 'jwt', SKEIN_JWT_JWKS_URL: 'https://id.example.org/keys', SKEIN_JWT_TOKEN_DAYS: text })
    expect(problems).toEqual([expect.stringMatching(/^SKEIN_JWT_TOKEN_DAYS must be the number of days .* 366\.$/)])
  })

  test('may be said beside a file of issuers', () => {
    expect(jwtProblems({ SKEIN_AUTH: 'jwt', SKEIN_JWT_ISSUERS: 'issuers.json', SKEIN_JWT_TOKEN_DAYS: '7' })).toEqual([])
  })
})
