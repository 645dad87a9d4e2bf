/**
 * Loaded into every measured server: writes what it is asked for by a signal into a file of BENCH_TELL_FOLDER.
 * SIGUSR2: collects garbage, and what memory is left. SIGWINCH: the delay of the event loop since it was asked last (the longest, and
 * that which one look in a hundred was longer than, each with the time between two looks), and the most CPU time that its thread took
 * between two looks: what it works without a pause, also where others take the processor away from it.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'

const tell = (file: string, what: unknown): void => {
  const path = join(process.env['BENCH_TELL_FOLDER']!, file)
  writeFileSync(`${path}.new`, JSON.stringify(what))
  renameSync(`${path}.new`, path)
}

process.on('SIGUSR2', () => {
  globalThis.gc?.()
  globalThis.gc?.()
  tell('memory.json', process.memoryUsage())
})

/** Only from the first question on: watching costs a little. */
let loop: ReturnType<typeof monitorEventLoopDelay> | null = null
process.on('SIGWINCH', () => {
  tell('loop.json', { delayMs: (loop?.max ?? 0) / 1e6, p99Ms: (loop?.percentile(99) ?? 0) / 1e6, workMs: work / 1000 })
  if (!loop) setInterval(look, LOOK_MS).unref()
  loop ??= monitorEventLoopDelay({ resolution: LOOK_MS })
  loop.enable()
  loop.reset()
  look()
  work = 0
})

const LOOK_MS = 2
/** CPU time in microseconds: the most, and at the last look. */
let [work, used] = [0, 0]
const look = (): void => {
  const { user, system } = process.threadCpuUsage()
  work = Math.max(work, user + system - used)
  used = user + system
}
