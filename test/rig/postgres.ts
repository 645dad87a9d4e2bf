/** A real Postgres on a free port, with its data in a folder of its own; killed and started again as a test wants. */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { postgresFolders, postgresProcess } from '../../scripts/ground/postgres.js'
import { freePort } from './nginx.ts'
import { until } from './until.ts'

/** The folder of its programs, where `npm test` found or brought one; undefined: there is none here. */
export const postgresHere = (): string | undefined => postgresFolders()[0]

export interface Postgres {
  readonly port: number
  /** The superuser's, who owns all databases. */
  readonly password: string
  /** A new, empty database. @returns its URL */
  createDatabase(): Promise<string>
  query<T extends object>(url: string, text: string, values?: unknown[]): Promise<T[]>
  /** As a crash does: every connection breaks. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

const USER = 'skein'

export const startPostgres = async (): Promise<Postgres> => {
  const bin = postgresHere()!
  const process = postgresProcess(bin)
  const folder = await mkdtemp(join(tmpdir(), 'skein-postgres-'))
  const [data, password, passwordFile] = [join(folder, 'data'), 'P0STGRES-PASSW0RD', join(folder, 'password')]
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (process.uid !== undefined) for (const path of [folder, passwordFile]) await chown(path, process.uid, process.gid!)
  await promisify(execFile)(join(bin, 'initdb'), [
    '-D', data, '-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync', '--encoding=UTF8', '--locale=C',
  ], process)
  const port = await freePort()
  const urlOf = (database: string): string => `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`
  let child: ChildProcess | null = null
  let databases = 0

  const query: Postgres['query'] = async <T extends object>(url: string, text: string, values: unknown[] = []) => {
    const client = new Client(url)
    // It may be killed meanwhile; what was asked is told of it.
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<T>(text, values)).rows
    } finally {
      await client.end()
    }
  }
  const start = async (): Promise<void> => {
    const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off', 'max_connections=60']
    const running = spawn(join(bin, 'postgres'), ['-D', data, ...settings.flatMap(each => ['-c', each])], { ...process, stdio: 'ignore' })
    child = running
    await until('Postgres answers', async () => {
      if (running.exitCode !== null) throw new Error(`Postgres ended with ${running.exitCode}`)
      return query(urlOf('postgres'), 'SELECT 1').then(() => true, () => false)
    })
  }
  const kill = async (): Promise<void> => {
    if (!child) return
    const gone = new Promise<void>(resolve => child!.once('exit', () => resolve()))
    // Its "immediate shutdown": the processes end where they are, and the next start recovers.
    child.kill('SIGQUIT')
    child = null
    await gone
  }
  await start()
  return {
    port, password, query, start, kill,
    createDatabase: async () => {
      const name = `accounts_${++databases}`
      await query(urlOf('postgres'), `CREATE DATABASE ${name}`)
      return urlOf(name)
    },
    close: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    },
  }
}
