/** The contract of the directory, for each of its adapters. */
import { randomFillSync } from 'node:crypto'
import { openLevelDbDirectory } from '../../server/directory/leveldb-directory.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { MemoryDirectory } from '../rig/memory-directory.ts'
import { directoryContract } from './directory.ts'

directoryContract('on LevelDB', async () => {
  const world = await LevelDbWorld.create()
  return {
    open: async () => openLevelDbDirectory({ store: (await world.reopen()).store, random: bytes => randomFillSync(bytes) }),
    dispose: () => world.dispose(),
  }
})

directoryContract('in memory', async () => {
  const directory = new MemoryDirectory()
  return { open: async () => directory, dispose: async () => undefined }
})
