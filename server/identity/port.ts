/** Identity: who a request comes from. */
import type { Hono } from 'hono'
import type { DeviceSessions } from './devices-port.ts'
import type { Leaving } from './deletion-port.ts'
import type { BotId, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

/** What a request brings to prove who it comes from; secrets, so never part of a log line. */
export interface Credentials {
  /** The `Cookie` header. */
  cookie?: string | undefined
  /** The `Authorization` header. */
  authorization?: string | undefined
  /** From the subprotocol `skein.ticket.<t>`, or `?ticket=`. */
  ticket?: string | undefined
  /** Who called, as far as trusted proxies say. */
  address: string
  /** The `Origin` header. */
  origin?: string | undefined
}

/** What no longer proves anybody: one credential, or all of a person's. */
export type Revocation = { credential: string } | { user: UserId }

/** A bot that is called otherwise from now on. */
export interface Renamed {
  bot: BotId
  name: string
}

/** Ends what is kept of these ids of one person that lets somebody in as them, or into what is theirs; resolves when that is durable. */
export type TakenOver = (ids: readonly UserId[]) => Promise<void>

export interface Identity {
  /** Null: nobody that is known here. Never rejects because of what the credentials hold. */
  authenticate(credentials: Credentials): Promise<Principal | null>
  /**
   * The guest that these credentials prove, else a new one, with the `Set-Cookie` value that proves it from then on; asked once a page,
   * so that who comes back stays who they are. Null where guests are not a thing (`none`).
   * @param secure the page came over https, and the cookie must never travel otherwise
   */
  admitGuest(credentials: Credentials, secure: boolean): Promise<{ principal: Principal, setCookie: string } | null>
  /**
   * Tells of what is revoked as soon as `authenticate` no longer takes it: its sockets and streams end at once.
   * @returns takes the listener off
   */
  onRevoked(listener: (gone: Revocation) => void): () => void
  /**
   * Tells of bots that were renamed: what is open by one goes on under the new name. Absent where there are none.
   * @returns takes the listener off
   */
  onRenamed?(listener: (renamed: Renamed) => void): () => void
  /**
   * Looks every so often whether somebody else than this process ended what proves these, and tells of it like of all that is revoked.
   * Absent where nobody else can.
   * @param held whom something is open by
   * @returns ends it
   */
  watch?(held: () => Iterable<Principal>): () => void
  /**
   * Who this is now, asked when something else than its own credentials stands for a principal, such as a token that it made: with today's
   * name and aliases. Null: the person, or the `credential` that the principal names, is no longer good. Absent: nothing of it changes.
   */
  renew?(principal: Principal): Promise<Principal | null>
  /**
   * Whoever keeps what lets others in as a person says here how that ends, when the account turns out to be somebody else's than of who had
   * it until now. Absent where that cannot happen.
   */
  onTakenOver?(end: TakenOver): void
  /** Where people are signed in; absent where nobody signs in. */
  readonly devices?: DeviceSessions
  /** People who leave for good; absent where nobody signs in. */
  readonly leaving?: Leaving
  /** What an admin of the server does to people; absent where there are none. */
  readonly admin?: {
    /** Null: these prove no admin, in person. */
    admit(credentials: Credentials): Promise<Principal | null>
    /** The person of this id, with all that they were; null: there is none. */
    find(id: string): Promise<Principal | null>
  }
  /**
   * Why this credential no longer proves this user; null: it does, or nobody knows. Told to whoever names it, so that a browser whose
   * cookie was replaced learns it: what it names was told to it alone.
   */
  whatBecameOf?(user: string, credential: string): Promise<'became' | 'removed' | 'deleted' | null>
  /** The longest that a token of its people may live, whatever it was made with; absent: as long as any. 0: they make none. */
  readonly tokenDays?: number
  /** What an adapter serves itself, mounted under `/api/auth`: with it people can make accounts and sign in here. */
  routes?(): Hono
}

/** A method that the port gets is asked for by the compiler where identities are wrapped: none can be forgotten there. */
type Parts = { [Name in keyof Required<Identity>]: Identity[Name] | undefined }

/** An identity in another one: what the outer one does not do itself the inner one does, as far as it does. */
export const wrapped = (inner: Identity, own: Partial<Identity>): Identity => {
  const parts: Parts = {
    authenticate: inner.authenticate.bind(inner),
    admitGuest: inner.admitGuest.bind(inner),
    onRevoked: inner.onRevoked.bind(inner),
    onRenamed: inner.onRenamed?.bind(inner),
    watch: inner.watch?.bind(inner),
    renew: inner.renew?.bind(inner),
    onTakenOver: inner.onTakenOver?.bind(inner),
    devices: inner.devices,
    admin: inner.admin,
    leaving: inner.leaving,
    tokenDays: inner.tokenDays,
    whatBecameOf: inner.whatBecameOf?.bind(inner),
    routes: inner.routes?.bind(inner),
    ...own,
  }
  for (const name of Object.keys(parts) as (keyof Parts)[]) if (parts[name] === undefined) delete (parts as Partial<Parts>)[name]
  return parts as Identity
}
