/** What the handlers of one request share. */
import type { IncomingMessage } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import { SkeinError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Credentials, Identity } from '../identity/port.ts'

/** Hono's environment of routes behind {@link signedIn}. */
export interface SignedIn {
  Variables: { principal: Principal }
}

/** What the request brings to prove who it comes from. A ticket is for sockets and the feed, where a browser can send no header. */
export const credentialsOf = (c: Context): Credentials => ({
  cookie: c.req.header('cookie'),
  authorization: c.req.header('authorization'),
  origin: c.req.header('origin'),
  address: addressOf(c),
})

/** Who calls: until proxies are trusted, the peer itself. */
export const callerOf = (c: Context): { address: string, secure: boolean, host: string | undefined } =>
  ({ address: addressOf(c), secure: c.req.url.startsWith('https:'), host: c.req.header('host') })

const addressOf = ({ env }: Context): string => (env as { incoming?: IncomingMessage } | undefined)?.incoming?.socket.remoteAddress ?? ''

/** Lets through whom the identity knows; nobody becomes a guest by the way. */
export const signedIn = (identity: Pick<Identity, 'authenticate'>): MiddlewareHandler<SignedIn> => async (c, next) => {
  const principal = await identity.authenticate(credentialsOf(c))
  if (!principal) throw new SkeinError('unauthenticated')
  c.set('principal', principal)
  await next()
}

/** What a person does and no token of theirs may: whatever gives away, or takes, more than the token itself allows. */
export const personOnly: MiddlewareHandler<SignedIn> = async (c, next) => {
  if (c.var.principal.scopes) {
    throw new SkeinError('not-allowed', 'A token or link may not do this, only its person, signed in. Nothing was changed.')
  }
  await next()
}
