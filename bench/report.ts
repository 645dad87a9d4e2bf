/** Results as markdown: a table per workload, medians, and beside each what it is of Skein's. */
import { median } from './measure/numbers.ts'
import { peers } from './servers/peers.ts'
import { workloads } from './workloads/all.ts'
import type { Measured } from './workloads/workload.ts'

export interface Results {
  at: string
  machine: { node: string, cores: number, cpu: string, scale: number }
  /** Workload → peer → runs, with how busy the machine was after each (load average of a minute). */
  rows: Record<string, Record<string, { load: number, measured: Measured }[]>>
  failures: { row: string, peer: string, reason: string }[]
}

/** What the ratios are of, the first that was measured. */
const YARDSTICKS = ['skein', 'skein-requests']

export const report = ({ at, machine, rows, failures }: Results): string => {
  const loads = Object.values(rows).flatMap(row => Object.values(row).flat().map(({ load }) => load))
  const head = `Measured ${at.slice(0, 16).replace('T', ' ')} UTC, Node ${machine.node}, ${machine.cores} cores (${machine.cpu}), ` +
    `load average ${Math.min(...loads).toFixed(1)}–${Math.max(...loads).toFixed(1)}${machine.scale === 1 ? '' : `, scale ${machine.scale}`}.\n`
  const lost = failures.map(({ row, peer, reason }) => `- ${row}, ${peer}: ${reason.split('\n').find(line => line.includes('Error')) ?? reason.split('\n')[0]}\n`)
  return [head, ...Object.entries(rows).map(([row, measured]) => tableOf(row, measured)), ...lost.length > 0 ? [`Failed:\n\n${lost.join('')}`] : []].join('\n')
}

const tableOf = (row: string, measured: Results['rows'][string]): string => {
  const { title, about } = workloads[row]!
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
    `${about} ${runs === 1 ? 'One run.' : `Medians of ${runs} runs.`}\n`,
    `| | ${columns.join(' | ')} |`,
    `|---|${columns.map(() => '---:|').join('')}`,
    ...lines,
    '',
  ].join('\n')
}

const mediansOf = (runs: readonly Measured[]): Measured =>
  Object.fromEntries(Object.keys(runs[0] ?? {}).map(what => [what, median(runs.map(run => run[what]!))]))

/** The value, and in brackets how many times Skein's it is. */
const cell = (value: number | undefined, of: number | undefined): string => {
  if (value === undefined || value === null) return '–'
  const ratio = of && value && value !== of ? ` (${rounded(value / of)}×)` : ''
  return `${rounded(value)}${ratio}`
}

const rounded = (value: number): string => Number.isNaN(value) ? '–' : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : String(Math.round(value * 100) / 100)
