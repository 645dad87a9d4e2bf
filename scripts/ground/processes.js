// Starting other programs: quietly (their output is kept), in the open, or in our place (signals and exit code passed on).

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** npm and Ctrl-C often deliver the same signal twice; a repeat within this time is the same wish. */
const SAME_WISH_MS = 300

/** @typedef {{ code: number, output: string, missing: boolean }} Finished */

/**
 * The environment for programs that look up `node` on the path: they find the one that we chose.
 * @param {string} node
 * @param {Record<string, string | undefined>} [more]
 */
export function environmentWith(node, more = {}) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`, ...more }
}

/** What it is to a program to be run aside: it takes the processor time that nobody else wants. */
const ASIDE = constants.priority.PRIORITY_BELOW_NORMAL

/**
 * Run a program to its end. With `show` its output goes to the terminal as it comes, else it is only returned.
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, show?: boolean, cwd?: string, aside?: boolean }} [options] aside: what else runs comes first
 * @returns {Promise<Finished>}
 */
export function run(command, args, { env = process.env, show = false, cwd = root, aside = false } = {}) {
  return new Promise((resolve) => {
    const outlet = show ? 'inherit' : 'pipe'
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', outlet, outlet] })
    if (aside && child.pid !== undefined) setPriority(child.pid, ASIDE)
    let output = ''
    child.stdout?.on('data', (chunk) => { output += chunk })
    child.stderr?.on('data', (chunk) => { output += chunk })
    child.on('error', (error) => {
      resolve({ code: 127, output: error.message, missing: 'code' in error && error.code === 'ENOENT' })
    })
    child.on('close', (code, signal) => resolve({ code: code ?? signalCode(signal), output, missing: false }))
  })
}

/**
 * Start programs that are now the real work, and leave when the first of them does, with its exit code. Each runs in
 * its own process group, so that a Ctrl-C reaches it once, through us, and not a second time from the terminal.
 * @param {{ command: string, args: string[], env?: NodeJS.ProcessEnv }[]} programs
 * @returns {Promise<number>}
 */
export function handOver(programs) {
  const children = programs.map(({ command, args, env }) =>
    spawn(command, args, { cwd: root, env: env ?? process.env, stdio: 'inherit', detached: process.platform !== 'win32' }))
  /** @type {Map<NodeJS.Signals, number>} */
  const lastSeen = new Map()
  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => {
      const now = performance.now()
      const repeated = now - (lastSeen.get(signal) ?? -Infinity) < SAME_WISH_MS
      lastSeen.set(signal, now)
      if (!repeated) for (const child of children) child.kill(signal)
    })
  }
  const ends = children.map((child) => new Promise((resolve) => {
    child.on('error', () => resolve(127))
    child.on('exit', (code, signal) => {
      for (const other of children) if (other.exitCode === null && other.signalCode === null) other.kill('SIGTERM')
      resolve(code ?? signalCode(signal))
    })
  }))
  return Promise.race(ends).then((first) => Promise.all(ends).then(() => first))
}

/** @param {string} name @returns {string | undefined} the full path of a program on the path */
export function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders.map((folder) => join(folder, name)).find((file) => existsSync(file))
}

/** The exit code that a shell reports for a program ended by a signal. @param {NodeJS.Signals | null} signal */
function signalCode(signal) {
  return 128 + (signal === null ? 0 : constants.signals[signal])
}
