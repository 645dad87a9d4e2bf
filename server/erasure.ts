/** Erasing what the directory has as deleted: nothing goes on with it, and nothing of it stays. */
import type { Driver } from './agents/driver.ts'
import type { Directory } from './directory/port.ts'
import type { RoomRegistry } from './room/rooms.ts'
import type { DocumentName } from '../shared/ids.ts'

export interface ErasurePorts {
  driver: Pick<Driver, 'abandon'>
  rooms: Pick<RoomRegistry, 'erase'>
  directory: Pick<Directory, 'toErase' | 'erased'>
}

export interface Erasure {
  /** Called when the tombstone stands, durably. A crash before the end is made up for by {@link finish}. */
  erase(name: DocumentName): Promise<void>
  /** What an earlier process did not finish; at every start, before anybody is let in. */
  finish(): Promise<void>
}

export const createErasure = ({ driver, rooms, directory }: ErasurePorts): Erasure => {
  const erase = async (name: DocumentName): Promise<void> => {
    const abandoned = driver.abandon(name)
    await rooms.erase(name)
    await abandoned
    await directory.erased(name)
  }
  return {
    erase,
    finish: async () => {
      for (const name of await directory.toErase()) await erase(name)
    }
  }
}
