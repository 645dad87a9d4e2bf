// `npm start`: everything between a fresh clone and a served page. Runs under Node 18, serves under Node 24.

import { ensureClientBuilt } from './ground/client-build.js'
import { runMain } from './ground/halt.js'
import { ensureInstalled } from './ground/install.js'
import { findNode } from './ground/node.js'
import { handOver } from './ground/processes.js'
import { serverProgram } from './ground/server.js'

await runMain(async () => {
  await ensureInstalled()
  const node = await findNode()
  await ensureClientBuilt(node)
  process.exitCode = await handOver([serverProgram(node, ['server/main.ts', ...process.argv.slice(2)])])
})
