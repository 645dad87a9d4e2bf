// `npm run dev`: the server, restarted when its sources change, and the client with hot reload. One Ctrl-C stops both.

import { runMain } from './ground/halt.js'
import { ensureInstalled } from './ground/install.js'
import { findNode } from './ground/node.js'
import { environmentWith, handOver } from './ground/processes.js'

await runMain(async () => {
  await ensureInstalled()
  const node = await findNode()
  const env = environmentWith(node)
  process.exitCode = await handOver([
    { command: node, args: ['--watch', '--watch-preserve-output', 'server/main.ts'], env },
    { command: node, args: ['node_modules/vite/bin/vite.js', 'dev'], env },
  ])
})
