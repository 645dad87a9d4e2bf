/** What every request and answer has to be like, whatever its route: where it may come from, what a browser may do with it. */
import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { SkeinError } from '../../shared/errors.ts'
import { isLoopbackHost, isSameOrigin } from '../../shared/api/origin.ts'
import { routes } from '../../shared/api/routes.ts'
import { limits } from '../../shared/limits.ts'
import { problemResponse } from './problem.ts'
import { InvalidRequest } from './validation.ts'

const contentSecurityPolicy = [
  "default-src 'self'",
  "img-src 'self' data: blob:",
  // The app sets a few measures by style attributes; styles cannot run anything.
  "style-src 'self' 'unsafe-inline'",
  // Some browsers do not take 'self' for the WebSocket of the same host.
  "connect-src 'self' ws: wss:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

export const securityHeaders: MiddlewareHandler = async (c, next) => {
  await next()
  c.header('Content-Security-Policy', contentSecurityPolicy)
  c.header('X-Content-Type-Options', 'nosniff')
  // Paths hold conversations' ids and invitations' secrets. (`no-referrer` would also make browsers send `Origin: null`.)
  c.header('Referrer-Policy', 'same-origin')
  c.header('Cross-Origin-Opener-Policy', 'same-origin')
  c.header('Cross-Origin-Resource-Policy', 'same-origin')
}

/** Answers of the API are one person's, at one moment. */
export const notCached: MiddlewareHandler = async (c, next) => {
  await next()
  if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store')
}

/** Changes are taken from our own pages and from programs, not from others' pages: not by a form, not by a script. */
export const ownPagesOnly: MiddlewareHandler = async (c, next) => {
  // A picture or a frame on another site's page asks without an Origin; browsers say so here.
  if (c.req.header('sec-fetch-site') === 'cross-site') {
    throw new SkeinError('not-allowed', 'The request comes from a page of another site, so nothing was done.')
  }
  if (!['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)) {
    if (!isSameOrigin(c.req.header('origin'), hostOf(c.req))) {
      throw new SkeinError('not-allowed', 'The request comes from a page of another site, so nothing was changed.')
    }
    // Without a body there is nothing that a form could smuggle in, and no form sends a DELETE.
    if (c.req.method !== 'DELETE' && !/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? '')) {
      throw new InvalidRequest('Content-Type must be application/json, so nothing was changed.')
    }
  }
  await next()
}

/** What is longer than its route allows is not read. */
export const boundedBody: MiddlewareHandler = (c, next) => (bodyLimits.get(c.req.path) ?? usualBody)(c, next)

const bodyUpTo = (maxSize: number): MiddlewareHandler => bodyLimit({ maxSize, onError: () => problemResponse('too-large') })
const usualBody = bodyUpTo(limits.apiRequestBytes)
const bodyLimits = new Map([[routes.sync(), bodyUpTo(limits.syncRequestBytes)]])

/** For a server that takes everybody for its one person: only who calls it by this machine's own name is served. */
export const thisMachineOnly: MiddlewareHandler = async (c, next) => {
  if (!isLoopbackHost(hostOf(c.req))) {
    throw new SkeinError('not-allowed', 'This server runs without accounts and answers under localhost only. Set SKEIN_AUTH=accounts to use it under another name.')
  }
  await next()
}

const hostOf = (request: { header: (name: string) => string | undefined, url: string }): string =>
  request.header('host') ?? new URL(request.url).host
