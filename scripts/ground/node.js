// The Node that does the real work: one that runs TypeScript by stripping its types.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Halt } from './halt.js'
import { root, run } from './processes.js'

/** Our own when it is new enough, else the one among the packages. @returns {Promise<string>} its path */
export async function findNode() {
  if (stripsTypes(process.version)) return process.execPath
  const brought = join(root, 'node_modules', '.bin', 'node')
  if (existsSync(brought)) {
    const { code, output } = await run(brought, ['--version'])
    if (code === 0 && stripsTypes(output)) return brought
  }
  throw new Halt(`Skein needs Node 22.18 or newer; this is ${process.version}, and npm brought no Node 24 `
    + `for ${process.platform} ${process.arch}. Install Node 24 (https://nodejs.org) and try again.`)
}

/** Type stripping without a flag came with 22.18 and 23.6. @param {string} version */
export function stripsTypes(version) {
  const [major = 0, minor = 0] = version.trim().replace(/^v/, '').split('.').map(Number)
  return major >= 24 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18)
}
