/** What every request has to be like, whatever its route: where it may come from, how large it may be, how many there may be. */
import type { IncomingMessage } from 'node:http'
import type { MiddlewareHandler } from 'hono'
import { SkeinError } from '../../shared/errors.ts'
import { isLoopbackHost } from '../../shared/api/origin.ts'
import { BOT_REPLY_TYPE } from '../../shared/api/bot-schemas.ts'
import { limits } from '../../shared/limits.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Caller } from '../edge/caller.ts'
import type { Edge } from '../edge/edge.ts'
import type { HeldBody } from '../edge/held-bodies.ts'
import { callerOf } from './context.ts'
import type { Paced } from './context.ts'
import { problemResponse } from './problem.ts'
import { rateKindOf } from './rate-kind.ts'
import { InvalidRequest } from './validation.ts'

/** Answers of the API are one person's, at one moment. */
export const notCached: MiddlewareHandler = async (c, next) => {
  await next()
  if (!c.res.headers.has('Cache-Control')) c.header('Cache-Control', 'no-store')
}

/** Lets only so many calls through a minute: here by the address, behind `signedIn` by the person too. */
export const paced = ({ rateLimits }: Pick<Edge, 'rateLimits'>): MiddlewareHandler<Paced> => async (c, next) => {
  const kind = rateKindOf(c.req.method, c.req.path)
  rateLimits?.admitAddress(kind, callerOf(c).address)
  c.set('admitPerson', id => rateLimits?.admitPerson(kind, id))
  await next()
}

/** Changes are taken from our own pages and from programs, not from others' pages: not by a form, not by a script. */
export const ownPagesOnly = (
  { origins }: Pick<Edge, 'origins'>, onRefused: (caller: Caller, origin: string | undefined, path: string) => void,
): MiddlewareHandler => async (c, next) => {
  const origin = c.req.header('origin')
  const caller = callerOf(c)
  const reads = ['GET', 'HEAD', 'OPTIONS'].includes(c.req.method)
  const refuse = (what: string): never => {
    onRefused(caller, origin, c.req.path)
    throw new SkeinError('not-allowed', `The request comes from a page of another site, so nothing was ${what}.`)
  }
  // A picture or a frame on another site's page asks without an Origin; browsers say so here.
  const site = c.req.header('sec-fetch-site')
  const foreign = site === 'cross-site' || site === 'same-site'
  if (foreign && !origins.isGuestPage(origin) && !isReturnFromSignIn(c.req)) refuse('done')
  if (!reads && !origins.mayUse(origin, caller)) refuse('changed')
  // Without a body there is nothing that a form could smuggle in, and no form sends a DELETE, or this type of text.
  const wanted = bodyOf(c.req.path).type
  const [given = ''] = (c.req.header('content-type') ?? '').toLowerCase().split(/\s*;/)
  if (!reads && c.req.method !== 'DELETE' && given !== wanted) {
    throw new InvalidRequest(`Content-Type must be ${wanted}, so nothing was changed.`)
  }
  if (!origins.isGuestPage(origin)) return next()
  if (c.req.method === 'OPTIONS') return c.body(null, 204, { ...readableBy(origin), ...PREFLIGHT })
  await next()
  for (const [name, value] of Object.entries(readableBy(origin))) c.header(name, value)
}

/** A sign-in elsewhere ends with the browser going from there to us; so does a link in an e-mail. The accounts check what it brings. */
const isReturnFromSignIn = (request: { method: string, path: string, header: (name: string) => string | undefined }): boolean =>
  request.method === 'GET' && request.path.startsWith('/api/auth/') && request.header('sec-fetch-mode') === 'navigate'
  && request.header('sec-fetch-dest') === 'document'

const readableBy = (origin: string) => ({
  'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true', 'Access-Control-Expose-Headers': 'Retry-After', Vary: 'Origin',
})
const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET, POST, PUT, PATCH, DELETE', 'Access-Control-Allow-Headers': 'content-type, authorization, idempotency-key',
  'Access-Control-Max-Age': '600',
}

/**
 * What is longer than its route allows is not read, nor what is too much beside all else that is being read (held-bodies.ts), and nobody
 * waits for the rest of what does not come. A body is read when its route asks for it: when it is known who calls.
 */
export const boundedBody = (
  { bodySeconds, bodies }: Pick<Edge, 'bodySeconds' | 'bodies'>, timers: Timers,
): MiddlewareHandler<Paced> => async (c, next) => {
  const { most } = bodyOf(c.req.path)
  const { body } = c.req.raw
  if (most === null || !body) return next()
  if (Number(c.req.header('content-length') ?? 0) > most) return problemResponse('too-large')
  const { incoming } = (c.env ?? {}) as { incoming?: Pick<IncomingMessage, 'complete' | 'destroy'> }
  const cancel = timers.after(bodySeconds * 1000, () => { if (incoming?.complete === false) incoming.destroy() })
  const ours = bodies.open(callerOf(c).address)
  const { admitPerson } = c.var
  c.set('admitPerson', id => {
    admitPerson?.(id)
    ours.belongsTo(id)
  })
  c.req.raw = new Request(c.req.raw, { body: body.pipeThrough(counted(ours, most)), duplex: 'half' } as RequestInit)
  try {
    await next()
  } finally {
    cancel()
    ours.release()
  }
}

const counted = (body: HeldBody, most: number): TransformStream<Uint8Array, Uint8Array> => {
  let read = 0
  return new TransformStream({
    transform: (chunk, controller) => {
      read += chunk.length
      if (read > most) throw new SkeinError('too-large')
      body.grow(chunk.length)
      controller.enqueue(chunk)
    },
  })
}

/** What the body of a request is written in, and how much of it is read; null: it is read as it grows, by whoever bounds it. */
interface Body {
  type: string
  most: number | null
}

const json = (most: number): Body => ({ type: 'application/json', most })
const usualBody = json(limits.apiRequestBytes)
const unusualBodies: readonly (readonly [path: RegExp, Body])[] = [
  [/^\/api\/sync$/, json(limits.syncRequestBytes)],
  [/^\/api\/conversations\/[^/]+\/requests$/, json(limits.postedRequestBytes)],
  // No further than a message may be long, and no longer than a reply may take.
  [/^\/api\/bots\/runs\/[^/]+\/reply$/, { type: BOT_REPLY_TYPE, most: null }],
]

const bodyOf = (path: string): Body => unusualBodies.find(([pattern]) => pattern.test(path))?.[1] ?? usualBody

/** For a server that takes everybody for its one person: only who calls it by this machine's own name is served. */
export const thisMachineOnly: MiddlewareHandler = async (c, next) => {
  if (!isLoopbackHost(callerOf(c).host)) {
    throw new SkeinError('not-allowed', 'This server runs without accounts and answers under localhost only. Set SKEIN_AUTH=accounts to use it under another name.')
  }
  await next()
}
