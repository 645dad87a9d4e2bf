/**
 * Side by side: every peer does every workload, interleaved in one run, each time with a fresh server and clients in their own process.
 *
 *   npm run bench -- --only rooms,kill --peers skein,relay --repeat 3
 *
 * Options: `--scale 0.1` does a tenth (to try it out), `--out <name>` names the results, `--profile <folder>` profiles the servers.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readTicks, stolenPercent } from './measure/stolen.ts'
import { report } from './report.ts'
import type { Results } from './report.ts'
import { peers } from './servers/peers.ts'
import { workloads } from './workloads/all.ts'
import type { Measured } from './workloads/workload.ts'

const here = dirname(fileURLToPath(import.meta.url))
const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    peers: { type: 'string' },
    repeat: { type: 'string', default: '1' },
    scale: { type: 'string', default: '1' },
    out: { type: 'string', default: 'latest' },
    profile: { type: 'string' },
  },
})

const chosen = (given: string | undefined, known: Record<string, unknown>, what: string): string[] => {
  const names = given?.split(',') ?? Object.keys(known)
  const unknown = names.filter(name => !(name in known))
  if (unknown.length > 0) throw new Error(`There is no ${what} ${unknown.join(', ')}; there are: ${Object.keys(known).join(', ')}`)
  return names
}

const measureOne = (row: string, peer: string): Promise<Measured> => new Promise((resolve, reject) => {
  const profile = values.profile === undefined ? [] : ['--profile', values.profile]
  const child = spawn(process.execPath, [join(here, 'measure-one.ts'), '--row', row, '--peer', peer, '--scale', values.scale, ...profile], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [output, errors] = ['', '']
  child.stdout.on('data', chunk => { output += String(chunk) })
  child.stderr.on('data', chunk => { errors += String(chunk) })
  child.once('close', code => {
    if (code === 0) resolve(JSON.parse(output.trim().split('\n').pop()!) as Measured)
    else reject(new Error(errors.trim().slice(-1500)))
  })
})

const rows = chosen(values.only, workloads, 'row')
const names = chosen(values.peers, peers, 'peer')
const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model ?? '' }
const results: Results = Object.fromEntries(rows.map(row =>
  [row, { at: new Date().toISOString(), machine, scale: Number(values.scale), peers: {}, failures: {} }]))
for (let round = 0; round < Number(values.repeat); round++) {
  for (const row of rows) {
    // Another one begins every time, so that nobody always has the quiet moment.
    const first = round % names.length
    const turn = [...names.slice(first), ...names.slice(0, first)].filter(name => workloads[row]!.takes(peers[name]!))
    for (const name of turn) {
      try {
        const before = readTicks()
        const measured = await measureOne(row, name)
        const stolen = stolenPercent(before, readTicks())
        const runs = results[row]!.peers[name] ??= []
        runs.push({ load: loadavg()[0]!, ...stolen !== undefined && { stolen }, measured })
        console.log(`${row} · ${name}: ${Object.entries(measured).map(([what, value]) => `${what} ${Math.round(value * 100) / 100}`).join(', ')}`)
      } catch (error) {
        results[row]!.failures[name] = /\w*Error: .*/.exec((error as Error).message)?.[0] ?? 'for no reason that it gave'
        console.error(`${row} · ${name} failed:\n${(error as Error).message}`)
      }
    }
  }
}
const file = (ending: string): string => join(here, 'results', `${values.out}.${ending}`)
mkdirSync(join(here, 'results'), { recursive: true })
const before = existsSync(file('json')) ? JSON.parse(readFileSync(file('json'), 'utf8')) as Results : {}
const all = { ...before, ...results }
writeFileSync(file('json'), `${JSON.stringify(all, null, 1)}\n`)
writeFileSync(file('md'), report(all))
console.log(`\n${report(results)}`)
