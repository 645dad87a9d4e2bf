/** Puts the parts together over the ports it is given: rooms, sync server, agents, HTTP. `main.ts` chooses the adapters. */
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createServer as createTlsServer, Server as TlsServer } from 'node:https'
import type { ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { EventListener } from './room/port.ts'
import { enrolment } from './room/access.ts'
import { createBudgets } from './room/budget.ts'
import { foldInWorkers } from './room/fold.ts'
import { withLinkReaders } from './room/link-readers.ts'
import { LiveRoles } from './room/live-roles.ts'
import { Proofs } from './room/proofs.ts'
import { createRoster } from './room/roster.ts'
import { RoomRegistry } from './room/rooms.ts'
import type { Random } from './room/lineage.ts'
import type { SquashLimits } from './room/squash.ts'
import { oneATurn } from './room/turns.ts'
import { SyncServer } from './connection/sync-server.ts'
import { RunDesk } from './agents/bot-desk.ts'
import { createDriver } from './agents/driver.ts'
import { createProcessLeases } from './agents/leases.ts'
import type { RunLeases } from './agents/leases.ts'
import type { ModelBudget } from './agents/model-budget.ts'
import type { AgentRegistry } from './agents/port.ts'
import type { ServerFiles } from './agents/server-files.ts'
import { serverLimits } from '../shared/limits.ts'
import type { ServerLimits } from '../shared/limits.ts'
import type { DocumentName } from '../shared/ids.ts'
import type { Timers } from '../shared/timers.ts'
import { AnswersUnderWay } from './answers-under-way.ts'
import { botsOfWriters } from './bots-of-writers.ts'
import { createApi } from './api/api.ts'
import type { CallerEnv } from './api/context.ts'
import { plainEdge } from './edge/config.ts'
import type { EdgeConfig } from './edge/config.ts'
import type { Certificate } from './edge/certificate.ts'
import { createEdge } from './edge/edge.ts'
import { StalledSockets } from './edge/stalled-sockets.ts'
import { createErasure } from './erasure.ts'
import { createDeletions } from './person-deletion.ts'
import { createPersonExport } from './person-export.ts'
import { createLinkEnding } from './taken-over.ts'
import type { Directory } from './directory/port.ts'
import type { CarryOvers } from './identity/aliases-port.ts'
import type { Bots } from './identity/bots-port.ts'
import type { DeletionStore } from './identity/deletion-port.ts'
import type { DeviceLinkStore } from './identity/devices-port.ts'
import type { Identity } from './identity/port.ts'
import type { Tickets } from './identity/ticket-port.ts'
import type { Tokens } from './identity/token-port.ts'
import type { UpdateLog } from './log/port.ts'
import { createAudit, createSampledAudit } from './telemetry/audit.ts'
import type { Logger } from './telemetry/port.ts'
import type { Tracing } from './telemetry/tracing-port.ts'

export interface Adapters {
  log: UpdateLog
  directory: Directory
  identity: Identity
  tokens: Tokens
  tickets: Tickets
  bots: Bots
  agents: AgentRegistry
  logger: Logger
  now: () => number
  timers: Timers
  random: Random
  /** Who may work on an agent's run: {@link createProcessLeases} when left out, which is right for one process. */
  leases?: RunLeases
  /** Where runs are traced; nowhere when left out. */
  tracing?: Tracing | null
  /** How many replies of language models may be asked for; nobody counts when left out. */
  modelBudget?: ModelBudget
  /** Of the server's, for agents; none when left out. */
  files?: ServerFiles
  /** Everybody is one principal who may open everything (`SKEIN_AUTH=none`). */
  openToAll: boolean
  /** {@link serverLimits} when left out. */
  limits?: ServerLimits
  /** How the server is reached; directly and in clear when left out. */
  edge?: EdgeConfig
  /** Guests who become somebody, and devices that are added; absent, or null, where nobody signs in. */
  comings?: { carryOvers: CarryOvers, deviceLinks: DeviceLinkStore, deletionStore: DeletionStore } | null
  /** The server speaks https itself; http when left out. */
  certificate?: Pick<Certificate, 'cert' | 'key'>
  /** The built client. */
  clientFolder: string
  version: string
  /** Size at which a document is begun anew; the usual one when left out. */
  squashAt?: SquashLimits
}

export interface RunningServer {
  /** Every route of the API, as `METHOD path`. */
  readonly routes: readonly string[]
  /** @returns the address that is listened on, with the port that was found when 0 was asked for */
  listen(port: number, host: string): Promise<AddressInfo>
  /** For connections from now on, where the server began with one. */
  useCertificate(certificate: Pick<Certificate, 'cert' | 'key'>): void
  /** Stops accepting, ends connections and runs, and waits until everything issued is on disk. The log itself stays open. */
  close(): Promise<void>
}

/** Records of a document after which its log is folded into a snapshot: a load reads at most so many updates one by one. */
const COMPACT_AFTER = 500
/** How long a room that nobody uses stays in memory. */
const ROOM_GRACE_MS = 60_000
/** Connections that wait to be accepted; Node's 511 costs a second per SYN that a reconnect storm loses. */
const LISTEN_BACKLOG = 4096
/** How long an answer may take that is under way when the server stops. */
const ANSWER_WITHIN_MS = 1000

export const createSkein = (adapters: Adapters): RunningServer => {
  const { log, directory, agents, logger, now, timers, random, openToAll, limits = serverLimits, squashAt } = adapters
  const { leases = createProcessLeases(), modelBudget = null, tracing = null, files, comings, certificate } = adapters
  const audit = createAudit(logger)
  const auditSampled = createSampledAudit(audit, now)
  const edge = createEdge(adapters.edge ?? plainEdge, { limits, openToAll, now })
  const listeners: EventListener[] = []
  const desk = new RunDesk(timers.after)
  const folding = foldInWorkers()
  const rooms = new RoomRegistry({
    log,
    ...files && { mayReadFiles: id => files.mayUse(id) },
    agents: { defaultAgent: agents.defaultId, nameOf: id => agents.find(id)?.name, all: agents.all },
    onEvents: (name, sequence, events) => { for (const listener of listeners) listener(name, sequence, events) },
    budgets: openToAll ? null : createBudgets(),
    documentBytes: limits.documentBytes,
    now,
    logger,
    compactAfter: COMPACT_AFTER,
    folding,
    random,
    graceMs: ROOM_GRACE_MS,
    ...squashAt && { squashAt },
    enrolled: enrolment(directory),
    botsIn: botsOfWriters(directory, adapters.bots),
    onLoaded: (name, openRuns) => driver.recover(openRuns.map(runId => ({ name, runId }))),
    after: timers.after,
    yieldToOthers: oneATurn(setImmediate),
  })
  const driver = createDriver({
    rooms, agents: desk.beside(agents), now, timers, log: logger, leases, budget: modelBudget, tracing, ...files && { files },
    openRuns: () => log.openRuns(), ...!openToAll && { repliesAtOnce: limits.repliesAtOncePerPerson },
  })
  const abandonRuns = (name: DocumentName): Promise<void> => {
    const abandoned = driver.abandon(name)
    desk.abandon(name)
    return abandoned
  }
  const erasure = createErasure({ driver: { abandon: abandonRuns }, rooms, directory, timers, logger })
  /** What a process that was killed left of redactions: whoever loads the document goes on with it. */
  const payScrubs = async (): Promise<void> => {
    for (const name of await log.owedScrubs()) {
      await rooms.use(name, () => Promise.resolve()).catch((error: unknown) => {
        logger.error({ document: name, err: error }, 'what was redacted may still be on the disk')
      })
    }
  }
  const identity = withLinkReaders(adapters.identity, directory, now)
  const proofs = new Proofs({ identity, now, after: timers.after })
  identity.onTakenOver?.(createLinkEnding(directory))
  const { leaving } = identity
  const deletions = comings && leaving && createDeletions({
    store: comings.deletionStore, directory, rooms, erase: erasure.erase, forget: leaving.forget, now, timers, logger
  })
  const leavers = deletions && leaving ? { leaving, deletions, exportPerson: createPersonExport({ ...adapters, leaving }) } : null
  const roles = new LiveRoles({ directory, now, openToAll })
  const api = createApi({ ...adapters, desk, leavers, identity, edge, audit, auditSampled, rooms, roles, proofs, erase: erasure.erase })
  listeners.push(driver.onEvents, api.feed, desk.onEvents)
  const ceaseToListen = directory.onChanged(createRoster({ directory, rooms, logger }))
  const stalled = new StalledSockets({ seconds: limits.stalledSeconds, now, after: timers.after })
  const sync = new SyncServer({
    proofs, roles, access: { openToAll }, rooms, logger, auditSampled, edge, stalled, now, limits,
    after: timers.after, yieldToOthers: oneATurn(setImmediate)
  })
  const answer = getRequestListener((request, env) =>
    api.app.fetch(request, { ...env, caller: edge.callerOf(env.incoming as IncomingMessage) } satisfies CallerEnv))
  const answers = new AnswersUnderWay(timers)
  const headersTimeout = limits.headSeconds * 1000
  const http = listenerOf({
    headersTimeout, connectionsCheckingInterval: headersTimeout / 2,
    // Of bodies the API cares itself: one that grows with a reply takes its time.
    requestTimeout: 0,
    ...certificate && { cert: certificate.cert, key: certificate.key, handshakeTimeout: headersTimeout },
  }, (request, response) => {
    answers.begin(response)
    void answer(request, response)
  })
  http.maxConnections = limits.connections
  http.on(http instanceof TlsServer ? 'secureConnection' : 'connection', stalled.watch)
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (!sync.upgrade(request, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })

  return {
    routes: [...new Set(api.app.routes.map(({ method, path }) => `${method} ${path}`))],
    listen: async (port, host) => {
      await erasure.finish()
      await comings?.carryOvers.finish()
      await deletions?.finish()
      await new Promise<void>((resolve, reject) => {
        http.once('error', reject)
        http.listen({ port, host, backlog: LISTEN_BACKLOG }, resolve)
      })
      await driver.start()
      void payScrubs()
      return http.address() as AddressInfo
    },
    useCertificate: ({ cert, key }) => {
      if (http instanceof TlsServer) http.setSecureContext({ cert, key })
    },
    close: async () => {
      const closed = new Promise<void>(resolve => http.close(() => resolve()))
      api.close()
      desk.close()
      ceaseToListen()
      erasure.close()
      comings?.carryOvers.close()
      deletions?.close()
      sync.drain()
      await driver.close()
      // What was to be folded stays as it is, in records.
      folding.close()
      await rooms.close()
      sync.close()
      stalled.close()
      proofs.close()
      roles.close()
      await answers.finished(ANSWER_WITHIN_MS)
      http.closeAllConnections()
      await closed
    },
  }
}

const listenerOf = (options: ServerOptions, listener: RequestListener): Server | TlsServer =>
  options.cert === undefined ? createServer(options, listener) : createTlsServer(options, listener)
