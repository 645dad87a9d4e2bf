/** What the handlers of one request share. */
import type { Context, MiddlewareHandler } from 'hono'
import { SkeinError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import { holderOf, isInPerson, isWhollyInPerson } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Caller } from '../edge/caller.ts'
import type { Credentials, Identity } from '../identity/port.ts'

/** Hono's environment of all routes of the API. */
export interface Paced {
  /** Throws when this person calls more often than they may. */
  Variables: { admitPerson?: (id: UserId) => void }
}

/** Hono's environment of routes behind {@link signedIn}. */
export interface SignedIn {
  Variables: Paced['Variables'] & { principal: Principal }
}

/** What the HTTP server puts beside each request. */
export interface CallerEnv {
  caller: Caller
}

/** A request that came by no connection is one of a test: from nowhere, in clear. */
export const callerOf = (c: Context): Caller => {
  const known = (c.env as Partial<CallerEnv> | undefined)?.caller
  if (known) return known
  const { protocol, host } = new URL(c.req.url)
  return { address: 'unknown', secure: protocol === 'https:', host: c.req.header('host') ?? host }
}

/** What the request brings to prove who it comes from. A ticket is for sockets and the feed, where a browser can send no header. */
export const credentialsOf = (c: Context): Credentials => ({
  cookie: c.req.header('cookie'),
  authorization: c.req.header('authorization'),
  origin: c.req.header('origin'),
  address: callerOf(c).address,
})

/** Lets through whom the identity knows; nobody becomes a guest by the way. */
export const signedIn = (identity: Pick<Identity, 'authenticate'>): MiddlewareHandler<SignedIn> => async (c, next) => {
  const principal = await identity.authenticate(credentialsOf(c))
  if (!principal) throw new SkeinError('unauthenticated')
  c.set('principal', principal)
  c.var.admitPerson?.(holderOf(principal).id)
  await next()
}

const inPerson = (isSo: (principal: Principal) => boolean): MiddlewareHandler<SignedIn> => async (c, next) => {
  if (!isSo(c.var.principal)) {
    throw new SkeinError('not-allowed', 'A token or link may not do this, only its person, signed in. Nothing was changed.')
  }
  await next()
}

/** What a person does with a document and no token of theirs may: whatever gives away, or takes, more than the token itself allows. */
export const personOnly = inPerson(isInPerson)

/** The same of what is not about one document: a credential for some documents makes none that is for others. */
export const wholePersonOnly = inPerson(isWhollyInPerson)
