// `npm test`: everything between a fresh clone and a verdict. It always ends with one line, "N passed, N failed";
// a check, a build or a coverage threshold that fails counts as one failure beside the failed tests.

import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBrowser } from './ground/browser.js'
import { failedChecks } from './ground/checks.js'
import { ensureClientBuilt } from './ground/client-build.js'
import { describe, measure } from './ground/coverage.js'
import { runMain } from './ground/halt.js'
import { ensureInstalled } from './ground/install.js'
import { ensureNginx } from './ground/nginx.js'
import { findNode } from './ground/node.js'
import { ensurePostgres } from './ground/postgres.js'
import { root } from './ground/processes.js'
import { runVitest } from './ground/vitest.js'

const childrenFolder = join(root, '.cache', 'coverage-of-servers')
const long = process.argv.includes('--long')

await runMain(async () => {
  await ensureInstalled()
  const node = await findNode()
  // Beside the tests, many of which wait.
  const checking = failedChecks(node, { aside: true })
  const [browser, , nginx, postgres] = await Promise.all([
    ensureBrowser(node), ensureClientBuilt(node), ensureNginx(), ensurePostgres(),
  ]).catch(async (error) => {
    await checking
    throw error
  })

  rmSync(childrenFolder, { recursive: true, force: true })
  mkdirSync(childrenFolder, { recursive: true })
  const tests = await runVitest(node, {
    SKEIN_CHROMIUM: browser,
    ...nginx ? { SKEIN_NGINX: nginx } : {},
    ...postgres ? { SKEIN_POSTGRES: postgres } : {},
    SKEIN_COVERAGE_DIR: childrenFolder,
    ...long ? { SKEIN_LONG: '1' } : {},
  })

  const failed = await checking
  const groups = measure({ root, vitestReport: join(root, 'coverage', 'coverage-final.json'), childrenFolder })
  console.log(`\n${describe(groups)}`)
  for (const check of failed) console.log(`✗ ${check}: failed, see above`)

  const failures = tests.failed + failed.length + groups.filter(({ enough }) => !enough).length
  console.log(`\n${tests.passed} passed, ${failures} failed`)
  process.exitCode = failures === 0 ? 0 : 1
}, () => console.log('\n0 passed, 1 failed'))
