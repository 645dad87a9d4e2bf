/** Guests: known again by their cookie, and by nothing that somebody made up. */
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createGuestIdentity, GUEST_COOKIE_SECONDS } from './guest-cookie.ts'
import { parseUserId } from '../../shared/ids.ts'
import { noDevices, nobodyBecameAnybody } from '../../test/rig/no-devices.ts'

const START = Date.UTC(2026, 10, 1)

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)

const setup = ({ secret = 'a' as string, older = [] as string[], now = () => START, overHttps = null as boolean | null } = {}) => {
  let next = 0
  return createGuestIdentity({
    secret: bytesOf(secret), olderSecrets: older.map(bytesOf), now, random: target => target.fill(++next),
    aliases: nobodyBecameAnybody, devices: noDevices, overHttps,
  })
}
const address = '127.0.0.1'
const nobody = { address }
const admit = async (identity = setup(), secure = false) => {
  const { principal, setCookie } = (await identity.admitGuest(nobody, secure))!
  return { principal, setCookie, cookie: setCookie.slice(0, setCookie.indexOf(';')) }
}

describe('a guest', () => {
  test('is known again by the cookie that it got', async () => {
    const identity = setup()
    const { principal, cookie } = await admit(identity)
    expect(await identity.authenticate({ cookie, address })).toEqual(principal)
    expect(principal.kind).toBe('guest')
    expect(parseUserId(principal.id)).toBe(principal.id)
  })

  test('is known after a restart with the same secret', async () => {
    const { principal, cookie } = await admit()
    expect(await setup().authenticate({ cookie, address })).toEqual(principal)
  })

  test('is found among other cookies, and behind one of the same name that is not ours', async () => {
    const { principal, cookie } = await admit()
    expect(await setup().authenticate({ cookie: `theme=dark; skein_guest=x.1.y; ${cookie}; a=b`, address })).toEqual(principal)
  })

  test('keeps its identity when admitted again, with a cookie that lives anew', async () => {
    let now = START
    const identity = setup({ now: () => now })
    const first = await admit(identity)
    now += GUEST_COOKIE_SECONDS * 1000 - 1
    const again = (await identity.admitGuest({ cookie: first.cookie, address }, false))!
    expect(again.principal).toEqual(first.principal)
    now += 2
    expect(await identity.authenticate({ cookie: first.cookie, address })).toBeNull()
    expect(await identity.authenticate({ cookie: again.setCookie, address })).toEqual(first.principal)
  })

  test('gets an id of its own', async () => {
    const identity = setup()
    expect((await admit(identity)).principal.id).not.toBe((await admit(identity)).principal.id)
  })
})

describe('the cookie', () => {
  test('is out of reach of scripts and of other sites, and lives 400 days', async () => {
    const { setCookie, principal } = await admit()
    expect(setCookie).toMatch(new RegExp(`^skein_guest=${principal.id}\\.${START}\\.[A-Za-z0-9_-]{43}; `))
    expect(setCookie.split('; ').slice(1)).toEqual(['Path=/', 'Max-Age=34560000', 'HttpOnly', 'SameSite=Lax'])
  })

  test('never travels in the clear when it was set over https', async () => {
    expect((await admit(setup(), true)).setCookie.split('; ')).toContain('Secure')
  })
})

describe('what proves nobody', () => {
  test.each([
    ['no cookie header', undefined],
    ['an empty header', ''],
    ['another cookie', 'session=1'],
    ['a name that only ends like ours', 'xskein_guest=a.1.b'],
    ['an empty value', 'skein_guest='],
    ['one field', 'skein_guest=abc'],
    ['empty fields', 'skein_guest=..'],
    ['more fields', 'skein_guest=a.1.b.c'],
    ['a signature of other characters', 'skein_guest=a.1.ÿ\u0000€'],
    ['an id that is none', 'skein_guest=../../etc.1.b'],
    ['ten thousand dots', `skein_guest=${'.'.repeat(10_000)}`],
  ])('%s', async (_, cookie) => {
    expect(await setup().authenticate({ cookie, address })).toBeNull()
  })

  test('a cookie signed under another secret', async () => {
    const { cookie } = await admit(setup({ secret: 'b' }))
    expect(await setup().authenticate({ cookie, address })).toBeNull()
  })

  test('a cookie cut short anywhere', async () => {
    const { cookie } = await admit()
    for (let length = 0; length < cookie.length; length++) {
      expect(await setup().authenticate({ cookie: cookie.slice(0, length), address })).toBeNull()
    }
  })

  test('a cookie with any one character changed', async () => {
    const { cookie } = await admit()
    for (let at = 'skein_guest='.length; at < cookie.length; at++) {
      const other = cookie[at] === '0' ? '1' : '0'
      expect(await setup().authenticate({ cookie: cookie.slice(0, at) + other + cookie.slice(at + 1), address })).toBeNull()
    }
  })

  test("another guest's id with one's own signature", async () => {
    const identity = setup()
    const [mine, other] = [await admit(identity), await admit(identity)]
    expect(await identity.authenticate({ cookie: mine.cookie.replace(mine.principal.id, other.principal.id), address })).toBeNull()
  })

  test('dots moved between the fields: what is signed has one reading', async () => {
    const { cookie } = await admit()
    const [name, value] = cookie.split('=') as [string, string]
    const [id, issuedAt, signature] = value.split('.') as [string, string, string]
    expect(await setup().authenticate({ cookie: `${name}=${id}${issuedAt.slice(0, 1)}.${issuedAt.slice(1)}.${signature}`, address })).toBeNull()
  })

  test('a signed text whose id is not one of a user', async () => {
    const sign = (text: string) => createHmac('sha256', 'a').update(`skein_guest.${text}`).digest('base64url')
    expect(await setup().authenticate({ cookie: `skein_guest=ok.${START}.${sign(`ok.${START}`)}`, address })).not.toBeNull()
    expect(await setup().authenticate({ cookie: `skein_guest=a b.${START}.${sign(`a b.${START}`)}`, address })).toBeNull()
    expect(await setup().authenticate({ cookie: `skein_guest=.${START}.${sign(`.${START}`)}`, address })).toBeNull()
  })
})

describe('a rotated secret', () => {
  test('leaves guests who they are, and signs what they get from then on', async () => {
    const { principal, cookie } = await admit(setup({ secret: 'old' }))
    const rotated = setup({ secret: 'new', older: ['old'] })
    expect(await rotated.authenticate({ cookie, address })).toEqual(principal)
    const again = (await rotated.admitGuest({ cookie, address }, false))!
    expect(again.principal).toEqual(principal)
    expect(await setup({ secret: 'new' }).authenticate({ cookie: again.setCookie.split(';')[0]!, address })).toMatchObject({ id: principal.id })
    expect(await setup({ secret: 'new' }).authenticate({ cookie, address })).toBeNull()
  })

  test('and what was signed with the secret itself, before there was a key for each purpose, still counts', async () => {
    const id = `guest-${'7'.repeat(32)}`
    const signature = createHmac('sha256', 'old').update(`skein_guest.${id}.${START}`).digest('base64url')
    const cookie = `skein_guest=${id}.${START}.${signature}`
    expect(await setup({ secret: 'old' }).authenticate({ cookie, address })).toMatchObject({ id })
    expect(await setup({ secret: 'new', older: ['old'] }).authenticate({ cookie, address })).toMatchObject({ id })
    expect(await setup({ secret: 'new' }).authenticate({ cookie, address })).toBeNull()
  })
})

describe('over https', () => {
  test('the cookie has a name that no other host can plant, and comes before one that could be planted', async () => {
    const identity = setup()
    const [planted, own] = [await admit(identity), await admit(identity, true)]
    expect(own.setCookie).toMatch(/^__Host-skein_guest=[^;]+; Path=\/; Max-Age=34560000; HttpOnly; SameSite=Lax; Secure$/)
    expect(await identity.authenticate({ cookie: `${planted.cookie}; ${own.cookie}`, address })).toEqual(own.principal)
  })

  test('alone, a cookie that another host can have planted is nobody, where there is no other too', async () => {
    const identity = setup({ overHttps: true })
    const { cookie, principal } = await admit(identity, true)
    expect(await identity.authenticate({ cookie, address })).toEqual(principal)
    expect(await identity.authenticate({ cookie: cookie.slice('__Host-'.length), address })).toBeNull()
    const { cookie: planted } = await admit(identity, false)
    expect((await identity.admitGuest({ cookie: planted, address }, true))!.principal.id).not.toBe(planted.split(/[=.]/)[1])
  })
})
