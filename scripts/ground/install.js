// The installed packages: present, and exactly what package-lock.json asks for.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Halt } from './halt.js'
import { onPath, root, run } from './processes.js'

const lockfile = join(root, 'package-lock.json')
const stamp = join(root, 'node_modules', '.skein-lock-hash')

/** Everything, whatever the person's own npm settings leave out; and no minutes of waiting for a dead network. */
const CLEAN_INSTALL = [
  'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund',
  '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000',
]

const NETWORK = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|network/i

/** Run `npm ci` unless node_modules already holds what the lockfile asks for. */
export async function ensureInstalled() {
  const wanted = createHash('sha256').update(readFileSync(lockfile)).digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return
  if (!installedByHand()) await install()
  await dropUnusableNode()
  writeFileSync(stamp, wanted)
}

/** A developer's own `npm install` leaves no stamp; npm's record of what it installed says the same. */
function installedByHand() {
  const record = join(root, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = packagesOf(record)
  return Object.entries(packagesOf(lockfile)).every(([path, wanted]) =>
    path === '' || wanted.optional === true || installed[path]?.integrity === wanted.integrity)
}

/**
 * @param {string} file
 * @returns {Record<string, { integrity?: string, optional?: boolean }>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages
}

async function install() {
  console.log('Installing packages (once; about half a minute) …')
  const [command, prefix] = npm()
  const { code, output, missing } = await run(command, [...prefix, ...CLEAN_INSTALL])
  if (code === 0) return
  if (missing) throw new Halt('npm was not found; install Node.js with npm (https://nodejs.org) and try again.')
  if (NETWORK.test(output)) {
    throw new Halt('the packages could not be downloaded: npm cannot reach its registry. Check the network and try again.')
  }
  const reason = output.split('\n').find((line) => /^npm error (?!code)\S/.test(line)) ?? output.trim().split('\n').pop() ?? ''
  throw new Halt(`"npm ci" failed (${reason.replace(/^npm error /, '').trim()}); run it by hand to see all of its output.`)
}

/**
 * The npm that started us, run by its own Node; the path's `npm` when we were started without one.
 * @returns {[string, string[]]}
 */
function npm() {
  const { npm_execpath: script, npm_node_execpath: node } = process.env
  if (script?.endsWith('npm-cli.js') && node && existsSync(node)) return [node, [script]]
  return [onPath('npm') ?? 'npm', []]
}

/**
 * npm puts node_modules/.bin first on a script's path. A Node there that does not run on this machine (musl libc, say)
 * would hide the machine's own.
 */
async function dropUnusableNode() {
  const link = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(link) && (await run(link, ['--version'])).code !== 0) rmSync(link)
}
