// `npm run dev`: the server, restarted when its sources change, and the client with hot reload. One Ctrl-C stops both.

import { runMain } from './ground/halt.js'
import { ensureInstalled } from './ground/install.js'
import { findNode } from './ground/node.js'
import { environmentWith, handOver } from './ground/processes.js'
import { serverProgram } from './ground/server.js'

await runMain(async () => {
  await ensureInstalled()
  const node = await findNode()
  process.exitCode = await handOver([
    serverProgram(node, ['--watch', '--watch-preserve-output', 'server/main.ts']),
    { command: node, args: ['node_modules/vite/bin/vite.js', 'dev'], env: environmentWith(node) },
  ])
})
