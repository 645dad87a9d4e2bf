/**
 * Keeps the root `members` of conversations, which is for display, as the directory has it: written through the room, so that everybody who
 * has the conversation open sees who came, who went, and who may do what.
 */
import { SkeinError } from '../../shared/errors.ts'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Directory, DirectoryListener } from '../directory/port.ts'
import type { Logger } from '../telemetry/port.ts'
import type { Rooms } from './port.ts'

export interface RosterPorts {
  directory: Pick<Directory, 'find'>
  rooms: Rooms
  logger: Pick<Logger, 'warn'>
}

/** @returns to be told of every change of the directory */
export const createRoster = ({ directory, rooms, logger }: RosterPorts): DirectoryListener => {
  /** Being written; true: it has changed once more since. */
  const writing = new Map<DocumentName, boolean>()

  const write = (name: DocumentName): Promise<void> => rooms.use(name, async room => {
    // As it is by now: what comes after this read is another round.
    const entry = await directory.find(name)
    if (entry?.deletedAt === null) await room.write('server', writer => writer.setMembers(entry.members))
  })

  const follow = async (name: DocumentName): Promise<void> => {
    do {
      writing.set(name, false)
      await write(name).catch((error: unknown) => {
        const isOver = error instanceof SkeinError && (error.code === 'gone' || error.code === 'unavailable')
        if (!isOver) logger.warn({ document: name, err: error }, 'the members that a conversation shows may not be those that it has')
      })
    } while (writing.get(name))
    writing.delete(name)
  }

  return ({ name }) => {
    if (documentKind(name) !== 'conversation') return
    if (writing.has(name)) writing.set(name, true)
    else void follow(name)
  }
}
