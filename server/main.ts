/** The composition root: reads the environment, chooses the adapters, starts the server and stops it. Nothing else does. */
import { randomFillSync, randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAiSdkAgent } from './agents/adapters/ai-sdk.ts'
import { createOfflineAgent } from './agents/adapters/offline.ts'
import { createAgentRegistry } from './agents/registry.ts'
import { systemTimers } from '../shared/timers.ts'
import { createSkein } from './app.ts'
import type { RunningServer } from './app.ts'
import { ConfigError, readConfig } from './config.ts'
import type { Config } from './config.ts'
import { readEpochMarker } from './epoch-marker.ts'
import { openLevelDbDirectory } from './directory/leveldb-directory.ts'
import { AccountsError } from './identity/accounts/database.ts'
import { JwtSetupError } from './identity/jwt-port.ts'
import { keepLedgerTrimmed } from './log/ledger-keeper.ts'
import type { OnBackupRemoved } from './log/leveldb/backup.ts'
import { DataFolderError, dataFolderError } from './log/leveldb/data-folder-error.ts'
import { openLevelDbLog } from './log/leveldb/leveldb-log.ts'
import type { LevelDbLog } from './log/leveldb/leveldb-log.ts'
import { openIdentity } from './open-identity.ts'
import { giveSpareMemoryBack } from './spare-memory.ts'
import { readModels } from './models-file.ts'
import { createLogger } from './telemetry/logger.ts'
import type { Logger } from './telemetry/port.ts'

/** A signal to stop is obeyed within this time (milliseconds). */
const STOP_WITHIN_MS = 10_000

const random = <T extends Uint8Array | Uint32Array>(target: T): T => randomFillSync(target)

const start = async (config: Config): Promise<void> => {
  const logger = createLogger(config.logLevel)
  const log = await openLog(config, logger)
  const directory = openLevelDbDirectory({ store: log.store, random })
  const { close: closeIdentity, ...identity } = await openIdentity({ config, store: log.store, directory, logger, random })
  const server = createSkein({
    log,
    directory,
    ...identity,
    agents: await agentsOf(config),
    logger,
    now: Date.now,
    timers: systemTimers,
    random: { uint32: () => random(new Uint32Array(1))[0]!, uuid: randomUUID },
    openToAll: config.auth === 'none',
    limits: config.limits,
    edge: config.edge,
    clientFolder: fileURLToPath(new URL('../dist/client', import.meta.url)),
    version: await readVersion(),
  })
  const stopTrimming = keepLedgerTrimmed({
    log, now: Date.now, after: systemTimers.after, onError: error => logger.warn({ err: error }, 'the ledger was not trimmed'),
  })
  const closeStores = async (): Promise<void> => {
    await Promise.all([log.close(), closeIdentity()])
  }
  const stopGivingBack = giveMemoryBack()
  stopOnSignal(server, closeStores, () => {
    stopTrimming()
    stopGivingBack()
  })
  try {
    const { port } = await server.listen(config.port, config.host)
    process.stdout.write(`Skein is ready: ${addressToOpen(config, port)}\n`)
    const { host, auth, durability, dataFolder, edge: { publicUrl } } = config
    logger.info({ port, host, auth, durability, dataFolder, agent: agentName(config), ...publicUrl && { publicUrl: publicUrl.origin } }, 'listening')
  } catch (error) {
    await log.close()
    throw error
  }
}

/** What a person types into a browser. */
const addressToOpen = ({ host, edge: { publicUrl, tls } }: Config, port: number): string => {
  if (publicUrl) return publicUrl.origin
  const name = host === '127.0.0.1' ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `${tls ? 'https' : 'http'}://${name}:${port}`
}

const openLog = async ({ dataFolder, durability }: Config, logger: Logger): Promise<LevelDbLog> => {
  const path = join(dataFolder, 'log')
  try {
    await mkdir(path, { recursive: true })
  } catch (error) {
    throw dataFolderError(dataFolder, error)
  }
  const marker = await readEpochMarker(dataFolder)
  const onDamage = (what: string): void => logger.error({ what }, 'something stored is damaged and was left out; everything else is served')
  const onBackupRemoved: OnBackupRemoved = (backup, error) => error === undefined
    ? logger.warn({ backup }, 'the backup from before the upgrade was removed: it would have kept what was taken out')
    : logger.error({ backup, err: error }, 'the backup from before the upgrade holds what was taken out and could not be removed: remove it')
  const log = await openLevelDbLog({ path, durability, beginNewEpochs: marker.asked, onDamage, onBackupRemoved })
  await marker.noted()
  return log
}

/** The configured model, or the first of them, answers by default; the offline agent is always there. */
const agentsOf = async ({ model, modelsFile, offlinePace }: Config) => {
  const offline = createOfflineAgent({ timers: systemTimers, msPerToken: offlinePace })
  if (modelsFile !== null) {
    const [first, ...others] = await readModels(modelsFile, process.env)
    return createAgentRegistry([createAiSdkAgent(first), ...others.map(setup => createAiSdkAgent(setup)), offline])
  }
  if (!model) return createAgentRegistry([offline])
  const { name, baseUrl, apiKey } = model
  const setup = { id: 'assistant', name, provider: 'openai-compatible', model: name, baseUrl, ...apiKey && { apiKey } } as const
  return createAgentRegistry([createAiSdkAgent(setup), offline])
}

const agentName = ({ model }: Config): string => model?.name ?? 'offline'

/** Where the start script lets us (scripts/ground/server.js). */
const giveMemoryBack = (): (() => void) => {
  const { gc } = globalThis
  if (!gc) return () => {}
  return giveSpareMemoryBack({
    after: systemTimers.after,
    cpu: () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000
    },
    memory: () => {
      const { rss, heapUsed } = process.memoryUsage()
      return { resident: rss, heap: heapUsed }
    },
    collect: () => gc({ type: 'major', execution: 'sync', flavor: 'last-resort' }),
  })
}

const readVersion = async (): Promise<string> => {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

const stopOnSignal = (server: RunningServer, closeStores: () => Promise<void>, stopTrimming: () => void): void => {
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    stopTrimming()
    // What was acknowledged is on disk, so an end by force loses nothing that anybody was promised.
    systemTimers.after(STOP_WITHIN_MS, () => fail(`Not everything had ended ${STOP_WITHIN_MS / 1000} s after the signal; stopped by force. What was acknowledged is saved.`))
    server.close().then(closeStores).then(() => process.exit(0), fail)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** What an operator can mend is said in one line each; everything else keeps its stack, since it is a defect of ours. */
const fail = (error: unknown): void => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}

const explain = (error: unknown): string => {
  if (error instanceof ConfigError) return error.problems.join('\n')
  if (error instanceof DataFolderError || error instanceof AccountsError || error instanceof JwtSetupError) return error.message
  if (!(error instanceof Error)) return String(error)
  const { code, port, address } = error as NodeJS.ErrnoException & { port?: number, address?: string }
  if (code === 'EADDRINUSE') return `Port ${port} on ${address} is in use. Nothing was changed; stop the other program, or choose another port with PORT.`
  if (code === 'EACCES' && port !== undefined) return `This user may not listen on port ${port}. Nothing was changed; choose a port above 1023 with PORT.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `The address ${address ?? process.env['HOST']} is not one of this machine. Nothing was changed; choose another one with HOST.`
  return error.stack ?? error.message
}

try {
  await start(readConfig(process.env))
} catch (error) {
  fail(error)
}
