/** The composition root: chooses the adapters by the configuration and puts the server together over them. Nothing else does. */
import { randomFillSync, randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLevelDbCounts } from './agents/adapters/leveldb-counts.ts'
import { createModelBudget } from './agents/model-budget.ts'
import { openFolderFiles } from './agents/adapters/folder-files.ts'
import type { ServerFiles } from './agents/server-files.ts'
import { systemTimers } from '../shared/timers.ts'
import { createSkein } from './app.ts'
import type { RunningServer } from './app.ts'
import { ConfigError } from './config-error.ts'
import type { Config } from './config.ts'
import { looseModes } from './data-folder-modes.ts'
import { openLevelDbDirectory } from './directory/leveldb-directory.ts'
import { readCertificate, renewCertificate } from './edge/certificate.ts'
import type { Certificate, CertificateFiles, Renewal } from './edge/certificate.ts'
import { readEpochMarker } from './epoch-marker.ts'
import type { Identity } from './identity/port.ts'
import { openProviderKeys } from './identity/provider-keys.ts'
import type { FileProviderKeys } from './identity/provider-keys.ts'
import { loadSecrets, removeSecretDrafts } from './identity/secret.ts'
import { VaultError } from './identity/vault.ts'
import { keepLedgerTrimmed } from './log/ledger-keeper.ts'
import type { OnBackupRemoved } from './log/leveldb/backup.ts'
import { dataFolderError } from './log/leveldb/data-folder-error.ts'
import { openLevelDbLog } from './log/leveldb/leveldb-log.ts'
import type { LevelDbLog } from './log/leveldb/leveldb-log.ts'
import { openIdentity } from './open-identity.ts'
import { agentsOf, modelsOf, wantedKeys } from './open-models.ts'
import { giveSpareMemoryBack } from './spare-memory.ts'
import { createAudit } from './telemetry/audit.ts'
import { createLogger } from './telemetry/logger.ts'
import type { Logger } from './telemetry/port.ts'
import type { Tracing } from './telemetry/tracing-port.ts'

export interface OpenServer {
  logger: Logger
  /** Their names, the one that answers by default first. */
  agents: string[]
  /** @returns the address that is listened on. When it rejects, everything is closed again. */
  listen(port: number, host: string): Promise<AddressInfo>
  /** Reads the files of the certificate again, where there are some; they are looked at every few seconds anyway. */
  reloadCertificate(): Promise<void>
  /** Stops accepting, ends connections and runs, and resolves when all is on disk and closed. */
  close(): Promise<void>
}

export interface OpenServerOptions {
  /** Where secrets stand that files of the configuration name. */
  env: Readonly<Record<string, string | undefined>>
  /** Whom people sign in with; the identity that `SKEIN_AUTH` names when left out. */
  people?: Identity
}

const PROXY_NOT_TRUSTED = 'SKEIN_PUBLIC_URL begins with https:, so a proxy must speak it, but SKEIN_TRUSTED_PROXIES does not name it: '
  + 'all callers count as one address, and share its limits; set it to the address that the proxy connects from'

const random = <T extends Uint8Array | Uint32Array>(target: T): T => randomFillSync(target)

export const openServer = async (config: Config, options: OpenServerOptions): Promise<OpenServer> => {
  const logger = createLogger(config.logLevel)
  const { tls, publicUrl, behindProxy } = config.edge
  const certificate = tls && await readCertificate(tls, Date.now())
  if (publicUrl?.protocol === 'https:' && !tls && !behindProxy) logger.warn({}, PROXY_NOT_TRUSTED)
  const log = await openLog(config, logger)
  try {
    return await openOver(log, logger, certificate, config, options)
  } catch (error) {
    await log.close()
    throw error
  }
}

const openOver = async (
  log: LevelDbLog, logger: Logger, certificate: Certificate | null, config: Config, { env, people }: OpenServerOptions,
): Promise<OpenServer> => {
  const models = await modelsOf(config, env)
  const keys = await openKeys(config, logger)
  const agents = await agentsOf(models, keys, config, logger)
  const files = await filesOf(config)
  const openToAll = config.auth === 'none' && people === undefined
  const version = await readVersion()
  const directory = openLevelDbDirectory({ store: log.store, random })
  const opened = await openIdentity({
    config, env, store: log.store, directory, logger, random, providerKeys: { keys, wanted: wantedKeys(models) }, ...people && { people },
  })
  const { close: closeIdentity, ...identity } = opened
  const tracing = await tracingOf(config, version, logger)
  const server = createSkein({
    log,
    directory,
    ...identity,
    agents,
    tracing,
    ...files && { files },
    logger,
    now: Date.now,
    timers: systemTimers,
    random: { uint32: () => random(new Uint32Array(1))[0]!, uuid: randomUUID },
    openToAll,
    ...!openToAll && { modelBudget: createModelBudget(openLevelDbCounts(log.store), config.limits) },
    limits: config.limits,
    edge: config.edge,
    ...certificate && { certificate },
    clientFolder: fileURLToPath(new URL('../dist/client', import.meta.url)),
    version,
  })
  const stopTrimming = keepLedgerTrimmed({
    log, now: Date.now, after: systemTimers.after, onError: error => logger.warn({ err: error }, 'the ledger was not trimmed'),
  })
  const stopGivingBack = giveMemoryBack()
  const renewal = config.edge.tls && certificate ? keepRenewed(server, logger, config.edge.tls, certificate) : null
  const closeStores = async (): Promise<void> => {
    renewal?.stop()
    stopTrimming()
    stopGivingBack()
    await Promise.all([log.close(), closeIdentity(), tracing?.close()])
  }
  return {
    logger,
    agents: agents.all.map(({ name }) => name),
    listen: async (port, host) => {
      try {
        return await server.listen(port, host)
      } catch (error) {
        await closeStores()
        throw error
      }
    },
    reloadCertificate: async () => renewal?.reload(),
    close: async () => {
      await server.close()
      await closeStores()
    },
  }
}

/** Renewals need no restart: who is connected goes on as before, who comes now gets the new one. */
const keepRenewed = (server: RunningServer, logger: Logger, files: CertificateFiles, current: Certificate): Renewal => {
  const audit = createAudit(logger)
  return renewCertificate({
    files, current, use: certificate => server.useCertificate(certificate), after: systemTimers.after, now: Date.now,
    onProblem: problem => logger.error({ problem }, 'the certificate needs the operator'),
    onRenewed: ({ expiresAt, names }) => audit('certificate.loaded', { outcome: 'done', about: { names, expiresAt } }),
  })
}

const openLog = async ({ dataFolder, durability }: Config, logger: Logger): Promise<LevelDbLog> => {
  const path = join(dataFolder, 'log')
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw dataFolderError(dataFolder, error)
  }
  for (const what of await looseModes(dataFolder)) logger.warn({ what }, 'what the server keeps is not for its user alone')
  const marker = await readEpochMarker(dataFolder)
  const onDamage = (what: string): void => logger.error({ what }, 'something stored is damaged and was left out; everything else is served')
  const onBackupRemoved: OnBackupRemoved = (backup, error) => error === undefined
    ? logger.warn({ backup }, 'the backup from before the upgrade was removed: it would have kept what was taken out')
    : logger.error({ backup, err: error }, 'the backup from before the upgrade holds what was taken out and could not be removed: remove it')
  const log = await openLevelDbLog({ path, durability, beginNewEpochs: marker.asked, onDamage, onBackupRemoved })
  await marker.noted()
  return log
}

/** What a rotation left under an older secret is sealed anew, so that the older one may go. */
const openKeys = async ({ dataFolder, secrets: given }: Config, logger: Logger): Promise<FileProviderKeys> => {
  await removeSecretDrafts(dataFolder, Date.now())
  const secrets = () => loadSecrets({ given, dataFolder, random })
  const keys = openProviderKeys({ dataFolder, secrets, now: Date.now, random })
  await keys.reseal(await secrets()).catch((error: unknown) => {
    if (!(error instanceof VaultError)) throw error
    logger.error({ problem: error.message }, 'a stored key cannot be read, so its models do not answer')
  })
  return keys
}

const filesOf = async ({ context: { roots, people } }: Config): Promise<ServerFiles | null> => {
  if (roots.length === 0) return null
  try {
    return await openFolderFiles({ roots, mayUse: id => people === null || people.includes(id) })
  } catch (error) {
    throw new ConfigError([`SKEIN_CONTEXT_ROOTS: ${error instanceof Error ? error.message : String(error)}.`])
  }
}

/** Loaded only where traces are wanted: who wants none pays nothing for them. */
const tracingOf = async ({ tracing }: Config, version: string, logger: Logger): Promise<Tracing | null> => {
  if (!tracing) return null
  const { createOpenTelemetry } = await import('./telemetry/open-telemetry.ts')
  return createOpenTelemetry({ ...tracing, version, logger, after: systemTimers.after })
}

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
