/** The HTTP side of the server: the API under `/api`, `/healthz`, and the built app for everything else. */
import { Hono } from 'hono'
import type { Health } from '../../shared/api/schemas.ts'
import { errorTable, SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Timers } from '../../shared/timers.ts'
import type { BotDesk } from '../agents/bot-desk-port.ts'
import type { Directory } from '../directory/port.ts'
import type { Edge } from '../edge/edge.ts'
import { RateLimited } from '../edge/rate-limits.ts'
import type { Tickets } from '../identity/ticket-port.ts'
import type { Tokens } from '../identity/token-port.ts'
import type { CarryOvers } from '../identity/aliases-port.ts'
import type { Bots } from '../identity/bots-port.ts'
import type { DeviceLinkStore } from '../identity/devices-port.ts'
import type { UpdateLog } from '../log/port.ts'
import type { Random } from '../room/lineage.ts'
import type { LiveRoles } from '../room/live-roles.ts'
import type { EventListener, Rooms } from '../room/port.ts'
import type { Proofs } from '../room/proofs.ts'
import type { Audit, Logger, SampledAudit } from '../telemetry/port.ts'
import { createGatekeeper } from './access.ts'
import { batchSyncRoutes } from './batch-sync.ts'
import { botRunRoutes } from './bot-runs.ts'
import { botRoutes } from './bots.ts'
import { callerOf, credentialsOf } from './context.ts'
import { createConversationList } from './conversation-list.ts'
import { conversationRoutes } from './conversations.ts'
import { deviceRoutes } from './devices.ts'
import { EventStreams } from './event-streams.ts'
import { Feed } from './feed.ts'
import { boundedBody, notCached, ownPagesOnly, paced, thisMachineOnly } from './guards.ts'
import { linkRoutes } from './links.ts'
import { memberRoutes } from './members.ts'
import { meRoutes } from './me.ts'
import type { MeOptions } from './me.ts'
import { deletePersonRoute, myDataRoutes } from './my-data.ts'
import type { MyDataOptions } from './my-data.ts'
import { detailFor, problemResponse } from './problem.ts'
import { requestRoutes } from './requests.ts'
import { securityHeaders } from './security-headers.ts'
import { tokenRoutes } from './tokens.ts'
import { staticFiles } from './static-files.ts'
import { InvalidRequest } from './validation.ts'

export interface ApiOptions extends MeOptions {
  tokens: Tokens
  tickets: Tickets
  bots: Bots
  /** Where bots find what they are asked. */
  desk: BotDesk
  roles: Pick<LiveRoles, 'enter'>
  directory: Directory
  log: Pick<UpdateLog, 'ledger' | 'list' | 'read' | 'summaries'>
  rooms: Rooms
  proofs: Proofs
  /** Ends all that goes on with a document that the directory has as deleted, and removes what is stored of it. */
  erase: (name: DocumentName) => Promise<void>
  /** People who take what is theirs, or leave for good; null where nobody signs in. */
  leavers?: Omit<MyDataOptions, 'identity' | 'audit'> | null
  comings?: { carryOvers: Pick<CarryOvers, 'begin'>, deviceLinks: DeviceLinkStore } | null
  /** No accounts: everybody may do everything, under this machine's own name only. */
  openToAll: boolean
  /** Folder of the built app. */
  clientFolder: string
  version: string
  /** Milliseconds since 1970. */
  now: () => number
  random: Pick<Random, 'uuid'>
  timers: Timers
  logger: Logger
  edge: Edge
  audit: Audit
  /** For what one caller can repeat as often as they like. */
  auditSampled: SampledAudit
}

export interface Api {
  app: Hono
  /** To be called with what the rooms made durable: the source of the list feed. */
  feed: EventListener
  /** Ends the open feeds, so that the server can stop. */
  close: () => void
}

/** A server that stops or starts. */
const COME_BACK_SECONDS = 2

export const createApi = (options: ApiOptions): Api => {
  const { identity, comings, directory, log, rooms, proofs, erase, openToAll, now, random, timers, logger } = options
  const { edge, audit, auditSampled } = options
  const gatekeeper = createGatekeeper(directory, openToAll, now)
  const list = createConversationList(directory, log, openToAll)
  const streams = new EventStreams(timers, edge.streamsPerPerson)
  const feed = new Feed({ directory, gatekeeper, list, openToAll, streams, logger })
  const ceaseToListen = directory.onChanged(feed.onMembers)

  const api = new Hono()
  const ownPages = ownPagesOnly(edge, ({ address }, origin, path) =>
    auditSampled(`${address} ${origin}`, 'origin.refused', { outcome: 'refused', address, about: { origin: origin ?? null, path } }))
  api.use(notCached, ownPages, paced(edge), boundedBody(edge, timers))
  api.route('/me', meRoutes(options))
  if (options.leavers) {
    api.route('/me', myDataRoutes({ ...options.leavers, identity, audit }))
    if (identity.admin) api.route('/auth/admin', deletePersonRoute({ ...options.leavers, identity, audit }))
  }
  api.route('/conversations', conversationRoutes({
    identity, directory, gatekeeper, list, rooms, feed, erase, newId: random.uuid, now
  }))
  api.route('/conversations', requestRoutes({ ...options, gatekeeper }))
  api.route('/', memberRoutes({ identity, directory, gatekeeper, audit, now }))
  api.route('/', linkRoutes({ identity, directory, gatekeeper, audit, now }))
  api.route('/sync', batchSyncRoutes({ identity, directory, log, openToAll, logger }))
  api.route('/', tokenRoutes({ ...options, gatekeeper }))
  api.route('/bots', botRoutes(options))
  api.route('/bots/runs', botRunRoutes({ ...options, gatekeeper, streams }))
  if (identity.routes) api.route('/auth', identity.routes())
  if (comings && identity.devices) {
    const { carryOvers, deviceLinks: links } = comings
    const sessions = identity.devices
    api.route('/devices', deviceRoutes({ identity, sessions, links, carryOver: carryOvers.begin, edge, now, audit }))
  }
  api.get('/feed', async c => {
    const ticket = c.req.query('ticket')
    const proof = await proofs.enter({ ...credentialsOf(c), ...ticket !== undefined && { ticket } })
    if (!proof) throw new SkeinError('unauthenticated')
    return feed.stream(c, proof)
  })
  api.all('*', () => problemResponse('not-found'))

  const app = new Hono()
  app.onError((error, c) => {
    if (error instanceof InvalidRequest) {
      return problemResponse(error.code, error.message, error.fields.length > 0 ? { fields: error.fields } : {})
    }
    if (error instanceof RateLimited) {
      const { address } = callerOf(c)
      const principal = (c.get('principal' as never) as Principal | undefined)?.id
      auditSampled(address, 'rate.limited', { outcome: 'refused', address, ...principal && { principal }, about: { method: c.req.method } })
      return problemResponse(error.code, error.message, {}, { 'Retry-After': String(error.retryAfter) })
    }
    if (error instanceof SkeinError && error.code !== 'internal') {
      if (errorTable[error.code].status >= 500) logger.warn({ code: error.code, method: c.req.method, err: error }, 'request failed')
      const response = problemResponse(error.code, detailFor(error, c.req))
      const retryAfter = 'retryAfter' in error ? error.retryAfter : error.code === 'unavailable' ? COME_BACK_SECONDS : null
      if (retryAfter !== null) response.headers.set('Retry-After', String(retryAfter))
      return response
    }
    const id = random.uuid()
    logger.error({ incident: id, method: c.req.method, err: error }, 'unexpected error in a request')
    return problemResponse('internal', `${errorTable.internal.message} The operator finds it in the log under ${id}.`, { instance: `urn:uuid:${id}` })
  })
  app.use(securityHeaders(edge))
  if (openToAll) app.use(thisMachineOnly)
  app.get('/healthz', c => c.json({ status: 'ok', version: options.version } satisfies Health))
  app.route('/api', api)
  app.all('/sync/*', () => problemResponse('not-found', 'Documents are synchronised over a WebSocket under this address.'))
  app.use(staticFiles(options.clientFolder))
  app.notFound(() => problemResponse('not-found'))

  return { app, feed: feed.onEvents, close: () => {
    ceaseToListen()
    streams.close()
  } }
}
