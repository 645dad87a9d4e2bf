/**
 * A person is deleted: it is written down first, then they can no longer come in, and then each of their documents is dealt with, one after
 * the other. Every step may be done again; a crash is made up for at the next start.
 *
 * - A document that nobody else is in is erased. One that others are in goes on: where nobody else owns it, the eldest editor, or else the
 *   eldest reader, does from now on.
 * - Replies that the person asked for and that are not finished end there.
 * - What the person said to others stays, since it is part of what these said, under the name "Deleted account".
 */
import type { Directory, DirectoryEntry } from './directory/port.ts'
import type { DeletionStore, Deletions } from './identity/deletion-port.ts'
import { stopRunsOf } from './room/advance-run.ts'
import type { Rooms } from './room/port.ts'
import type { Logger } from './telemetry/port.ts'
import { SkeinError } from '../shared/errors.ts'
import { documentKind } from '../shared/ids.ts'
import type { DocumentName, UserId } from '../shared/ids.ts'
import { idsOf } from '../shared/principal.ts'
import type { Timers } from '../shared/timers.ts'

export interface DeletionPorts {
  store: DeletionStore
  directory: Pick<Directory, 'find' | 'listOf' | 'change' | 'remove'>
  rooms: Rooms
  /** Of a document that the directory has as deleted. */
  erase: (name: DocumentName) => Promise<void>
  /** Whatever proved the person proves nobody any more, and what goes on in their name ends. */
  forget: (person: UserId, ids: readonly UserId[]) => Promise<void>
  now: () => number
  timers: Timers
  logger: Pick<Logger, 'error'>
}

export const DELETED_NAME = 'Deleted account'
/** After the disk failed (milliseconds). */
const DELETE_AGAIN_MS = 60_000

export const createDeletions = ({ store, directory, rooms, erase, forget, now, timers, logger }: DeletionPorts): Deletions => {
  const waiting = new Set<() => void>()
  let closed = false

  const leaveDocument = async (name: DocumentName, ids: readonly UserId[]): Promise<void> => {
    const entry = await directory.find(name)
    if (!entry || entry.deletedAt !== null) return
    if (documentKind(name) === 'home' || others(entry, ids).length === 0) {
      await directory.remove(name, now())
      return erase(name)
    }
    if (documentKind(name) === 'conversation') {
      await rooms.use(name, room => room.write(ids[0]!, writer => {
        writer.renameAuthor(ids, DELETED_NAME)
        stopRunsOf(writer, ids, now())
      }))
    }
    // Last: by it the document is found again after a crash.
    await directory.change(name, current => ({ members: withoutPerson(current, ids) }))
  }

  const carryOut = async (person: UserId, ids: readonly UserId[]): Promise<void> => {
    for (const id of ids) {
      for (const { name } of await directory.listOf(id, '')) {
        await leaveDocument(name, ids).catch((error: unknown) => {
          // It was deleted meanwhile.
          if (!(error instanceof SkeinError) || (error.code !== 'gone' && error.code !== 'not-found')) throw error
        })
      }
    }
    await store.done(person)
  }

  const orLater = (person: UserId, ids: readonly UserId[], work: Promise<void>): Promise<void> => work.catch((error: unknown) => {
    if (closed) return
    logger.error({ person, err: error }, 'a deleted account is not gone from all of its documents; it is tried again')
    const cancel = timers.after(DELETE_AGAIN_MS, () => {
      waiting.delete(cancel)
      void orLater(person, ids, forget(person, ids).then(() => carryOut(person, ids)))
    })
    waiting.add(cancel)
  })

  return {
    begin: async principal => {
      const { id } = principal
      const ids = [...idsOf(principal)]
      await store.note(id, ids)
      await forget(id, ids)
      void orLater(id, ids, carryOut(id, ids))
    },
    finish: async () => {
      for (const { person, ids } of await store.unfinished()) {
        await orLater(person, ids, forget(person, ids).then(() => carryOut(person, ids)))
      }
    },
    close: () => {
      closed = true
      for (const cancel of waiting) cancel()
    },
  }
}

const others = ({ members }: DirectoryEntry, ids: readonly UserId[]): UserId[] => [...members.keys()].filter(id => !ids.includes(id))

/** Members stand in the order in which they came. */
const withoutPerson = (entry: DirectoryEntry, ids: readonly UserId[]): DirectoryEntry['members'] => {
  const members = new Map([...entry.members].filter(([id]) => !ids.includes(id)))
  const roles = [...members]
  if (roles.length === 0 || roles.some(([, { role }]) => role === 'owner')) return members
  const [heir, member] = roles.find(([, { role }]) => role === 'editor') ?? roles[0]!
  return members.set(heir, { ...member, role: 'owner' })
}
