/** The real server inside the test's process, over a real LevelDB: for tests that reach behind it, such as injected write failures. */
import { randomFillSync, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createOfflineAgent } from '../../server/agents/adapters/offline.ts'
import type { Agent } from '../../server/agents/port.ts'
import type { ServerFiles } from '../../server/agents/server-files.ts'
import { createAgentRegistry } from '../../server/agents/registry.ts'
import type { ServerLimits } from '../../shared/limits.ts'
import { systemTimers } from '../../shared/timers.ts'
import type { Timers } from '../../shared/timers.ts'
import { createSkein } from '../../server/app.ts'
import { readConfig } from '../../server/config.ts'
import { openLevelDbDirectory } from '../../server/directory/leveldb-directory.ts'
import type { Directory } from '../../server/directory/port.ts'
import { createNoIdentity } from '../../server/identity/none.ts'
import type { Bots } from '../../server/identity/bots-port.ts'
import type { Identity } from '../../server/identity/port.ts'
import type { Tokens } from '../../server/identity/token-port.ts'
import { withTokens } from '../../server/identity/with-tokens.ts'
import type { SquashLimits } from '../../server/room/squash.ts'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import type { LevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { openIdentity } from '../../server/open-identity.ts'
import { openProviderKeys } from '../../server/identity/provider-keys.ts'
import { createLogger } from '../../server/telemetry/logger.ts'
import { temporaryFolder } from './server-process.ts'

export interface InProcessServer {
  readonly port: number
  readonly url: string
  readonly syncUrl: string
  readonly dataFolder: string
  readonly log: LevelDbLog
  readonly directory: Directory
  /** Every route of the API, as `METHOD path`. */
  readonly routes: readonly string[]
  readonly tokens: Tokens
  readonly bots: Bots
  /** Makes the next batch fail, before or after it was really written. */
  failNextWrite(when: 'before' | 'after'): void
  /** From here on nothing is written until it is released. `reached`: there is something to write. */
  holdWrites(): { reached: Promise<void>, release: () => void }
  close(): Promise<void>
}

export interface InProcessOptions {
  /** The first one is the default. */
  agents?: readonly [Agent, ...Agent[]]
  identity?: Identity
  /** The server's own, by these variables, with all that people sign in by; instead of `identity`. */
  environment?: Readonly<Record<string, string>>
  /** Of the server's, that messages may name. */
  files?: ServerFiles
  /** A data folder that outlives the server; a fresh one when left out. */
  dataFolder?: string
  durability?: 'fsync' | 'os'
  beginNewEpochs?: boolean
  squashAt?: SquashLimits
  limits?: ServerLimits
  /** Of the machine when left out. */
  timers?: Timers
  now?: () => number
  /** Of a server that stood there before; a free one when left out. */
  port?: number
}

export const startInProcess = async (options: InProcessOptions = {}): Promise<InProcessServer> => {
  const { agents, identity, environment, files, dataFolder, durability = 'fsync', beginNewEpochs = false, squashAt, limits } = options
  const { port: wanted = 0, timers = systemTimers, now = Date.now } = options
  const folder = dataFolder === undefined ? await temporaryFolder() : { path: dataFolder, remove: async () => {} }
  let failing: 'before' | 'after' | null = null
  let hold: { reach: () => void, released: Promise<void> } | null = null
  const random = <T extends Uint8Array | Uint32Array>(target: T): T => randomFillSync(target)
  const log = await openLevelDbLog({
    path: join(folder.path, 'log'),
    durability,
    beginNewEpochs,
    writeBatch: async (database, operations, sync) => {
      const how = failing
      failing = null
      hold?.reach()
      await hold?.released
      if (how === 'before') throw new Error('injected: the disk is gone')
      await database.batch(operations, { sync })
      if (how === 'after') throw new Error('injected: written, but nobody knows')
    },
  })
  const directory = openLevelDbDirectory({ store: log.store, random })
  const logger = createLogger('silent')
  const { close: closeIdentity = async () => {}, ...identities } = environment
    ? await openIdentity({
      config: readConfig({ ...environment, SKEIN_DATA: folder.path }), env: environment, store: log.store, directory, logger, random,
      providerKeys: {
        keys: openProviderKeys({ dataFolder: folder.path, secrets: async () => [new Uint8Array(32)], now: Date.now, random }), wanted: [],
      },
    })
    : { ...withTokens({
      people: identity ?? createNoIdentity(), store: log.store, secret: new Uint8Array(32), random, now: Date.now,
      onRefused: () => {}, onError: () => {},
    }), close: undefined }
  const server = createSkein({
    log,
    directory,
    ...identities,
    agents: createAgentRegistry(agents ?? [createOfflineAgent({ timers: systemTimers, msPerToken: 0 })]),
    logger,
    now,
    timers,
    random: { uint32: () => random(new Uint32Array(1))[0]!, uuid: randomUUID },
    openToAll: !identity && !environment,
    ...files && { files },
    clientFolder: join(folder.path, 'no-client'),
    version: 'test',
    ...squashAt && { squashAt },
    ...limits && { limits },
  })
  const { port } = await server.listen(wanted, '127.0.0.1')
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    syncUrl: `ws://127.0.0.1:${port}/sync`,
    dataFolder: folder.path,
    log,
    directory,
    routes: server.routes,
    tokens: identities.tokens,
    bots: identities.bots,
    failNextWrite: when => { failing = when },
    holdWrites: () => {
      const { promise: reached, resolve: reach } = Promise.withResolvers<void>()
      const { promise: released, resolve: release } = Promise.withResolvers<void>()
      hold = { reach, released }
      return { reached, release }
    },
    close: async () => {
      await server.close()
      await log.close()
      await closeIdentity()
      await folder.remove()
    },
  }
}
