/** The server's process: reads the environment, starts what `open-server.ts` puts together, and stops it when it is told to. */
import { networkInterfaces } from 'node:os'
import { systemTimers } from '../shared/timers.ts'
import { ConfigError } from './config-error.ts'
import { readConfig, variablesWithoutEffect } from './config.ts'
import type { Config } from './config.ts'
import { CertificateError } from './edge/certificate.ts'
import { AccountsError } from './identity/accounts/database.ts'
import { JwtSetupError } from './identity/jwt-port.ts'
import { SecretError } from './identity/secret.ts'
import { DataFolderError } from './log/leveldb/data-folder-error.ts'
import { openServer } from './open-server.ts'
import type { OpenServer } from './open-server.ts'
import { whereToOpen } from './where-to-open.ts'

/** A signal to stop is obeyed within this time (milliseconds). */
const STOP_WITHIN_MS = 10_000

const start = async (config: Config): Promise<void> => {
  const open = await openServer(config, { env: process.env })
  stopOnSignal(open)
  for (const problem of variablesWithoutEffect(process.env)) open.logger.warn({}, problem)
  if (config.edge.tls) process.on('SIGHUP', () => void open.reloadCertificate())
  const { port } = await open.listen(config.port, config.host)
  process.stdout.write(`Skein is ready: ${whereToOpen(config, port, networkInterfaces())}\n`)
  const { host, auth, durability, dataFolder, edge: { publicUrl } } = config
  open.logger.info({ port, host, auth, durability, dataFolder, agents: open.agents, ...publicUrl && { publicUrl: publicUrl.origin } }, 'listening')
}

const stopOnSignal = (open: OpenServer): void => {
  let stopping = false
  const stop = (): void => {
    if (stopping) process.exit(1)
    stopping = true
    // What was acknowledged is on disk, so an end by force loses nothing that anybody was promised.
    systemTimers.after(STOP_WITHIN_MS, () => fail(`Not everything had ended ${STOP_WITHIN_MS / 1000} s after the signal; stopped by force. What was acknowledged is saved.`))
    open.close().then(() => process.exit(0), fail)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
}

/** Errors whose message is all that an operator needs. */
const said = [DataFolderError, AccountsError, JwtSetupError, CertificateError, SecretError]

/** What an operator can mend is said in one line each; everything else keeps its stack, since it is a defect of ours. */
const fail = (error: unknown): void => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
}

const explain = (error: unknown): string => {
  if (error instanceof ConfigError) return error.problems.join('\n')
  if (said.some(kind => error instanceof kind)) return (error as Error).message
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
