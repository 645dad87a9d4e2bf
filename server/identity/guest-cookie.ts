/**
 * Identity of guests: a signed cookie that only this server can have written. Nothing is stored; the cookie is the account.
 *
 * `skein_guest=<userId>.<issuedAt>.<signature>`; `issuedAt` in milliseconds since 1970, the signature an HMAC-SHA256 over both under
 * a key made of the server's secret, in base64url. HttpOnly: no script can read it. SameSite=Lax: other sites' pages cannot act with it.
 * Of a device that was added to a guest's first one the id stands before the signature, which covers it too.
 *
 * A guest who has become somebody else proves nobody any more, and so does a device that was turned away.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Credentials, Identity, Revocation } from './port.ts'
import { GUEST_ID, NOBODY } from './aliases-port.ts'
import type { Aliases } from './aliases-port.ts'
import type { Leaving } from './deletion-port.ts'
import { deriveKey } from './derive-key.ts'
import type { DeviceSessions, DeviceStore } from './devices-port.ts'
import { guestName } from './guest-name.ts'
import { deviceNameOf } from '../../shared/device-name.ts'
import { parseUserId } from '../../shared/ids.ts'
import type { RandomBytes, UserId } from '../../shared/ids.ts'
import { deviceLimits } from '../../shared/limits.ts'
import { idsOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'

const GUEST_COOKIE = 'skein_guest'
/** 400 days, the longest that browsers keep a cookie; it begins anew whenever the guest is admitted again. */
export const GUEST_COOKIE_SECONDS = 400 * 24 * 60 * 60

export interface GuestCookieOptions {
  secret: Uint8Array
  /** Those before it: they sign nothing any more, and what they signed still counts. */
  olderSecrets?: readonly Uint8Array[]
  /** Milliseconds since 1970. */
  now: () => number
  random: RandomBytes
  aliases: Pick<Aliases, 'personOf' | 'aliasesOf' | 'forget'>
  devices: DeviceStore
  /** Whether people come by https alone, or never; null, or left out: nobody said so. */
  overHttps?: boolean | null
}

export interface GuestIdentity extends Identity {
  readonly devices: DeviceSessions
  readonly leaving: Leaving
  /** How a browser forgets that it was a guest. */
  dropCookie(secure: boolean): string
  /** The guest proves nobody any more: what goes on in its name ends. */
  ended(guest: UserId): void
}

/** What a cookie of ours says. `device`: null of the guest's first one. */
interface Proof {
  id: UserId
  device: string | null
}

const HOUR_MS = 60 * 60 * 1000

export const createGuestIdentity = (options: GuestCookieOptions): GuestIdentity => {
  const { secret, olderSecrets = [], now, random, aliases, devices, overHttps = null } = options
  const names = (overHttps === null ? [true, false] : [overHttps]).map(cookieName)
  const listeners = new Set<(gone: Revocation) => void>()
  const tell = (gone: Revocation): void => listeners.forEach(listener => listener(gone))
  const secrets = [secret, ...olderSecrets]
  // Cookies from before there was a key for each purpose were signed with the secret itself.
  const keys = [...secrets.map(each => deriveKey(each, 'guest cookie')), ...secrets]
  const sign = (fields: readonly string[], key = keys[0]!): string =>
    createHmac('sha256', key).update([GUEST_COOKIE, ...fields].join('.')).digest('base64url')
  const hex = (bytes: number): string => Buffer.from(random(new Uint8Array(bytes))).toString('hex')
  /** 128 random bits: nobody guesses another's, and none is ever handed out twice. */
  const newGuestId = (): UserId => parseUserId(`${GUEST_ID}${hex(16)}`)!

  const verify = (value: string): Proof | null => {
    const fields = value.split('.')
    const signature = fields.pop() ?? ''
    const [id = '', issuedAt = '', device = null, ...rest] = fields
    if (rest.length > 0 || !/^\d{1,15}$/.test(issuedAt) || !keys.some(key => sameText(signature, sign(fields, key)))) return null
    const known = Number(issuedAt) + GUEST_COOKIE_SECONDS * 1000 > now() ? parseUserId(id) : null
    return known && { id: known, device }
  }

  /**
   * Told to nobody but the guest. A first device's derives from the guest: there is nothing else of it; and from the oldest secret, so that
   * it stays the same when a new one comes.
   */
  const credentialOf = ({ id, device }: Proof): string => device ?? sign(['device', id], secrets.at(-1)).slice(0, 32)

  const prove = async ({ cookie }: Pick<Credentials, 'cookie'>): Promise<{ proof: Proof, principal: Principal } | null> => {
    for (const value of cookieValues(cookie ?? '', names)) {
      const proof = verify(value)
      if (!proof || devices.wasTurnedAway(credentialOf(proof)) || await aliases.personOf(proof.id) !== null) continue
      return { proof, principal: await principalOf(proof) }
    }
    return null
  }

  const principalOf = async (proof: Proof): Promise<Principal> => {
    const { id } = proof
    const before = await aliases.aliasesOf(id)
    return { kind: 'guest', id, name: guestName(id), credential: credentialOf(proof), ...before.length > 0 && { aliases: before } }
  }

  const setCookie = ({ id, device }: Proof, secure: boolean): string => {
    const fields = [id, String(Math.floor(now())), ...device === null ? [] : [device]]
    return cookie([...fields, sign(fields)].join('.'), GUEST_COOKIE_SECONDS, secure)
  }

  /** Of devices that have a row. */
  const noteSeen = async (user: UserId, credential: string): Promise<void> => {
    const row = (await devices.list(user)).find(({ id }) => id === credential)
    if (row && now() - row.lastSeenAt >= deviceLimits.seenHours * HOUR_MS) await devices.put(user, { ...row, lastSeenAt: now() })
  }

  return {
    authenticate: async credentials => (await prove(credentials))?.principal ?? null,
    admitGuest: async (credentials, secure) => {
      const known = await prove(credentials)
      if (known) await noteSeen(known.principal.id, known.principal.credential!)
      const proof = known?.proof ?? { id: newGuestId(), device: null }
      return { principal: known?.principal ?? await principalOf(proof), setCookie: setCookie(proof, secure) }
    },
    devices: {
      list: async ({ id, credential }, name) => {
        const rows = await devices.list(id)
        if (credential === undefined || rows.some(row => row.id === credential)) return rows
        const own = { id: credential, name, createdAt: now(), lastSeenAt: now() }
        await devices.put(id, own)
        return [...rows, own]
      },
      end: async ({ id: user }, id) => {
        if (!(await devices.list(user)).some(row => row.id === id)) return false
        await devices.turnAway(user, id, now())
        tell({ credential: id })
        return true
      },
      open: async ({ id }, { userAgent }, secure) => {
        const device = hex(16)
        await devices.put(id, { id: device, name: deviceNameOf(userAgent), createdAt: now(), lastSeenAt: now() })
        return [setCookie({ id, device }, secure)]
      },
    },
    leaving: {
      about: async who => (await Promise.all(idsOf(who).map(devices.list))).flat().map(device => ({ kind: 'device', ...device })),
      // There is nothing that a guest knows and their browser does not.
      confirm: async () => {},
      forget: async (person, ids) => {
        await aliases.forget(person, ids)
        for (const id of ids) await devices.forget(id)
        for (const id of ids) tell({ user: id })
      },
    },
    renew: async principal => {
      const { id, credential } = principal
      if (credential !== undefined && devices.wasTurnedAway(credential)) return null
      return await aliases.personOf(id) === null ? principal : null
    },
    whatBecameOf: async (user, credential) => {
      if (devices.wasTurnedAway(credential)) return 'removed'
      const id = parseUserId(user)
      const person = id && await aliases.personOf(id)
      if (!id || person === null) return null
      // No credential of theirs is known any more, and that they are gone is no secret: what they said stands under "Deleted account".
      if (person === NOBODY) return 'deleted'
      const isFirst = sameText(credential, credentialOf({ id, device: null }))
      return isFirst || (await devices.list(id)).some(row => row.id === credential) ? 'became' : null
    },
    dropCookie: secure => cookie('', 0, secure),
    ended: user => tell({ user }),
    onRevoked: listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

const cookie = (value: string, seconds: number, secure: boolean): string =>
  `${cookieName(secure)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`

/** With this prefix no other host of the domain can plant one, nor can a page that came in clear: where all is https no other counts. */
const cookieName = (secure: boolean): string => secure ? `__Host-${GUEST_COOKIE}` : GUEST_COOKIE

/** A browser may send a name twice (another path or domain of the same host): the one that we signed counts. */
const cookieValues = (header: string, names: readonly string[]): string[] => {
  const pairs = header.split(';').map(pair => pair.trim())
  return names.flatMap(name => pairs.flatMap(pair => pair.startsWith(`${name}=`) ? [pair.slice(name.length + 1)] : []))
}

/** In a time that does not tell how much of it was right. */
const sameText = (given: string, expected: string): boolean => {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
