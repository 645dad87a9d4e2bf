// The built client in dist/client: rebuilt when, and only when, something that it is made of has changed.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Halt } from './halt.js'
import { environmentWith, root, run } from './processes.js'

const SOURCES = ['client', 'shared', 'vite.config.ts', 'package-lock.json']
const stamp = join(root, 'dist', 'client.sources-hash')

/** @param {string} node */
export async function ensureClientBuilt(node) {
  const wanted = hashOfSources()
  const built = existsSync(join(root, 'dist', 'client', 'index.html')) && existsSync(stamp)
  if (built && readFileSync(stamp, 'utf8') === wanted) return
  console.log('Building the client …')
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js')
  const { code, output } = await run(node, [vite, 'build', '--logLevel', 'warn'], { env: environmentWith(node) })
  if (code !== 0) {
    console.error(output)
    throw new Halt('the client could not be built; the reason stands above.')
  }
  writeFileSync(stamp, wanted)
}

function hashOfSources() {
  const hash = createHash('sha256')
  for (const file of SOURCES.flatMap(filesIn)) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file))).update('\0')
  }
  return hash.digest('hex')
}

/**
 * @param {string} path
 * @returns {string[]} every file at or under it that can end up in the client, in a fixed order
 */
function filesIn(path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false })
  if (found?.isDirectory()) return readdirSync(join(root, path)).sort().flatMap((name) => filesIn(join(path, name)))
  return found && !path.endsWith('.test.ts') ? [path] : []
}
