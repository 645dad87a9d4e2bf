/** One request to the routes of accounts: who calls, under which name of ours, with which session. */
import type { ServerResponse } from 'node:http'
import type { Context } from 'hono'
import * as z from 'zod/mini'
import { SkeinError } from '../../../shared/errors.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import { parseUserId } from '../../../shared/ids.ts'
import type { UserId } from '../../../shared/ids.ts'
import type { AuditEvent, AuditEventName } from '../../telemetry/port.ts'
import type { Accounts } from './accounts.ts'
import { ADDRESS_HEADER } from './engine.ts'
import type { Engine } from './engine.ts'
import { translate } from './failures.ts'
import { provenAt } from './sessions.ts'
import type { SignedInAccount } from './sessions.ts'

const { localeError } = z.locales.en()
const HOUR = 3_600_000

/** Answers one request. */
export type Handler = (visit: Visit) => Promise<Response>
export type Routes = (on: (method: 'get' | 'post' | 'patch' | 'delete', path: string, handler: Handler) => void, accounts: Accounts) => void

export class Visit {
  readonly c: Context
  readonly accounts: Accounts
  readonly address: string
  /** `https://host` that the visitor sees in the address bar. */
  readonly origin: string
  /** Milliseconds since 1970. */
  readonly begunAt: number

  constructor(accounts: Accounts, c: Context) {
    const { publicOrigin, callerOf } = accounts.options
    const { address, secure, host } = callerOf(c)
    const origin = publicOrigin ?? URL.parse(`${secure ? 'https' : 'http'}://${host ?? ''}`)?.origin
    if (!origin) throw new SkeinError('invalid-request', 'The request names no host, so nothing was done.')
    this.begunAt = accounts.options.now()
    this.accounts = accounts
    this.c = c
    this.address = address
    this.origin = origin
  }

  get secure(): boolean {
    return this.origin.startsWith('https:')
  }

  get engine(): Engine {
    return this.accounts.engine(this.origin)
  }

  get cookie(): string {
    return this.c.req.header('cookie') ?? ''
  }

  /** What better-auth gets to see of the request: no header of the caller's but these. */
  get headers(): Headers {
    return new Headers({
      cookie: this.cookie, 'user-agent': (this.c.req.header('user-agent') ?? '').slice(0, 300), origin: this.origin, [ADDRESS_HEADER]: this.address,
    })
  }

  /** The session that the request proves. @throws SkeinError when it proves none */
  async session(): Promise<SignedInAccount> {
    const found = await this.accounts.sessions.find(this.cookie)
    if (!found) throw new SkeinError('unauthenticated')
    return found
  }

  /** After something was added to the account by a session that may have ended meanwhile. @returns false: it is to be taken back */
  isStill({ session: { id } }: SignedInAccount): Promise<boolean> {
    return this.accounts.sessions.isStill(id)
  }

  /** One whose person showed lately who they are, for what decides who gets into the account. @throws SkeinError */
  async freshSession(): Promise<SignedInAccount> {
    const found = await this.session()
    if (this.accounts.options.now() - provenAt(found.session) > limits.freshSessionHours * HOUR) throw new SkeinError('sign-in-again')
    return found
  }

  /** @throws SkeinError `not-found` to everybody else, as if there were no such route */
  async admin(): Promise<SignedInAccount> {
    const found = await this.accounts.sessions.find(this.cookie)
    if (found?.user.role !== 'admin') throw new SkeinError('not-found')
    return found
  }

  /** The JSON body. @throws SkeinError that says what is wrong with which field, without a value: it may be a password */
  async body<T>(schema: z.core.$ZodType<T>): Promise<T> {
    const given: unknown = await this.c.req.json().catch(nothingUnlessRefused)
    const read = z.core.safeParse(schema, given, { error: localeError })
    if (read.success) return read.data
    const problems = read.error.issues.slice(0, 8).map(({ path, message, code }) =>
      `${path.join('.') || '(body)'}: ${code === 'unrecognized_keys' ? 'there is a field too many' : message}`)
    throw new SkeinError('invalid-request', `The request does not have the expected form, so nothing was changed. ${problems.join('; ')}`)
  }

  audit(name: AuditEventName, outcome: AuditEvent['outcome'], who: SignedInAccount | null, about?: NonNullable<AuditEvent['about']>): void {
    this.accounts.options.audit(name, {
      outcome, address: this.address, ...who && { principal: idOf(who), credential: who.session.id }, ...about && { about },
    })
  }

  /**
   * Ends a sign-in that better-auth has made: the guest that came becomes the account, before the browser forgets that it was one; a
   * session that the browser had before ends.
   * @param how `password`, `passkey`, or a provider's id
   * @returns null when there was none, or when what it went by was taken back meanwhile
   */
  async welcome(made: Headers, how: string): Promise<SignedInAccount | null> {
    const { sessions, options: { guests, carryOver } } = this.accounts
    const cookies = made.getSetCookie()
    const found = await sessions.find(cookies.map(cookie => cookie.slice(0, cookie.indexOf(';'))).join('; '))
    if (found && (found.user.signedOutAt?.getTime() ?? 0) >= this.begunAt) {
      await sessions.end(found)
      return null
    }
    if (found) {
      const guest = await guests.authenticate({ cookie: this.cookie, address: this.address })
      if (guest?.kind === 'guest') await carryOver(guest.id, { id: idOf(found), name: found.user.name })
      const before = await sessions.find(this.cookie)
      if (before && before.session.id !== found.session.id) await sessions.end(before)
      this.setCookie(guests.dropCookie(this.secure))
      this.audit('signed-in', 'done', found, { how })
    }
    for (const cookie of cookies) this.setCookie(cookie)
    return found
  }

  /** For work whose length would tell something: it is begun when the answer has gone. */
  afterAnswer(work: () => Promise<unknown>): void {
    const begin = (): void => void work().catch((error: unknown) => this.accounts.options.failed('what was to follow an answer did not', error))
    const { outgoing } = (this.c.env ?? {}) as { outgoing?: Pick<ServerResponse, 'once'> }
    if (outgoing) outgoing.once('close', begin)
    else begin()
  }

  setCookie(cookie: string): void {
    this.c.header('Set-Cookie', cookie, { append: true })
  }
}

const idOf = ({ user }: SignedInAccount): UserId => parseUserId(user.id)!

/** What is no JSON is nothing; a body that was not read, since it was too much, says so. */
const nothingUnlessRefused = (error: unknown): null => {
  if (error instanceof SkeinError) throw error
  return null
}

/** What better-auth was asked for; its refusals in our words. */
export const asked = <T>(answer: Promise<T>): Promise<T> => answer.catch(translate)
