// `npm run bench`: installs what is missing here and in the repository, finds a Node that runs TypeScript, and starts the benchmarks.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runMain } from '../scripts/ground/halt.js'
import { ensureInstalled } from '../scripts/ground/install.js'
import { findNode } from '../scripts/ground/node.js'
import { environmentWith, handOver } from '../scripts/ground/processes.js'

const here = dirname(fileURLToPath(import.meta.url))

await runMain(async () => {
  await ensureInstalled()
  if (!existsSync(join(here, 'node_modules', 'y-websocket'))) {
    const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: here, stdio: 'inherit' })
    if (status !== 0) process.exit(status ?? 1)
  }
  const node = await findNode()
  process.exitCode = await handOver([{ command: node, args: [join(here, 'run.ts'), ...process.argv.slice(2)], env: environmentWith(node) }])
})
