/** Results as markdown: a table per workload, medians, and beside each what it is of Skein's. */
import { median } from './measure/numbers.ts'
import { peers } from './servers/peers.ts'
import { workloads } from './workloads/all.ts'
import type { Measured } from './workloads/workload.ts'

/** By workload; a row that is measured again takes the place of the old one. */
export type Results = Record<string, Row>

export interface Row {
  at: string
  machine: { node: string, cores: number, cpu: string }
  scale: number
  /**
   * By peer: its runs, with how busy the machine was after each (load average of a minute), and how much of the time in which it wanted to
   * work its host gave to others (percent; earlier results do not say).
   */
  peers: Record<string, { load: number, stolen?: number, measured: Measured }[]>
  /** By peer: why it has a run less. */
  failures: Record<string, string>
}

/** What the ratios are of, the first that was measured. */
const YARDSTICKS = ['skein', 'skein-requests']

/** In the order of {@link workloads}. */
export const report = (results: Results): string =>
  Object.keys(workloads).flatMap(row => results[row] ? [tableOf(row, results[row])] : []).join('\n')

const tableOf = (row: string, { at, machine, scale, peers: measured, failures }: Row): string => {
  const { title, about } = workloads[row]!
  const loads = Object.values(measured).flat().map(({ load }) => load)
  const thefts = Object.values(measured).flat().flatMap(({ stolen }) => stolen ?? [])
  const medians = new Map(Object.entries(measured).map(([peer, runs]) => [peer, mediansOf(runs.map(run => run.measured))]))
  const columns = [...new Set([...medians.values()].flatMap(values => Object.keys(values)))]
  const yardstick = YARDSTICKS.map(peer => medians.get(peer)).find(values => values !== undefined)
  const lines = Object.keys(peers).flatMap(peer => {
    const values = medians.get(peer)
    return values ? [`| ${peers[peer]!.title} | ${columns.map(column => cell(values[column], yardstick?.[column])).join(' | ')} |`] : []
  })
  const runs = Math.max(0, ...Object.values(measured).map(({ length }) => length))
  return [
    `### \`${row}\`: ${title}\n`,
    `${about} ${runs === 1 ? 'One run' : `Medians of ${runs} runs`}${scale === 1 ? '' : ` at ${scale} of that`}, ${at.slice(0, 10)}, ` +
      `Node ${machine.node}, ${machine.cores} cores, load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}` +
      `${thefts.length === 0 ? '' : `, ${Math.min(...thefts).toFixed(0)} to ${Math.max(...thefts).toFixed(0)} % of its time taken by other machines`}.\n`,
    `| | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---:|').join('')}`,
    ...lines,
    '',
    ...Object.entries(failures).map(([peer, reason]) => `${peers[peer]!.title} failed: ${reason}\n`),
  ].join('\n')
}

const mediansOf = (runs: readonly Measured[]): Measured =>
  Object.fromEntries(Object.keys(runs[0] ?? {}).map(what => [what, median(runs.map(run => run[what] ?? NaN))]))

/** The value, and in brackets how many times Skein's it is. */
const cell = (value: number | undefined, of: number | undefined): string => {
  if (value === undefined || value === null) return '–'
  const ratio = of && value && value !== of ? ` (${rounded(value / of)}×)` : ''
  return `${rounded(value)}${ratio}`
}

const rounded = (value: number): string => {
  if (Number.isNaN(value)) return '–'
  if (value >= 100) return value.toFixed(0)
  return value >= 10 ? value.toFixed(1) : String(Math.round(value * 100) / 100)
}
