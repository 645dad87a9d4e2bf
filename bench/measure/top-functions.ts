/**
 * Where a profiled server spent its time: `node bench/measure/top-functions.ts <file.cpuprofile> [seconds]`, of the last so many seconds of
 * its life only, when they are given: what is measured stands at the end.
 */
import { readFileSync } from 'node:fs'

interface Profile {
  nodes: { id: number, callFrame: { functionName: string, url: string, lineNumber: number } }[]
  samples: number[]
  /** Microseconds since the sample before. */
  timeDeltas: number[]
}

const LINES = 20

const [, , file = '', last = 'Infinity'] = process.argv
const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile
const nameOf = new Map(nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
  const where = url.replace(/^.*\/(node_modules\/|server\/|shared\/)/, '$1')
  return [id, `${functionName || '(anonymous)'}${where ? ` ${where}:${lineNumber + 1}` : ''}`]
}))
const self = new Map<string, number>()
let left = Number(last) * 1e6
for (let i = samples.length - 1; i >= 0 && left > 0; left -= timeDeltas[i--]!) {
  const name = nameOf.get(samples[i]!)!
  if (name !== '(idle)') self.set(name, (self.get(name) ?? 0) + timeDeltas[i]!)
}
const total = [...self.values()].reduce((sum, time) => sum + time, 0)
console.log(`${(total / 1e6).toFixed(2)} s not idle`)
for (const [name, time] of [...self].sort(([, a], [, b]) => b - a).slice(0, LINES)) {
  console.log(`${(time / total * 100).toFixed(1).padStart(5)} %  ${name}`)
}
