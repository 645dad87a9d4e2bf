// What is checked without running anything of ours: types, components, lint.

import { cpus } from 'node:os'
import { environmentWith, run } from './processes.js'

const CHECKS = [
  {
    name: 'types (server, shared, SDK, tests)',
    program: 'node_modules/typescript/bin/tsc',
    args: ['--noEmit', '--pretty'],
  },
  {
    name: 'types (app)',
    program: 'node_modules/svelte-check/bin/svelte-check',
    args: ['--workspace', 'client/app', '--tsconfig', './tsconfig.json', '--output', 'human', '--fail-on-warnings'],
  },
  {
    name: 'lint',
    program: 'node_modules/eslint/bin/eslint.js',
    args: ['.', '--max-warnings', '0'],
  },
]

/**
 * Run every check, as many at once as there are cores, and print the output of those that fail.
 * @param {string} node
 * @param {{ aside?: boolean }} [options] aside: what else runs comes first
 * @returns {Promise<string[]>} the names of the failed checks
 */
export async function failedChecks(node, { aside = false } = {}) {
  const env = environmentWith(node, { FORCE_COLOR: process.stdout.isTTY ? '1' : '0' })
  const waiting = [...CHECKS]
  /** @type {string[]} */
  const failed = []
  const worker = async () => {
    for (let check = waiting.shift(); check; check = waiting.shift()) {
      const { code, output } = await run(node, [check.program, ...check.args], { env, aside })
      console.log(`${code === 0 ? '✓' : '✗'} ${check.name}`)
      if (code === 0) continue
      failed.push(check.name)
      console.log(output)
    }
  }
  await Promise.all(Array.from({ length: Math.min(cpus().length, CHECKS.length) }, worker))
  return failed
}
