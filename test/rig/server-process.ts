/**
 * The real server as a process of its own, with the flags that `npm start` gives it, on loopback, a free port and a data folder of its own;
 * killed as hard as a test wants.
 */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { serverEnvironment, serverFlags } from '../../scripts/ground/server.js'

const MAIN = new URL('../../server/main.ts', import.meta.url).pathname

export interface ServerProcess {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** `ws://127.0.0.1:<port>/sync` */
  readonly syncUrl: string
  readonly pid: number
  /** The line for people that says where to open it. */
  readonly ready: string
  /** Lines of the log so far, parsed. */
  readonly log: readonly Record<string, unknown>[]
  /** Ends the process and waits until it is gone. @returns its exit code, null when a signal ended it */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** @param port 0 for a free one */
export const startServer = async (dataFolder: string, environment: Record<string, string> = {}, port = 0): Promise<ServerProcess> => {
  const child = spawnServer({ SKEIN_DATA: dataFolder, SKEIN_AUTH: 'none', SKEIN_OFFLINE_PACE: '1', PORT: String(port), ...environment })
  const log: Record<string, unknown>[] = []
  const errors: string[] = []
  let ready = ''
  child.stderr!.on('data', chunk => errors.push(String(chunk)))
  // With all that it said.
  const exited = new Promise<number | null>(resolve => child.once('close', code => resolve(code)))
  const listening = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      if (line.startsWith('Skein is ready')) ready = line
      if (!line.startsWith('{')) return
      const entry = JSON.parse(line) as Record<string, unknown>
      log.push(entry)
      if (entry['msg'] === 'listening') resolve(entry['port'] as number)
    })
    void exited.then(code => reject(new Error(`The server ended with ${code} before it listened:\n${errors.join('')}`)))
  })
  const found = await listening
  return {
    port: found,
    url: `http://127.0.0.1:${found}`,
    syncUrl: `ws://127.0.0.1:${found}/sync`,
    pid: child.pid!,
    ready,
    log,
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      return exited
    }
  }
}

/** Runs the server until it ends by itself. */
export const runServer = async (environment: Record<string, string>): Promise<{ code: number | null, stdout: string, stderr: string }> => {
  const child = spawnServer(environment)
  let stdout = ''
  let stderr = ''
  child.stdout!.on('data', chunk => { stdout += String(chunk) })
  child.stderr!.on('data', chunk => { stderr += String(chunk) })
  const code = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { code, stdout, stderr }
}

/** A fresh folder under the system's temporary one. */
export const temporaryFolder = async (): Promise<{ path: string, remove: () => Promise<void> }> => {
  const path = await mkdtemp(join(tmpdir(), 'skein-test-'))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}

/** A folder of a test's own, and the servers that run on its data one after the other. */
export interface ServerFolder {
  /** For the test's files. */
  readonly path: string
  /** The servers' data folder. */
  readonly data: string
  start(environment?: Record<string, string>): Promise<ServerProcess>
  /** Ends the last server, and removes all. */
  close(): Promise<void>
}

export const openServerFolder = async (): Promise<ServerFolder> => {
  const { path, remove } = await temporaryFolder()
  const data = join(path, 'data')
  let last: ServerProcess | null = null
  return {
    path,
    data,
    start: async environment => last = await startServer(data, environment),
    close: async () => {
      await last?.stop()
      await remove()
    }
  }
}

/**
 * A server of this test file counts what it ran, which is enough for all: to count takes as much time as to start, since no compiled
 * code can be used.
 */
let isCounted = false

/** Of compiled code, which Node writes when a process ends by itself: to start is then a third of the work. */
const COMPILED = new URL('../../.cache/compiled', import.meta.url).pathname

const spawnServer = (environment: Record<string, string>): ChildProcess => {
  const coverage = isCounted ? undefined : process.env['SKEIN_COVERAGE_DIR']
  isCounted = true
  return spawn(process.execPath, [...serverFlags, MAIN], {
    env: {
      MALLOC_ARENA_MAX: serverEnvironment.MALLOC_ARENA_MAX,
      PATH: process.env['PATH'], HOME: process.env['HOME'],
      // What was counted would not be where it stands in the source.
      ...coverage ? { NODE_V8_COVERAGE: coverage } : { NODE_COMPILE_CACHE: COMPILED },
      ...environment
    },
    stdio: ['ignore', 'pipe', 'pipe']
  })
}
