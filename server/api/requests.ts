/**
 * `/api/conversations/:id/requests`: what people's devices put into a conversation's outbox, for a program that has no document. One route
 * takes every kind of request, in the form in which devices write it, so that a request is the same by whichever way it comes.
 */
import { Hono } from 'hono'
import { IDEMPOTENCY_KEY } from '../../shared/api/schemas.ts'
import type { AcceptedRequest, RequestResult } from '../../shared/api/schemas.ts'
import { request } from '../../shared/conversation/schema.ts'
import { SkeinError } from '../../shared/errors.ts'
import { parseRequestId } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { Identity } from '../identity/port.ts'
import type { UpdateLog } from '../log/port.ts'
import type { LiveRoles } from '../room/live-roles.ts'
import type { Rooms } from '../room/port.ts'
import { readPosted } from '../room/posted-requests.ts'
import type { Gatekeeper } from './access.ts'
import { signedIn } from './context.ts'
import type { SignedIn } from './context.ts'
import { problemResponse } from './problem.ts'
import { InvalidRequest, validate } from './validation.ts'

export interface RequestsOptions {
  identity: Identity
  gatekeeper: Gatekeeper
  roles: Pick<LiveRoles, 'enter'>
  rooms: Rooms
  log: Pick<UpdateLog, 'ledger'>
  /** Milliseconds since 1970. */
  now: () => number
}

export const requestRoutes = ({ identity, gatekeeper, roles, rooms, log, now }: RequestsOptions): Hono<SignedIn> => {
  const app = new Hono<SignedIn>()
  const known = signedIn(identity)

  app.post('/:id/requests', known, async c => {
    const requestId = idIn(c.req.header(IDEMPOTENCY_KEY))
    const asked = validate(request, withTime(readPosted(await c.req.arrayBuffer()), now()))
    const { principal } = c.var
    const { name } = await gatekeeper.enter(c.req.param('id'), principal)
    // Their role may change while the request waits for its turn, as it may for whoever is connected.
    const standing = await roles.enter(name, principal)
    if (!standing) throw new SkeinError('not-found')
    try {
      const posted = { principal, requestId, request: asked, get role() { return standing.role } }
      const { outcome, at, message, runs } = await rooms.use(name, room => room.post(posted))
      if (outcome.status === 'refused') return problemResponse(outcome.code, outcome.reason)
      return c.json({ requestId, outcome, at, ...message && { message }, runs } satisfies AcceptedRequest, 201)
    } finally {
      standing.leave()
    }
  })

  app.get('/:id/requests/:requestId', known, async c => {
    const { name } = await gatekeeper.enter(c.req.param('id'), c.var.principal)
    const requestId = parseRequestId(c.req.param('requestId'))
    const taken = requestId && (await log.ledger(name, [requestId])).get(requestId)
    if (!taken) throw new SkeinError('not-found')
    const result: RequestResult = { requestId, outcome: taken.outcome, at: taken.at }
    return c.json(result)
  })

  return app
}

/** The header's draft writes the key in quotes; without them it is as clear. */
const idIn = (header: string | undefined): RequestId => {
  const id = parseRequestId(header?.replace(/^"(.*)"$/, '$1') ?? '')
  if (id) return id
  const problem = `expected a UUIDv7 in lower case, ${header === undefined ? 'and there is none' : 'and this is another value'}`
  throw new InvalidRequest(
    `Each request names the id that it goes by, so that sending it again does nothing twice. Nothing was changed. ${IDEMPOTENCY_KEY}: ${problem}.`,
    [{ field: IDEMPOTENCY_KEY, problem }],
  )
}

/** Only a device that was offline has something else to say than that it was written now. */
const withTime = (value: unknown, createdAt: number): unknown =>
  typeof value === 'object' && !Array.isArray(value) ? { createdAt, ...value } : value
