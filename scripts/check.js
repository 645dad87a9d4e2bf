// `npm run check`: types and lint.

import { failedChecks } from './ground/checks.js'
import { Halt, runMain } from './ground/halt.js'
import { ensureInstalled } from './ground/install.js'
import { findNode } from './ground/node.js'

await runMain(async () => {
  await ensureInstalled()
  const failed = await failedChecks(await findNode())
  if (failed.length > 0) throw new Halt(`failed: ${failed.join(', ')}; the reasons stand above.`)
})
