/** Who may do what with which conversation. The directory decides; to a stranger a conversation does not exist. */
import { SkeinError } from '../../shared/errors.ts'
import { conversationName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { memberRole } from '../room/access.ts'
import type { Directory, DirectoryEntry } from '../directory/port.ts'

export interface Access {
  name: DocumentName
  id: string
  entry: DirectoryEntry
  role: Role
}

export interface Gatekeeper {
  /** @throws SkeinError `not-found` to who is not a member, as if there were no such conversation */
  enter(id: string, principal: Principal): Promise<Access>
  /** Like {@link enter}, and makes the conversation the principal's own when nobody has it. */
  create(id: string, principal: Principal): Promise<Access>
  roleIn(entry: DirectoryEntry, principal: Principal): Role | null
}

/** @param openToAll everybody may do everything with every conversation, and coming to one creates it */
export const createGatekeeper = (directory: Directory, openToAll: boolean, now: () => number): Gatekeeper => {
  const roleIn = (entry: DirectoryEntry, principal: Principal): Role | null => memberRole(entry, principal, openToAll)

  const create = async (id: string, principal: Principal): Promise<Access> => {
    const name = nameOf(id)
    return accessTo(id, await directory.create(name, principal, now()), principal)
  }

  const accessTo = (id: string, entry: DirectoryEntry | null, principal: Principal): Access => {
    const role = entry && roleIn(entry, principal)
    if (!role) throw new SkeinError('not-found')
    return { name: entry.name, id, entry, role }
  }

  return {
    enter: async (id, principal) => openToAll ? await create(id, principal) : accessTo(id, await directory.find(nameOf(id)), principal),
    create,
    roleIn,
  }
}

const nameOf = (id: string): DocumentName => {
  const name = conversationName(id)
  if (!name) throw new SkeinError('not-found')
  return name
}
