/**
 * Devices: where a person is signed in, how one more is let in, and what is remembered of those that were turned away.
 *
 * A guest's first device is its cookie alone: nothing is stored of it until the list is looked at or another device is added.
 */
import type { UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export interface Device {
  /** The credential that it proves its person by; never the secret itself. */
  id: string
  name: string
  createdAt: number
  /** Noted once in a while. */
  lastSeenAt: number
}

/** Of one kind of person: accounts have sessions, guests have cookies. */
export interface DeviceSessions {
  /** @param name of the device that asks */
  list(who: Principal, name: string): Promise<Device[]>
  /** Turns it away, durably; its connections end. @returns false when the person has no such device */
  end(who: Principal, id: string): Promise<boolean>
  /** Lets a new device of theirs in, confirmed by `credential`. @returns the `Set-Cookie` values that prove it from then on */
  open(person: Pick<Principal, 'id' | 'kind' | 'credential'>, device: { userAgent: string, address: string }, secure: boolean): Promise<string[]>
}

/** Rows of devices, and word of those that were turned away: these clear what they hold when they come back. */
export interface DeviceStore {
  list(user: UserId): Promise<Device[]>
  put(user: UserId, device: Device): Promise<void>
  /** Forgets the row and remembers for as long as a cookie may last that it was turned away. */
  turnAway(user: UserId, id: string, at: number): Promise<void>
  /** Each request asks. */
  wasTurnedAway(id: string): boolean
  /** All rows of somebody who is no more. */
  forget(user: UserId): Promise<void>
}

/** A link that adds a device: made by an old device, asked for by a new one, confirmed on the old one, and then good once. */
export interface DeviceLink {
  /** SHA-256 of the code: it finds the link and opens nothing. */
  id: string
  person: UserId
  kind: 'user' | 'guest'
  /** The person's. */
  name: string
  expiresAt: number
  state: 'open' | 'asked' | 'confirmed' | 'added' | 'refused'
  /** Who asked: hash of what it collects by, its browser, the check that stands on both screens. */
  asked?: { claimHash: string, userAgent: string, check: string }
  /** Credential of the device that confirmed it: when that is good no more, neither is the link. */
  confirmedBy?: string
}

export interface DeviceLinkStore {
  /** @returns the code, told this once. @throws SkeinError `rate-limited` when the person has too many open ones */
  create(person: { id: UserId, kind: 'user' | 'guest', name: string }): Promise<{ code: string, link: DeviceLink }>
  /** Null: there is none, or it was another's. */
  find(id: string, person: UserId): Promise<DeviceLink | null>
  /** @returns what the new device collects by; null when the code is none, too old, or was used */
  ask(code: string, userAgent: string): Promise<{ claim: string, link: DeviceLink } | null>
  /** @returns whether somebody waits for that */
  answer(id: string, who: Pick<Principal, 'id' | 'credential'>, confirmed: boolean): Promise<boolean>
  /** Takes a confirmed link, once. @returns it as it was before; null when the claim is none or the link too old */
  collect(claim: string): Promise<DeviceLink | null>
}
