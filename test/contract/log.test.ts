/** The contract of the log, for each of its adapters. */
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { MemoryDisk, openMemoryLog } from '../rig/memory-log.ts'
import type { MemoryLog } from '../rig/memory-log.ts'
import { logContract } from './log.ts'

logContract('on LevelDB', () => LevelDbWorld.create())

logContract('in memory', async () => {
  const disk = new MemoryDisk()
  let log: MemoryLog | null = null
  return {
    open: async () => log = openMemoryLog(disk),
    crash: async () => undefined,
    failNext: when => log?.failNext(when),
    traces: async name => disk.documents.has(name) ? 1 : 0,
    dispose: async () => undefined,
  }
})
