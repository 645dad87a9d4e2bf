// Coverage counts what servers ran that tests had spawned, beside what the tests ran themselves.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { countAt, describe as print, measure } from '../../scripts/ground/coverage.js'

const SOURCE = `interface Wörter { longer: 'than → its JavaScript 😀' }
export function pick(x: number, _more?: Wörter): string {
  if (x > 5) {
    return 'big'
  }
  return 'small'
}
console.log(pick(7))
`

/** Statements as istanbul would map them: the first column of lines 3, 4, 6 and 8. */
const STATEMENTS = { 0: [3, 2], 1: [4, 4], 2: [6, 2], 3: [8, 0] }

function project(seenByTests: number[]) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'skein-coverage-')))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const file = join(root, 'server', 'log', 'pick.ts')
  mkdirSync(join(root, 'server', 'log'), { recursive: true })
  writeFileSync(file, SOURCE)
  const statementMap = Object.fromEntries(Object.entries(STATEMENTS)
    .map(([id, [line, column]]) => [id, { start: { line, column }, end: { line, column } }]))
  const s = Object.fromEntries(Object.keys(STATEMENTS).map((id, index) => [id, seenByTests[index] ?? 0]))
  const vitestReport = join(root, 'coverage-final.json')
  writeFileSync(vitestReport, JSON.stringify({ [file]: { path: file, statementMap, s } }))
  const childrenFolder = join(root, 'children')
  mkdirSync(childrenFolder)
  return { file, where: { root, vitestReport, childrenFolder, groups: [{ name: 'server/log', folder: 'server/log/' }] } }
}

test('a statement that only a spawned server ran is covered', () => {
  const { file, where } = project([0, 0, 0, 0])
  expect(measure(where)[0]).toMatchObject({ statements: 4, covered: 0, enough: false })
  const child = spawnSync(process.execPath, [file], { env: { ...process.env, NODE_V8_COVERAGE: where.childrenFolder } })
  expect(child.stdout.toString()).toBe('big\n')
  expect(measure(where)[0]).toMatchObject({ statements: 4, covered: 3, enough: false })
})

test('a statement counts when either the tests or a server ran it', () => {
  const { file, where } = project([1, 0, 1, 0])
  spawnSync(process.execPath, [file], { env: { ...process.env, NODE_V8_COVERAGE: where.childrenFolder } })
  expect(measure(where)[0]).toMatchObject({ covered: 4, enough: true })
})

test('a report that a killed server left half written counts for nothing', () => {
  const { where } = project([1, 1, 1, 1])
  writeFileSync(join(where.childrenFolder, 'coverage-1-2-0.json'), '{"result":[{"url":"file')
  expect(measure(where)[0]).toMatchObject({ covered: 4, enough: true })
})

test('too little coverage is said in one line that names the file', () => {
  const { where } = project([1, 1, 0, 0])
  expect(print(measure(where))).toContain(
    'server/log has less than 80 % of its statements covered: server/log/pick.ts lacks 2.')
})

test('a group without any statement does not pass', () => {
  const { where } = project([1, 1, 1, 1])
  const [group] = measure({ ...where, groups: [{ name: 'server/room', folder: 'server/room/' }] })
  expect(group).toMatchObject({ statements: 0, enough: false })
})

test("V8's count at an offset is that of the smallest range around it", () => {
  const ranges = [{ startOffset: 0, endOffset: 100, count: 3 }, { startOffset: 20, endOffset: 40, count: 0 }]
  const script = { url: '', functions: [{ ranges }, { ranges: [{ startOffset: 30, endOffset: 35, count: 2 }] }] }
  expect([10, 25, 32, 40, 100].map((offset) => countAt(script, offset))).toEqual([3, 0, 2, 3, 0])
})
