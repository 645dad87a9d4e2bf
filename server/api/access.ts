/** Who may do what with which document. The directory decides; to a stranger a document does not exist. */
import { isDrawnName } from '../../shared/drawn-name.ts'
import { SkeinError } from '../../shared/errors.ts'
import { conversationName, documentId } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { mayCreate, memberRole } from '../room/access.ts'
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
  /** The same for a document of any kind that has members. */
  enterDocument(name: DocumentName, principal: Principal): Promise<Access>
  /** Like {@link enter}, and makes the conversation the principal's own when nobody has it. */
  create(id: string, principal: Principal): Promise<Access>
  roleIn(entry: DirectoryEntry, principal: Principal): Role | null
}

/** The same whether somebody else has a conversation of this id or nobody has. */
const CAN_BE_GUESSED = 'You have no conversation of this id, and a new one needs a UUID (v4 or v7, in small letters), which nobody guesses; none was made. Draw one, or leave the id out.'

/** @param openToAll everybody may do everything with every document, and coming to one creates it */
export const createGatekeeper = (directory: Directory, openToAll: boolean, now: () => number): Gatekeeper => {
  const roleIn = (entry: DirectoryEntry, principal: Principal): Role | null => memberRole(entry, principal, openToAll)

  const createDocument = async (name: DocumentName, principal: Principal): Promise<Access> => {
    const entry = mayCreate(name, principal, openToAll) ? await directory.create(name, principal, now()) : await directory.find(name)
    return accessTo(entry, principal, isDrawnName(name) ? undefined : CAN_BE_GUESSED)
  }

  const enterDocument = async (name: DocumentName, principal: Principal): Promise<Access> =>
    openToAll ? createDocument(name, principal) : accessTo(await directory.find(name), principal)

  /** @param problem said of the name, when the document is not for them */
  const accessTo = (entry: DirectoryEntry | null, principal: Principal, problem?: string): Access => {
    const role = entry && roleIn(entry, principal)
    if (!role) throw problem === undefined ? new SkeinError('not-found') : new SkeinError('invalid-request', problem)
    return { name: entry.name, id: documentId(entry.name), entry, role }
  }

  return {
    enter: async (id, principal) => enterDocument(nameOf(id), principal),
    enterDocument,
    create: async (id, principal) => createDocument(nameOf(id), principal),
    roleIn,
  }
}

const nameOf = (id: string): DocumentName => {
  const name = conversationName(id)
  if (!name) throw new SkeinError('not-found')
  return name
}
