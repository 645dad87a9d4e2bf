/** A measured server: started with a data folder, looked at through /proc, stopped or killed. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Peer } from '../servers/peers.ts'
import { sleep, until } from './wait.ts'

const TELL = fileURLToPath(new URL('tell-on-signal.ts', import.meta.url))
/** Of /proc/<pid>/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100
/** CPU in a second of somebody who does nothing. */
const SETTLED_SECONDS = 0.02

export interface StartOptions {
  peer: Peer
  /** Kept by the server. */
  folder: string
  /** For its output and what is measured of it. */
  scratch: string
  /** Where a CPU profile goes when the server ends. */
  profileFolder: string | null
  /** Beside what the peer sets. */
  environment?: Readonly<Record<string, string>>
}

export class MeasuredServer {
  readonly peer: Peer
  readonly port: number
  readonly pid: number
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #scratch: string

  private constructor(peer: Peer, port: number, child: ChildProcess, scratch: string) {
    this.peer = peer
    this.port = port
    this.pid = child.pid!
    this.#child = child
    this.#exited = new Promise(resolve => child.once('exit', () => resolve()))
    this.#scratch = scratch
  }

  static async start({ peer, folder, scratch, profileFolder, environment = {} }: StartOptions): Promise<MeasuredServer> {
    const port = await freePort()
    const output = openSync(join(scratch, 'server.log'), 'a')
    const profile = profileFolder === null ? [] : ['--cpu-prof', '--cpu-prof-dir', profileFolder]
    const child = spawn(process.execPath, ['--expose-gc', '--import', TELL, ...peer.flags ?? [], ...profile, peer.program], {
      env: {
        PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_ENV: 'production', BENCH_TELL_FOLDER: scratch,
        ...peer.environment(port, folder), ...environment,
      },
      stdio: ['ignore', output, output],
    })
    closeSync(output)
    const server = new MeasuredServer(peer, port, child, scratch)
    await until(`${peer.title} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${peer.title} ended with ${child.exitCode}:\n${readFileSync(join(scratch, 'server.log'), 'utf8').slice(-2000)}`)
      return listens(port)
    })
    return server
  }

  /** User and system time of all its threads so far, in seconds. */
  cpuSeconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }

  /** Resolves when it does nothing more, such as compacting what it was just given. */
  settled(): Promise<void> {
    let used = -1
    return until(`${this.peer.title} has settled`, async () => {
      const before = used
      used = this.cpuSeconds()
      if (used - before <= SETTLED_SECONDS) return true
      await sleep(1000)
      return false
    })
  }

  /** Resident memory as it is, in kB. */
  residentKb(): number {
    const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))
    if (!resident) throw new Error(`${this.peer.title} has ended by itself`)
    return Number(resident[1])
  }

  /** Memory after garbage was collected, in kB. */
  async collected(): Promise<{ residentKb: number, heapKb: number }> {
    const { heapUsed } = await this.#told<NodeJS.MemoryUsage>('SIGUSR2', 'memory.json')
    // The allocator gives pages back a little later.
    await sleep(200)
    return { residentKb: this.residentKb(), heapKb: heapUsed / 1024 }
  }

  /**
   * Of its event loop since it was asked last, in milliseconds: the longest delay, and the longest work without a pause, in which the time
   * of other programs does not count. `p99Ms`: one look in a hundred was later than so long after the one before. Nothing the first time,
   * from which on it is watched.
   */
  longestStalls(): Promise<{ delayMs: number, p99Ms: number, workMs: number }> {
    return this.#told('SIGWINCH', 'loop.json')
  }

  async #told<T>(signal: NodeJS.Signals, file: string): Promise<T> {
    const path = join(this.#scratch, file)
    rmSync(path, { force: true })
    this.#child.kill(signal)
    await until(`${file} is told`, () => existsSync(path))
    return JSON.parse(readFileSync(path, 'utf8')) as T
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#child.kill(signal)
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    await this.#exited
    clearTimeout(late)
  }
}

const freePort = (): Promise<number> => new Promise((resolve, reject) => {
  const server = createServer().once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resolve(port))
  })
})

const listens = (port: number): Promise<boolean> => new Promise(resolve => {
  const socket = connect(port, '127.0.0.1')
  socket.once('connect', () => {
    socket.destroy()
    resolve(true)
  })
  socket.once('error', () => resolve(false))
})
