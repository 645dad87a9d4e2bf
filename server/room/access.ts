/** Who may open which document, and in which role. */
import { SkeinError } from '../../shared/errors.ts'
import { documentId, documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Directory, DirectoryEntry } from '../directory/port.ts'

export interface AccessPolicy {
  directory: Directory
  now: () => number
  /** With `SKEIN_AUTH=none` everybody is one principal who owns every document. */
  openToAll: boolean
}

/**
 * The principal's role, or null when the document is not for them. A name that nobody has taken becomes the principal's on first contact:
 * a conversation begun offline exists as soon as its device connects.
 * @throws SkeinError `gone` to who was a member of a document that was deleted: no device brings it back
 */
export const roleIn = async (policy: AccessPolicy, name: DocumentName, principal: Principal): Promise<Role | null> => {
  const { directory, now, openToAll } = policy
  if (documentKind(name) === 'home' && documentId(name) !== principal.id) return null
  const entry = await directory.find(name) ?? await directory.create(name, principal, now())
  return memberRole(entry, principal, openToAll)
}

/** @throws SkeinError `gone` to who was a member of it when it was deleted; to a stranger it never was */
export const memberRole = (entry: DirectoryEntry, principal: Principal, openToAll: boolean): Role | null => {
  const role = openToAll ? 'owner' : entry.members.get(principal.id)?.role ?? null
  if (role && entry.deletedAt !== null) throw new SkeinError('gone')
  return role
}

/** Whoever may be told that a deleted document is gone. */
export const wasMember = (entry: DirectoryEntry, principal: Principal, openToAll: boolean): boolean =>
  openToAll || entry.members.has(principal.id)

/** For the rooms: the directory's entry of a document that is to be loaded. The returned function throws `gone` when it was deleted. */
export const enrolment = (directory: Directory) => async (name: DocumentName): Promise<DirectoryEntry | null> => {
  const entry = await directory.find(name)
  if (entry && entry.deletedAt !== null) throw new SkeinError('gone')
  return entry
}
