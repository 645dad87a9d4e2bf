/** Erasing what the directory has as deleted: nothing goes on with it, and nothing of it stays. */
import type { Driver } from './agents/driver.ts'
import type { Directory } from './directory/port.ts'
import type { RoomRegistry } from './room/rooms.ts'
import type { Logger } from './telemetry/port.ts'
import type { DocumentName } from '../shared/ids.ts'
import type { Timers } from '../shared/timers.ts'

export interface ErasurePorts {
  driver: Pick<Driver, 'abandon'>
  rooms: Pick<RoomRegistry, 'erase'>
  directory: Pick<Directory, 'toErase' | 'erased'>
  timers: Timers
  logger: Pick<Logger, 'error'>
}

export interface Erasure {
  /**
   * Called when the tombstone stands, durably. Where the disk fails it is tried again until it is done; a crash before that is made up for
   * by {@link finish}.
   */
  erase(name: DocumentName): Promise<void>
  /** What an earlier process did not finish; at every start, before anybody is let in. */
  finish(): Promise<void>
  /** Tries nothing again. */
  close(): void
}

/** After the disk failed (milliseconds). */
export const ERASE_AGAIN_MS = 60_000

export const createErasure = ({ driver, rooms, directory, timers, logger }: ErasurePorts): Erasure => {
  const waiting = new Map<DocumentName, () => void>()
  let closed = false

  const eraseNow = async (name: DocumentName): Promise<void> => {
    const abandoned = driver.abandon(name)
    await rooms.erase(name)
    await abandoned
    await directory.erased(name)
  }
  const erase = (name: DocumentName): Promise<void> => eraseNow(name).catch((error: unknown) => {
    if (!closed) {
      logger.error({ document: name, err: error }, 'what was deleted may still be on the disk; it is tried again')
      waiting.get(name)?.()
      waiting.set(name, timers.after(ERASE_AGAIN_MS, () => void erase(name).catch(() => {})))
    }
    throw error
  })

  return {
    erase,
    finish: async () => {
      for (const name of await directory.toErase()) await eraseNow(name)
    },
    close: () => {
      closed = true
      for (const cancel of waiting.values()) cancel()
    }
  }
}
