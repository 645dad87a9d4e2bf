/** Who may open which document, and in which role. */
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
 */
export const roleIn = async (policy: AccessPolicy, name: DocumentName, principal: Principal): Promise<Role | null> => {
  const { directory, now, openToAll } = policy
  if (documentKind(name) === 'home') return documentId(name) === principal.id ? 'owner' : null
  const entry = await directory.find(name) ?? await directory.create(name, principal, now())
  return memberRole(entry, principal, openToAll)
}

export const memberRole = (entry: DirectoryEntry, principal: Principal, openToAll: boolean): Role | null =>
  openToAll ? 'owner' : entry.members.get(principal.id)?.role ?? null
