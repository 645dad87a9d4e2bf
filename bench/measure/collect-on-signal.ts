/** Loaded into every measured server: on SIGUSR2 it collects garbage and writes what memory is left to BENCH_MEMORY_FILE. */
import { renameSync, writeFileSync } from 'node:fs'

process.on('SIGUSR2', () => {
  globalThis.gc?.()
  globalThis.gc?.()
  const file = process.env['BENCH_MEMORY_FILE']!
  writeFileSync(`${file}.new`, JSON.stringify(process.memoryUsage()))
  renameSync(`${file}.new`, file)
})
