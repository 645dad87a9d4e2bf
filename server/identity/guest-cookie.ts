/**
 * Identity of guests: a signed cookie that only this server can have written. Nothing is stored; the cookie is the account.
 *
 * `skein_guest=<userId>.<issuedAt>.<signature>`; `issuedAt` in milliseconds since 1970, the signature an HMAC-SHA256 over both under
 * the server's secret, in base64url. HttpOnly: no script can read it. SameSite=Lax: other sites' pages cannot act with it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Credentials, Identity } from './port.ts'
import { guestName } from './guest-name.ts'
import { parseUserId } from '../../shared/ids.ts'
import type { RandomBytes, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export const GUEST_COOKIE = 'skein_guest'
/** 400 days, the longest that browsers keep a cookie; it begins anew whenever the guest is admitted again. */
export const GUEST_COOKIE_SECONDS = 400 * 24 * 60 * 60

export interface GuestCookieOptions {
  secret: Uint8Array
  /** Milliseconds since 1970. */
  now: () => number
  random: RandomBytes
}

/** Guests, and how a browser forgets that it was one. */
export interface GuestIdentity extends Identity {
  dropCookie(secure: boolean): string
}

export const createGuestIdentity = ({ secret, now, random }: GuestCookieOptions): GuestIdentity => {
  const sign = (id: string, issuedAt: string): string =>
    createHmac('sha256', secret).update(`${GUEST_COOKIE}.${id}.${issuedAt}`).digest('base64url')

  const verify = (value: string): UserId | null => {
    const [id = '', issuedAt = '', signature = '', ...rest] = value.split('.')
    if (rest.length > 0 || !/^\d{1,15}$/.test(issuedAt) || !sameText(signature, sign(id, issuedAt))) return null
    return Number(issuedAt) + GUEST_COOKIE_SECONDS * 1000 > now() ? parseUserId(id) : null
  }

  const authenticate = ({ cookie }: Pick<Credentials, 'cookie'>): Principal | null => {
    for (const value of cookieValues(cookie ?? '')) {
      const id = verify(value)
      if (id) return guest(id)
    }
    return null
  }

  const setCookie = (id: UserId, secure: boolean): string => {
    const issuedAt = String(Math.floor(now()))
    const value = `${id}.${issuedAt}.${sign(id, issuedAt)}`
    return `${GUEST_COOKIE}=${value}; Path=/; Max-Age=${GUEST_COOKIE_SECONDS}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  }

  return {
    authenticate: async credentials => authenticate(credentials),
    admitGuest: async (credentials, secure) => {
      const principal = authenticate(credentials) ?? guest(newGuestId(random))
      return { principal, setCookie: setCookie(principal.id, secure) }
    },
    dropCookie: secure => `${GUEST_COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`,
    // Nothing is stored of a guest, so there is nothing that could be taken back.
    onRevoked: () => () => {},
  }
}

const guest = (id: UserId): Principal => ({ kind: 'guest', id, name: guestName(id) })

/** 128 random bits: nobody guesses another's, and none is ever handed out twice. */
const newGuestId = (random: RandomBytes): UserId =>
  parseUserId(`guest-${Buffer.from(random(new Uint8Array(16))).toString('hex')}`)!

/** A browser may send the name twice (another path or domain of the same host): the one that we signed counts. */
const cookieValues = (header: string): string[] =>
  header.split(';').map(pair => pair.trim()).flatMap(pair => pair.startsWith(`${GUEST_COOKIE}=`) ? [pair.slice(GUEST_COOKIE.length + 1)] : [])

/** In a time that does not tell how much of it was right. */
const sameText = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
