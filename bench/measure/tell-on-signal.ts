/**
 * Loaded into every measured server: writes what it is asked for by a signal into a file of BENCH_TELL_FOLDER.
 * SIGUSR2: collects garbage, and what memory is left. SIGWINCH: the longest delay of the event loop since it was asked last.
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
  tell('loop.json', { longestMs: (loop?.max ?? 0) / 1e6 })
  loop ??= monitorEventLoopDelay({ resolution: 2 })
  loop.enable()
  loop.reset()
})
