/** A {@link LevelDbWorld} for each test of a file. */
import { afterEach, beforeEach } from 'vitest'
import { LevelDbWorld } from './leveldb-world.ts'
import type { LevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'

/** `log`: the one that was opened last. */
export const levelDbForEachTest = (): { readonly world: LevelDbWorld, readonly log: LevelDbLog } => {
  let world: LevelDbWorld
  beforeEach(async () => {
    world = await LevelDbWorld.create()
    await world.open()
  })
  afterEach(() => world.dispose())
  return {
    get world() { return world },
    get log() { return world.log },
  }
}
