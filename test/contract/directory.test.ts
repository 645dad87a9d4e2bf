/** The contract of the directory, for each of its adapters. */
import { randomFillSync } from 'node:crypto'
import { openLevelDbDirectory } from '../../server/directory/leveldb-directory.ts'
import type { LevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { MemoryDirectory } from '../rig/memory-directory.ts'
import { directoryContract } from './directory.ts'

directoryContract('on LevelDB', async () => {
  const world = await LevelDbWorld.create()
  let log: LevelDbLog | null = null
  return {
    open: async () => {
      await log?.close()
      log = await world.open()
      return openLevelDbDirectory({ store: log.store, random: bytes => randomFillSync(bytes) })
    },
    dispose: () => world.dispose(),
  }
})

directoryContract('in memory', async () => {
  const directory = new MemoryDirectory()
  return { open: async () => directory, dispose: async () => undefined }
})
