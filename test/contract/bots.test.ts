/** The contract of bots, for each of its adapters. */
import { randomFillSync } from 'node:crypto'
import { openLevelDbBots } from '../../server/identity/bots/leveldb-bots.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { botsContract } from './bots.ts'

botsContract('on LevelDB', async () => {
  const level = await LevelDbWorld.create()
  const world = {
    now: 1,
    open: async () => {
      const { store } = await level.reopen()
      return openLevelDbBots({ store, random: bytes => randomFillSync(bytes), now: () => world.now })
    },
    crash: () => level.crash(),
    failNext: (when: 'before' | 'after') => level.failNext(when),
    dispose: () => level.dispose(),
  }
  return world
})
