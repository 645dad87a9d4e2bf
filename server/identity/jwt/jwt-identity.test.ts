/** People who show a JWT: who they are here, and which tokens prove nothing. */
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { JWTPayload } from 'jose'
import { forge, jwkOf, keyPair, pemOf, sign, startKeyServer } from '../../../test/rig/jwt-issuer.ts'
import type { KeyServer, Pair } from '../../../test/rig/jwt-issuer.ts'
import { parseUserId } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import type { JwtAlgorithm, JwtIssuer, JwtKey } from '../jwt-port.ts'
import type { Identity } from '../port.ts'
import { createJwtIdentity, jwtUserId } from './jwt-identity.ts'

const START = Date.UTC(2026, 10, 1)
const ISSUER = 'https://id.example.org'
const SECRET = 'a shared secret of more than 32 bytes'

let pairs: Record<Exclude<JwtAlgorithm, 'HS256'>, Pair>
let now: number
let refused: string[]
let failures: unknown[]

beforeAll(() => {
  pairs = { RS256: keyPair('RS256'), ES256: keyPair('ES256'), EdDSA: keyPair('EdDSA') }
})
beforeEach(() => {
  now = START
  refused = []
  failures = []
})

const issuerWith = (key: JwtKey, algorithms: JwtAlgorithm[], more: Partial<JwtIssuer> = {}): JwtIssuer =>
  ({ issuer: ISSUER, audience: ['skein'], algorithms, key, skewSeconds: 30, claims: { id: 'sub', name: 'name', scopes: null }, ...more })
const open = (...issuers: JwtIssuer[]): Identity => createJwtIdentity({
  issuers, cookie: 'app_session', tokenDays: 30, now: () => now, onRefused: (_, address) => refused.push(address), onError: error => failures.push(error),
})
const shared = (more: Partial<JwtIssuer> = {}): Identity => open(issuerWith({ kind: 'secret', secret: SECRET }, ['HS256'], more))
const rsa = (): Identity => open(issuerWith({ kind: 'public-key', pem: pemOf(pairs.RS256) }, ['RS256']))
const claims = (more: JWTPayload = {}): JWTPayload => ({ iss: ISSUER, aud: 'skein', sub: 'ada', name: 'Ada', exp: now / 1000 + 60, ...more })
const ask = (identity: Identity, token: string) => identity.authenticate({ authorization: `Bearer ${token}`, address: '192.0.2.7' })
const signed = (more?: JWTPayload, header?: object): Promise<string> => sign(SECRET, 'HS256', claims(more), header)
const hmac = (key: string | Buffer) => (text: string): string => createHmac('sha256', key).update(text).digest('base64url')

describe('who shows a token of a trusted issuer', () => {
  test.each(['RS256', 'ES256', 'EdDSA'] as const)('is known by %s', async algorithm => {
    const identity = open(issuerWith({ kind: 'public-key', pem: pemOf(pairs[algorithm]) }, [algorithm]))
    expect(await ask(identity, await sign(pairs[algorithm].privateKey, algorithm, claims()))).toMatchObject({ kind: 'user', name: 'Ada' })
  })

  test('is known by HS256, under an id of the issuer and the subject, until it expires, with a credential that is not the token', async () => {
    const token = await signed()
    const principal = (await ask(shared(), token))!
    expect(principal).toEqual({
      kind: 'user', id: jwtUserId(ISSUER, 'ada'), name: 'Ada', vouchedBy: ISSUER, credential: expect.stringMatching(/^jwt-[0-9a-f]{32}$/), expiresAt: now + 90_000,
    })
    expect(parseUserId(principal.id)).toBe(principal.id)
    expect(token).not.toContain(principal.credential!.slice(4))
  })

  test('is known by a cookie where there is no header of the kind, and by nothing else', async () => {
    const identity = shared()
    const cookie = `other=1; app_session=${await signed()}`
    expect(await identity.authenticate({ cookie, address: '' })).not.toBeNull()
    expect(await identity.authenticate({ cookie, authorization: 'Basic eDp5', address: '' })).not.toBeNull()
    expect(await identity.authenticate({ cookie, authorization: 'Bearer x', address: '' })).toBeNull()
    expect(await identity.authenticate({ cookie: cookie.replace('app_session', 'app_session2'), address: '' })).toBeNull()
    expect(await identity.admitGuest({ address: '' }, false)).toBeNull()
  })

  test('has the claims that were chosen for id, name and scopes', async () => {
    const identity = shared({ claims: { id: 'uid', name: 'nick', scopes: 'scope' } })
    const token = await signed({ uid: '42', nick: ' Ada\u202e\n ', scope: 'openid skein:read other:write' })
    expect(await ask(identity, token)).toMatchObject({ id: jwtUserId(ISSUER, '42'), name: 'Ada', scopes: { read: true, write: false } })
    const all = await signed({ uid: '42', scope: ['skein:read', 'skein:write', 'skein:manage'] })
    expect((await ask(identity, all))?.scopes).toEqual({ read: true, write: true, manage: true })
    expect((await ask(identity, await signed({ uid: '42', scope: { 'skein:read': true } })))?.scopes).toEqual({ read: false, write: false })
    expect((await ask(identity, await signed({ uid: '42' })))?.scopes).toEqual({ read: false, write: false })
  })

  test('is somebody by what they made as long as that issuer is trusted here', async () => {
    const principal = (await ask(shared(), await signed()))!
    expect(await shared().renew!(principal)).toEqual(principal)
    expect(await shared({ issuer: 'another' }).renew!(principal)).toBeNull()
  })

  test('has a name of ours when the token tells none', async () => {
    for (const name of [undefined, '', ' \n', 7, null]) {
      expect((await ask(shared(), await signed({ name } as JWTPayload)))?.name).toMatch(/^[A-Z]\w+ [A-Z]\w+$/)
    }
    expect((await ask(shared(), await signed({ name: 'x'.repeat(5000) })))?.name.length).toBeLessThan(100)
  })
})

describe('ids', () => {
  test('of two issuers never meet, whatever the issuers and subjects are, nor those of guests and of the local person', () => {
    const made = [['a', 'b'], ['a"', 'b'], ['a', '"b'], ['a","b', ''], ['', 'a","b'], ['a', 'local'], ['a', 'guest-1'], ['ab', ''], ['', 'ab']]
    const ids = made.map(([issuer, subject]) => jwtUserId(issuer!, subject!))
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^jwt-[\w-]{43}$/)
  })

  test.each([7, null, ['ada'], { sub: 'ada' }, '', true])('are made of text only, not of %j', async sub => {
    expect(await ask(shared(), await signed({ sub } as never))).toBeNull()
  })
})

describe('algorithm confusion', () => {
  test.each<[string, () => Promise<string> | string]>([
    ['HS256 with the public key as the secret', () => forge({ alg: 'HS256' }, claims(), hmac(pemOf(pairs.RS256)))],
    ['HS256 with the public key without its last line end', () => forge({ alg: 'HS256' }, claims(), hmac(pemOf(pairs.RS256).trimEnd()))],
    ['HS256 with the public key in DER', () => forge({ alg: 'HS256' }, claims(), hmac(pairs.RS256.publicKey.export({ type: 'spki', format: 'der' })))],
    ['none', () => forge({ alg: 'none' }, claims(), () => '')],
    ['None', () => forge({ alg: 'None' }, claims(), () => '')],
    ['no algorithm', () => forge({}, claims(), hmac(SECRET))],
    ['two algorithms', () => forge({ alg: ['none', 'RS256'] }, claims(), () => '')],
    ['another one of the same key', () => sign(pairs.RS256.privateKey, 'RS384', claims())],
    ['PS256 of the same key', () => sign(pairs.RS256.privateKey, 'PS256', claims())],
    ['ES256 of a key that is not the issuer\'s', () => sign(pairs.ES256.privateKey, 'ES256', claims())],
    ['a signature of zeros', () => forge({ alg: 'RS256' }, claims(), () => Buffer.alloc(256).toString('base64url'))],
    ['an empty signature', () => forge({ alg: 'RS256' }, claims(), () => '')],
  ])('%s is nobody', async (_, token) => {
    expect(await ask(rsa(), await token())).toBeNull()
    expect(refused).toEqual(['192.0.2.7'])
  })

  test('an elliptic signature of zeros is nobody', async () => {
    const identity = open(issuerWith({ kind: 'public-key', pem: pemOf(pairs.ES256) }, ['ES256']))
    expect(await ask(identity, forge({ alg: 'ES256' }, claims(), () => Buffer.alloc(64).toString('base64url')))).toBeNull()
  })

  test('a key that comes with the token is not looked at: jwk, jku, x5u, x5c', async () => {
    const own = keyPair('RS256')
    const server = await startKeyServer([await jwkOf(own, { kid: 'mine', alg: 'RS256' })])
    for (const header of [{ jwk: await jwkOf(own) }, { jku: server.url, kid: 'mine' }, { x5u: server.url }, { x5c: ['AAAA'] }]) {
      expect(await ask(rsa(), await sign(own.privateKey, 'RS256', claims(), header))).toBeNull()
    }
    expect(server.asked).toBe(0)
    await server.close()
  })

  test('a header that must be understood and is not, and one that says what it is not, are nobody\'s', async () => {
    expect(await ask(shared(), forge({ alg: 'HS256', crit: ['x'], x: 1 }, claims(), hmac(SECRET)))).toBeNull()
    expect(await ask(shared(), forge({ alg: 'HS256', crit: ['b64'], b64: false }, claims(), hmac(SECRET)))).toBeNull()
  })
})

describe('claims', () => {
  test.each<[string, JWTPayload]>([
    ['another issuer', { iss: 'https://evil.example.org' }],
    ['an issuer with a slash more', { iss: `${ISSUER}/` }],
    ['no issuer', { iss: undefined as never }],
    ['another audience', { aud: 'other' }],
    ['no audience', { aud: undefined as never }],
    ['no end', { exp: undefined as never }],
    ['an end in the past', { exp: START / 1000 - 31 }],
    ['an end that is no number', { exp: '9999999999' as never }],
    ['a beginning in the future', { nbf: START / 1000 + 31 }],
    ['no subject', { sub: undefined as never }],
  ])('%s is nobody', async (_, more) => {
    expect(await ask(shared(), await sign(SECRET, 'HS256', JSON.parse(JSON.stringify(claims(more))) as JWTPayload))).toBeNull()
  })

  test('clocks may differ by the skew, and one of several audiences is enough', async () => {
    expect(await ask(shared(), await signed({ exp: START / 1000 - 29, nbf: START / 1000 + 29, aud: ['x', 'skein'] }))).not.toBeNull()
  })

  test('a token is good again and again until it expires, and not after', async () => {
    const token = await signed()
    for (const at of [0, 89_000]) {
      now = START + at
      expect(await ask(shared(), token)).not.toBeNull()
    }
    now = START + 90_000
    expect(await ask(shared(), token)).toBeNull()
  })
})

describe('what is no token', () => {
  test('one cut short anywhere', async () => {
    const token = await signed()
    for (let length = 0; length < token.length; length++) expect(await ask(shared(), token.slice(0, length))).toBeNull()
  })

  test('one with the claims of another', async () => {
    const [header, , signature] = (await signed()).split('.')
    const [, other] = (await signed({ sub: 'bob' })).split('.')
    expect(await ask(shared(), `${header}.${other}.${signature}`)).toBeNull()
  })

  test.each(['a.b.c', '...', 'x', '{}', `${'A'.repeat(20)}.${'A'.repeat(20)}.`, 'eyJhbGciOiJIUzI1NiJ9.bnVsbA.x', 'eyJhbGciOiJIUzI1NiJ9.W10.x'])('%s', async text => {
    expect(await ask(shared(), text)).toBeNull()
  })

  test('one that is longer than any honest one, though it is signed', async () => {
    expect(await ask(shared(), await signed({ more: 'x'.repeat(limits.credentialLength) }))).toBeNull()
  })
})

describe('an issuer is not trusted', () => {
  test.each<[RegExp, () => JwtIssuer]>([
    [/HS256 is for a shared secret/, () => issuerWith({ kind: 'public-key', pem: pemOf(pairs.RS256) }, ['HS256'])],
    [/HS256 is for a shared secret/, () => issuerWith({ kind: 'jwks', url: 'https://id.example.org/keys' }, ['RS256', 'HS256'])],
    [/a shared secret is for HS256 alone/, () => issuerWith({ kind: 'secret', secret: SECRET }, ['HS256', 'RS256'])],
    [/is a key in PEM or JWK form/, () => issuerWith({ kind: 'secret', secret: pemOf(pairs.RS256) }, ['HS256'])],
    [/shorter than 32 bytes/, () => issuerWith({ kind: 'secret', secret: 'short' }, ['HS256'])],
    [/holds a private key/, () => issuerWith(
      { kind: 'public-key', pem: pairs.RS256.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }, ['RS256'])],
    [/holds no public key/, () => issuerWith({ kind: 'public-key', pem: 'hello' }, ['RS256'])],
    [/is one for ES256, but RS256 is set/, () => issuerWith({ kind: 'public-key', pem: pemOf(pairs.ES256) }, ['RS256'])],
    [/no algorithms/, () => issuerWith({ kind: 'secret', secret: SECRET }, [])],
  ])('whose keys and algorithms do not go together: %s', (message, issuer) => {
    expect(() => open(issuer())).toThrow(message)
    try {
      open(issuer())
    } catch (error) {
      expect(String(error)).not.toMatch(/BEGIN|short$/)
    }
  })

  test('twice', () => {
    const one = issuerWith({ kind: 'secret', secret: SECRET }, ['HS256'])
    expect(() => open(one, one)).toThrow(/same name/)
  })
})

test('each of several issuers is held to its own rules: the key of one signs nothing for another', async () => {
  const other = { ...issuerWith({ kind: 'secret', secret: `${SECRET} of another` }, ['HS256'] as JwtAlgorithm[]), issuer: 'other' }
  const identity = open(issuerWith({ kind: 'public-key', pem: pemOf(pairs.RS256) }, ['RS256']), other)
  const theirs = await sign(`${SECRET} of another`, 'HS256', claims({ iss: 'other' }))
  expect((await ask(identity, theirs))?.id).toBe(jwtUserId('other', 'ada'))
  expect(await ask(identity, await sign(`${SECRET} of another`, 'HS256', claims()))).toBeNull()
  expect(await ask(identity, await sign(pairs.RS256.privateKey, 'RS256', claims({ iss: 'other' })))).toBeNull()
})

describe('keys that the issuer changes as it likes', () => {
  let server: KeyServer
  let first: Pair
  let second: Pair
  let identity: Identity

  beforeAll(() => {
    [first, second] = [keyPair('ES256'), keyPair('ES256')]
  })
  beforeEach(async () => {
    server = await startKeyServer([await jwkOf(first, { kid: 'first', alg: 'ES256' })])
    identity = open(issuerWith({ kind: 'jwks', url: server.url }, ['ES256']))
    return () => server.close()
  })
  afterAll(() => server?.close())
  const by = async (pair: Pair, kid: string): Promise<string> => sign(pair.privateKey, 'ES256', claims(), { kid })

  test('are asked for once by many, and not again while they are fresh', async () => {
    const token = await by(first, 'first')
    const all = await Promise.all(Array.from({ length: 20 }, () => ask(identity, token)))
    expect(all.every(principal => principal !== null)).toBe(true)
    expect(server.asked).toBe(1)
    now += 9 * 60_000
    await ask(identity, await by(first, 'first'))
    expect(server.asked).toBe(1)
  })

  test('are asked for again when a token names one that is not known, half a minute after the last time', async () => {
    await ask(identity, await by(first, 'first'))
    server.answer = { keys: [await jwkOf(second, { kid: 'second', alg: 'ES256' })] }
    expect(await ask(identity, await by(second, 'second'))).toBeNull()
    now += 30_000
    expect(await ask(identity, await by(second, 'second'))).not.toBeNull()
    expect(await ask(identity, await by(first, 'first'))).toBeNull()
    expect(server.asked).toBe(2)
  })

  test('are not asked for a thousand times because somebody makes up key ids, such as paths and queries', async () => {
    for (let n = 0; n < 1000; n++) {
      const kid = ['../../dev/null', "' OR 1=1 --", '/etc/passwd', `k${n}`][n % 4]!
      expect(await ask(identity, forge({ alg: 'ES256', kid }, claims(), () => 'AAAA'))).toBeNull()
    }
    expect(server.asked).toBe(1)
  })

  test('are good for a day when the issuer fails, and then it cannot be said who anybody is', async () => {
    await ask(identity, await by(first, 'first'))
    for (const answer of [null, 'no JSON', '{"keys":7}', 'x'.repeat(300 * 1024)]) {
      server.answer = answer
      now += 60 * 60_000
      expect(await ask(identity, await by(first, 'first'))).not.toBeNull()
    }
    expect(failures).toHaveLength(4)
    now += 24 * 60 * 60_000
    await expect(ask(identity, await by(first, 'first'))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('that are not there yet sign nobody out: it is tried again', async () => {
    server.answer = null
    await expect(ask(identity, await by(first, 'first'))).rejects.toMatchObject({ code: 'unavailable' })
    server.answer = { keys: [await jwkOf(first, { kid: 'first' })] }
    now += 30_000
    expect(await ask(identity, await by(first, 'first'))).not.toBeNull()
  })

  test('that are no public keys for signatures are left out: a shared secret, one of another kind, one for encryption', async () => {
    const secret = Buffer.from(SECRET).toString('base64url')
    server.answer = { keys: [
      { kty: 'oct', k: secret, kid: 'shared', alg: 'ES256' }, await jwkOf(pairs.RS256, { kid: 'rsa' }), await jwkOf(first, { kid: 'first', use: 'enc' }), null, 7,
    ] }
    expect(await ask(identity, forge({ alg: 'HS256', kid: 'shared' }, claims(), hmac(SECRET)))).toBeNull()
    expect(await ask(identity, await sign(pairs.RS256.privateKey, 'RS256', claims(), { kid: 'rsa' }))).toBeNull()
    expect(await ask(identity, await by(first, 'first'))).toBeNull()
  })
})
