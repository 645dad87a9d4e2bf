/** A small world around the API: the real log, directory and rooms in a folder of their own, time by hand, requests without a socket. */
import { randomFillSync, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { RunDesk } from '../../server/agents/bot-desk.ts'
import { createApi } from '../../server/api/api.ts'
import { openLevelDbDirectory } from '../../server/directory/leveldb-directory.ts'
import { plainEdge } from '../../server/edge/config.ts'
import type { EdgeConfig } from '../../server/edge/config.ts'
import { createEdge } from '../../server/edge/edge.ts'
import { openLevelDbAliases } from '../../server/identity/aliases/leveldb-aliases.ts'
import { createCarryOvers } from '../../server/carry-over.ts'
import { openDeviceLinks } from '../../server/identity/devices/device-links.ts'
import { openLevelDbDevices } from '../../server/identity/devices/leveldb-devices.ts'
import { createGuestIdentity } from '../../server/identity/guest-cookie.ts'
import { createNoIdentity } from '../../server/identity/none.ts'
import { withTokens } from '../../server/identity/with-tokens.ts'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import type { LedgerEntry } from '../../server/log/port.ts'
import type { EventListener } from '../../server/room/port.ts'
import { enrolment } from '../../server/room/access.ts'
import { LiveRoles } from '../../server/room/live-roles.ts'
import { Proofs } from '../../server/room/proofs.ts'
import { RoomRegistry } from '../../server/room/rooms.ts'
import { createAudit, createSampledAudit } from '../../server/telemetry/audit.ts'
import type { Message } from '../../shared/conversation/schema.ts'
import { conversationName, messageIdOf, parseRequestId } from '../../shared/ids.ts'
import type { AgentId, DocumentName, RequestId } from '../../shared/ids.ts'
import { serverLimits } from '../../shared/limits.ts'
import type { ServerLimits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'

export const START = Date.UTC(2026, 10, 1)

export interface ApiWorldOptions {
  openToAll?: boolean
  clientFolder?: string
  /** Takes the place of the identity's answer; for failures. */
  authenticate?: () => Promise<Principal | null>
  edge?: EdgeConfig
  limits?: Partial<ServerLimits>
}

export type ApiWorld = Awaited<ReturnType<typeof createApiWorld>>

/** Goes away by itself when the test is finished. */
export const createApiWorld = async ({ openToAll = false, clientFolder = '/nonexistent', authenticate, edge = plainEdge, limits = {} }: ApiWorldOptions = {}) => {
  const folder = await mkdtemp(join(tmpdir(), 'skein-api-'))
  const log = await openLevelDbLog({ path: join(folder, 'log'), durability: 'os' })
  const random = <T extends Uint8Array | Uint32Array>(target: T): T => randomFillSync(target)
  const directory = openLevelDbDirectory({ store: log.store, random })
  let now = START
  const clock = () => now
  const { logger, lines } = memoryLogger()
  const timers = manualTimers()
  const { store } = log
  const [aliases, devices] = [openLevelDbAliases(store), await openLevelDbDevices(store, clock)]
  const guests = createGuestIdentity({ secret: new Uint8Array(32), now: clock, random, aliases, devices })
  const identity = openToAll ? createNoIdentity() : guests
  const carryOvers = createCarryOvers({ aliases, directory, revoke: guests.ended, timers, logger })
  const comings = openToAll ? null : { carryOvers, deviceLinks: openDeviceLinks({ store, now: clock, random }) }
  let feed: EventListener = () => {}
  const rooms = new RoomRegistry({
    log,
    agents: { defaultAgent: null, nameOf: () => undefined, all: [] },
    onEvents: (...record) => feed(...record),
    now: clock,
    logger: memoryLogger().logger,
    budgets: null,
    compactAfter: 500,
    random: { uint32: () => random(new Uint32Array(1))[0]!, uuid: randomUUID },
    graceMs: 60_000,
    after: () => () => {},
    yieldToOthers: async () => {},
    enrolled: enrolment(directory),
  })
  const { identity: known, tokens, tickets, bots } = withTokens({
    people: authenticate ? { ...identity, authenticate } : identity, store: log.store, secret: new Uint8Array(32), random, now: clock,
    onRefused: () => {}, onError: () => {},
  })
  const api = createApi({
    identity: known,
    tokens,
    tickets,
    bots,
    desk: new RunDesk(timers.after),
    roles: new LiveRoles({ directory, now: clock, openToAll }),
    proofs: new Proofs({ identity: known, now: clock, after: timers.after }),
    comings,
    directory,
    log,
    rooms,
    erase: async name => {
      await rooms.erase(name)
      await directory.erased(name)
    },
    agents: { defaultId: guide.id, all: [guide] },
    openToAll,
    clientFolder,
    version: '1.2.3',
    now: clock,
    random: { uuid: randomUUID },
    timers,
    logger,
    edge: createEdge(edge, { limits: { ...serverLimits, ...limits }, openToAll, now: clock }),
    audit: createAudit(logger),
    auditSampled: createSampledAudit(createAudit(logger), clock),
  })
  feed = api.feed

  onTestFinished(async () => {
    api.close()
    await rooms.close()
    await log.close()
    await rm(folder, { recursive: true })
  })

  /** A browser: keeps its cookie. */
  const browser = () => {
    let cookie: string | undefined
    const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
      const headers = new Headers(init.headers)
      if (cookie && !headers.has('cookie')) headers.set('cookie', cookie)
      const response = await api.app.request(path, { ...init, headers })
      const set = response.headers.get('set-cookie')
      if (set) cookie = set.slice(0, set.indexOf(';'))
      return response
    }
    return {
      request,
      get: request,
      post: (path: string, body: unknown, headers: Record<string, string> = {}) =>
        request(path, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', ...headers } }),
    }
  }

  return {
    fetch: api.app.fetch,
    /** From somewhere that keeps no cookie. */
    request: async (path: string, init?: RequestInit): Promise<Response> => api.app.request(path, init),
    feed: api.feed,
    close: api.close,
    browser,
    carryOvers,
    directory,
    log,
    rooms,
    lines,
    timers,
    /** Messages are sealed in a conversation, in one record. */
    say: (id: string, ...messages: Message[]) => rooms.use(nameOf(id), room => room.write('someone', writer => {
      for (const each of messages) writer.appendMessage(each)
    })),
    /** The log remembers that a request was taken. */
    remember: (id: string, entry: LedgerEntry) => log.append(nameOf(id), {
      update: Y.encodeStateAsUpdate(new Y.Doc()), stateVector: () => Y.encodeStateVector(new Y.Doc()), events: [], ledger: [entry],
      bindings: [], openedRuns: [], closedRuns: [],
    }),
    pass: (milliseconds: number) => { now += milliseconds },
  }
}

/** An id as devices draw them, for a label of up to six characters: the same each time, and in the order of the labels. */
export const idOf = (label: string): string => `00000000-0000-4000-8000-${Buffer.from(label).toString('hex').padEnd(12, '0')}`
export const [a, b, c, d, e] = ['a', 'b', 'c', 'd', 'e'].map(idOf) as [string, string, string, string, string]

export const nameOf = (id: string): DocumentName => conversationName(id)!

export const requestIdOf = (n: number): RequestId => parseRequestId(`01900000-0000-7000-8000-${String(n).padStart(12, '0')}`)!

export const messageOf = (n: number, acceptedAt = START + n): Message => ({
  id: messageIdOf(requestIdOf(n)),
  role: 'user',
  parts: [{ type: 'text', text: `message ${n}` }],
  metadata: { parentId: null, authorId: 'someone', createdAt: START, acceptedAt, status: 'complete' },
})

const guide = {
  id: 'guide' as AgentId, name: 'Guide', description: 'Not a language model.', isLanguageModel: false, onInterruption: 'seal' as const,
  async *reply() { yield { type: 'finish' as const, finishReason: 'stop', model: 'none' } },
}

const memoryLogger = () => {
  const lines: { level: string, fields: Readonly<Record<string, unknown>>, message: string }[] = []
  const line = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string): void => {
    lines.push({ level, fields, message })
  }
  return { lines, logger: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') } }
}

const manualTimers = () => {
  const waiting = new Set<{ ms: number, run: () => void }>()
  return {
    after: (ms: number, run: () => void) => {
      const timer = { ms, run }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    /** What is being waited for, in milliseconds. */
    pending: () => [...waiting].map(({ ms }) => ms),
    fire: () => {
      const due = [...waiting]
      waiting.clear()
      for (const { run } of due) run()
    },
  }
}
