// Statement coverage of the modules that hold people's data, counted over the tests and over the servers they started.
//
// Vitest writes what its own processes ran, as statements (istanbul's form). The servers that tests start write what V8
// counted, as ranges of the source: Node strips types in place, so an offset is one in the .ts file. A statement is
// covered when either saw it run.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/**
 * @typedef {{ startOffset: number, endOffset: number, count: number }} Range
 * @typedef {{ url: string, functions: { ranges: Range[] }[] }} Script
 * @typedef {{ line: number, column: number }} Position
 * @typedef {{ statementMap: Record<string, { start: Position }>, s: Record<string, number> }} FileCoverage
 * @typedef {{ file: string, statements: number, covered: number }} Tally
 * @typedef {{ name: string, statements: number, covered: number, files: Tally[], enough: boolean }} Group
 */

/** In per cent of statements; the persistence modules must reach it. */
export const LEAST = 80

/** @type {{ name: string, folder: string }[]} */
export const GROUPS = ['server/gate', 'server/log', 'server/room', 'client/sync'].map((name) => ({ name, folder: `${name}/` }))

/**
 * @param {{ root: string, vitestReport: string, childrenFolder: string, groups?: typeof GROUPS }} where
 * @returns {Group[]}
 */
export function measure({ root, vitestReport, childrenFolder, groups = GROUPS }) {
  /** @type {Record<string, FileCoverage>} */
  const report = existsSync(vitestReport) ? JSON.parse(readFileSync(vitestReport, 'utf8')) : {}
  const children = readChildren(root, childrenFolder)
  const tallies = Object.entries(report).map(([path, coverage]) => tally(root, path, coverage, children))
  return groups.map(({ name, folder }) => {
    const files = tallies.filter(({ file }) => file.startsWith(folder))
    const statements = sum(files.map((file) => file.statements))
    const covered = sum(files.map((file) => file.covered))
    return { name, statements, covered, files, enough: statements > 0 && percent(covered, statements) >= LEAST }
  })
}

/** A table for the terminal, and under it a line for each group that has too little. @param {Group[]} groups */
export function describe(groups) {
  const lines = groups.map(({ name, statements, covered, enough }) =>
    `${enough ? '✓' : '✗'} ${name.padEnd(14)}${percent(covered, statements).toFixed(1).padStart(6)} %  ${covered} of ${statements} statements`)
  const lacking = groups.filter(({ enough }) => !enough).map(({ name, files }) => {
    const gaps = files.map(({ file, statements, covered }) => ({ file, lacks: statements - covered }))
    const worst = gaps.filter(({ lacks }) => lacks > 0).sort((a, b) => b.lacks - a.lacks).slice(0, 3)
    const where = worst.map(({ file, lacks }) => `${file} lacks ${lacks}`).join(', ')
    return `${name} has less than ${LEAST} % of its statements covered${where ? `: ${where}` : ': it has none at all'}.`
  })
  return ['Coverage of what holds data, servers started by tests included:', ...lines, ...lacking].join('\n')
}

/**
 * @param {string} root
 * @param {string} path
 * @param {FileCoverage} coverage
 * @param {Map<string, Script[]>} children
 * @returns {Tally}
 */
function tally(root, path, { statementMap, s }, children) {
  const scripts = children.get(pathToFileURL(path).href) ?? []
  const offsetOf = scripts.length > 0 ? offsets(readFileSync(path, 'utf8')) : () => 0
  const statements = Object.entries(statementMap)
  /** @param {typeof statements[number]} statement */
  const ran = ([id, { start }]) => (s[id] ?? 0) > 0 || scripts.some((script) => countAt(script, offsetOf(start)) > 0)
  return { file: path.slice(root.length + 1), statements: statements.length, covered: statements.filter(ran).length }
}

/** What the children left, by the URL of our source file. @param {string} root @param {string} folder */
function readChildren(root, folder) {
  /** @type {Map<string, Script[]>} */
  const byUrl = new Map()
  const ours = `${pathToFileURL(root).href}/`
  for (const name of existsSync(folder) ? readdirSync(folder) : []) {
    for (const script of scriptsIn(join(folder, name))) {
      if (!script.url.startsWith(ours) || script.url.includes('/node_modules/')) continue
      const url = script.url.replace(/[?#].*$/, '')
      byUrl.set(url, [...byUrl.get(url) ?? [], script])
    }
  }
  return byUrl
}

/** A child that was killed while it wrote leaves half a file; it counts for nothing. @param {string} file @returns {Script[]} */
function scriptsIn(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).result ?? []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

/** V8's count at an offset is that of the smallest range around it. @param {Script} script @param {number} offset */
export function countAt(script, offset) {
  let size = Infinity
  let found = 0
  for (const { ranges } of script.functions) {
    for (const { startOffset, endOffset, count } of ranges) {
      if (offset < startOffset || offset >= endOffset || endOffset - startOffset > size) continue
      size = endOffset - startOffset
      found = count
    }
  }
  return found
}

/** @param {string} source @returns {(position: Position) => number} from line (1…) and column (0…) to offset */
function offsets(source) {
  const starts = [0]
  for (let at = source.indexOf('\n'); at !== -1; at = source.indexOf('\n', at + 1)) starts.push(at + 1)
  return ({ line, column }) => (starts[line - 1] ?? 0) + column
}

/** @param {number} part @param {number} whole */
function percent(part, whole) {
  return whole === 0 ? 0 : 100 * part / whole
}

/** @param {number[]} numbers */
function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0)
}
