// One run of all tests with coverage, and how many passed and failed.

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { environmentWith, root, run } from './processes.js'

const report = join(root, '.cache', 'vitest.json')

/**
 * @param {string} node
 * @param {Record<string, string>} env
 */
export async function runVitest(node, env) {
  rmSync(report, { force: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const { code } = await run(node, [vitest, 'run', '--coverage', ...reporters], { env: environmentWith(node, env), show: true })
  return countTests(existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined, code)
}

/**
 * @typedef {{ status: string, assertionResults: { status: string }[] }} FileResult
 * @typedef {{ numPassedTests: number, numFailedTests: number, testResults: FileResult[] }} Report
 */

/**
 * A file that could not be loaded, or a run that failed without a failed test (an unhandled error), is a
 * failure too; so is a run that found nothing to do.
 * @param {Report | undefined} report
 * @param {number} code the exit code of the run
 */
export function countTests(report, code) {
  if (!report || report.testResults.length === 0) return { passed: 0, failed: 1 }
  const broken = report.testResults.filter(({ status, assertionResults }) =>
    status === 'failed' && !assertionResults.some((result) => result.status === 'failed'))
  const failed = report.numFailedTests + broken.length
  return { passed: report.numPassedTests, failed: failed === 0 && code !== 0 ? 1 : failed }
}
