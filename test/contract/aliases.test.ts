/** The contract of the aliases, for each of its adapters. */
import { openLevelDbAliases } from '../../server/identity/aliases/leveldb-aliases.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { aliasesContract } from './aliases.ts'

aliasesContract('on LevelDB', async () => {
  const world = await LevelDbWorld.create()
  return {
    open: async () => openLevelDbAliases((await world.reopen()).store),
    crash: () => world.crash(),
    failNext: when => world.failNext(when),
    dispose: () => world.dispose(),
  }
})
