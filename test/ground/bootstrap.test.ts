// What stands between `npm start` or `npm test` and the real work.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { stripsTypes } from '../../scripts/ground/node.js'
import { root } from '../../scripts/ground/processes.js'
import { countTests } from '../../scripts/ground/vitest.js'

const PROCESSES = pathToFileURL(join(root, 'scripts', 'ground', 'processes.js')).href

/** A bootstrap that hands over to one program, which says "ready" and leaves with 7 at the first SIGTERM. */
function bootstrap(program: string) {
  const script = `import { handOver } from ${JSON.stringify(PROCESSES)}
    process.exitCode = await handOver([{ command: process.execPath, args: ['-e', ${JSON.stringify(program)}] }])`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

test('a Node is taken when it strips types by itself', () => {
  const versions = ['v18.20.0', 'v20.20.2', 'v22.17.1', 'v22.18.0', 'v23.5.0', 'v23.6.0', 'v24.0.0', 'v26.1.0']
  expect(versions.filter(stripsTypes)).toEqual(['v22.18.0', 'v23.6.0', 'v24.0.0', 'v26.1.0'])
})

test("the program's exit code is the bootstrap's", async () => {
  const child = bootstrap('process.exit(3)')
  expect(await once(child, 'exit')).toEqual([3, null])
})

test('a signal that arrives twice, from npm and from the terminal, reaches the program once', async () => {
  const child = bootstrap(`
    let times = 0
    process.on('SIGTERM', () => { times += 1; if (times === 1) setTimeout(() => process.exit(6 + times), 200) })
    console.log('ready')
    setInterval(() => {}, 1000)`)
  await once(child.stdout, 'data')
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGTERM'), 50)
  expect(await once(child, 'exit')).toEqual([7, null])
})

test('every way of failing is counted', () => {
  const file = (status: string, ...tests: string[]) => ({ status, assertionResults: tests.map((one) => ({ status: one })) })
  const report = (numPassedTests: number, numFailedTests: number, ...testResults: ReturnType<typeof file>[]) =>
    ({ numPassedTests, numFailedTests, testResults })
  expect(countTests(report(2, 0, file('passed', 'passed', 'passed')), 0)).toEqual({ passed: 2, failed: 0 })
  expect(countTests(report(1, 1, file('failed', 'passed', 'failed')), 1)).toEqual({ passed: 1, failed: 1 })
  expect(countTests(report(1, 0, file('passed', 'passed'), file('failed')), 1)).toEqual({ passed: 1, failed: 1 })
  expect(countTests(report(1, 0, file('passed', 'passed')), 1)).toEqual({ passed: 1, failed: 1 })
  expect(countTests(report(0, 0), 0)).toEqual({ passed: 0, failed: 1 })
  expect(countTests(undefined, 1)).toEqual({ passed: 0, failed: 1 })
})
