/** Sessions: from the cookie to the account, many times a second, and never longer than a moment after a session has ended. */
import { accountLimits as limits } from '../../../shared/limits.ts'
import { cookiePrefix, readSessionTokens, writeSessionCookie } from './session-cookie.ts'
import type { Engine } from './engine.ts'

type Found = NonNullable<Awaited<ReturnType<Awaited<Engine['$context']>['internalAdapter']['findSession']>>>

/** better-auth does not know our own columns in its types. */
export interface SignedInAccount {
  session: Found['session'] & { lastSeenAt?: Date | null, provenAt?: Date | null }
  user: Found['user'] & { role: 'admin' | 'user', disabledAt?: Date | null, signedOutAt?: Date | null }
}

/** When whoever has the session showed last that they are the person, by more than the session (milliseconds since 1970). */
export const provenAt = ({ createdAt, provenAt }: Pick<SignedInAccount['session'], 'createdAt' | 'provenAt'>): number => (provenAt ?? createdAt).getTime()

export interface SessionsOptions {
  engine: () => Engine['$context']
  secret: string
  /** Those before it: sessions that they signed go on. */
  olderSecrets: readonly string[]
  /** Whether people come by https alone, or never; null: nobody said so, and both kinds of cookies count. */
  overHttps: boolean | null
  now: () => number
  /** A write beside the answer failed. */
  failed: (message: string, error: unknown) => void
}

/**
 * A session that ended in this process is gone from here at once; one that another process ended (a second server on the same Postgres)
 * within this time (milliseconds).
 */
const BELIEVED_MS = 2000
const REMEMBERED = 10_000
const [DAY, MINUTE] = [86_400_000, 60_000]

export class Sessions {
  readonly #options: SessionsOptions
  readonly #known = new Map<string, { found: SignedInAccount, at: number }>()
  /** Rises whenever somebody's proof ended: what was being read at that moment is read again. */
  #generation = 0

  constructor(options: SessionsOptions) {
    this.#options = options
  }

  /** @param cookie the `Cookie` header; null: it proves no session that lives */
  async find(cookie: string): Promise<SignedInAccount | null> {
    for (const token of this.#tokens(cookie)) {
      const found = await this.#look(token)
      if (found) return found
    }
    return null
  }

  /** The cookie that keeps a session going which is in use: it, and the session, last anew. Null: not yet. */
  async renew({ session }: SignedInAccount, secure: boolean): Promise<string | null> {
    const now = this.#options.now()
    if (now - session.updatedAt.getTime() < limits.sessionRenewedAfterHours * 60 * MINUTE) return null
    const { internalAdapter } = await this.#options.engine()
    const lasts = limits.sessionDays * DAY
    await internalAdapter.updateSession(session.token, { expiresAt: new Date(now + lasts), updatedAt: new Date(now) })
    this.#known.delete(session.token)
    return writeSessionCookie(session.token, secure, this.#options.secret, lasts / 1000)
  }

  async end({ session }: SignedInAccount): Promise<void> {
    const { internalAdapter } = await this.#options.engine()
    await internalAdapter.deleteSession(session.token)
  }

  /** Whether there is such a session at this moment, as the store has it: what is remembered here may be a moment old. */
  async isStill(id: string): Promise<boolean> {
    const { adapter } = await this.#options.engine()
    return await adapter.findOne({ model: 'session', where: [{ field: 'id', value: id }] }) !== null
  }

  /** Nobody is taken for who they were a moment ago. */
  forget(): void {
    this.#generation++
    this.#known.clear()
  }

  async #look(token: string): Promise<SignedInAccount | null> {
    const now = this.#options.now()
    const known = this.#known.get(token)
    const found = known && now - known.at < BELIEVED_MS ? known.found : await this.#read(token)
    if (!found || found.user.disabledAt || found.session.expiresAt.getTime() <= now) return null
    this.#noteSeen(found, now)
    return found
  }

  async #read(token: string): Promise<SignedInAccount | null> {
    const { internalAdapter } = await this.#options.engine()
    const [at, generation] = [this.#options.now(), this.#generation]
    const found = await internalAdapter.findSession(token) as SignedInAccount | null
    if (generation !== this.#generation) return this.#read(token)
    this.#known.delete(token)
    if (!found) return null
    if (this.#known.size >= REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(token, { found, at })
    return found
  }

  #noteSeen({ session }: SignedInAccount, now: number): void {
    if (now - (session.lastSeenAt ?? session.createdAt).getTime() < limits.lastSeenMinutes * MINUTE) return
    session.lastSeenAt = new Date(now)
    this.#options.engine()
      .then(({ internalAdapter }) => internalAdapter.updateSession(session.token, { lastSeenAt: session.lastSeenAt }))
      .catch((error: unknown) => this.#options.failed('it was not noted when a session was last seen', error))
  }

  #tokens(cookie: string): string[] {
    const { overHttps, secret, olderSecrets } = this.#options
    if (!cookie.includes(cookiePrefix(false))) return []
    const kinds = overHttps === null ? [true, false] : [overHttps]
    return kinds.flatMap(secure => [secret, ...olderSecrets].flatMap(each => readSessionTokens(cookie, secure, each)))
  }
}
