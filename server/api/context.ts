/** What the handlers of one request share. */
import type { MiddlewareHandler } from 'hono'
import { SkeinError } from '../../shared/errors.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Identity } from '../identity/port.ts'

/** Hono's environment of routes behind {@link signedIn}. */
export interface SignedIn {
  Variables: { principal: Principal }
}

/** Lets through whom the identity knows; nobody becomes a guest by the way. */
export const signedIn = (identity: Identity): MiddlewareHandler<SignedIn> => async (c, next) => {
  const principal = await identity.authenticate({ cookie: c.req.header('cookie') })
  if (!principal) throw new SkeinError('unauthenticated')
  c.set('principal', principal)
  await next()
}
