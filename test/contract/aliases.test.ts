/** The contract of the aliases, for each of its adapters. */
import { openLevelDbAliases } from '../../server/identity/aliases/leveldb-aliases.ts'
import type { LevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { LevelDbWorld } from '../rig/leveldb-world.ts'
import { aliasesContract } from './aliases.ts'

aliasesContract('on LevelDB', async () => {
  const world = await LevelDbWorld.create()
  let log: LevelDbLog | null = null
  return {
    open: async () => {
      await log?.close()
      log = await world.open()
      return openLevelDbAliases(log.store)
    },
    crash: () => world.crash(),
    failNext: when => world.failNext(when),
    dispose: () => world.dispose(),
  }
})
