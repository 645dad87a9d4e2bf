/**
 * Who may open which document, and in which role: the one answer for sockets, the API and feeds. A bot is let in by its person's
 * membership, wherever that is looked up; what it does there it does as itself.
 */
import { isDrawnName } from '../../shared/drawn-name.ts'
import { SkeinError } from '../../shared/errors.ts'
import { documentId, documentKind } from '../../shared/ids.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import { holderOf, idsOf, isOwn } from '../../shared/principal.ts'
import type { Principal, Scopes } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Directory, DirectoryEntry } from '../directory/port.ts'

export interface AccessPolicy {
  directory: Directory
  now: () => number
  /** With `SKEIN_AUTH=none` everybody is one principal who owns every document. */
  openToAll: boolean
}

/** A document that somebody is a member of. */
export interface Membership {
  name: DocumentName
  role: Role
  createdAt: number
}

/**
 * The principal's role, or null when the document is not for them. A name that nobody has taken, and nobody guesses, becomes the
 * principal's on first contact: a conversation begun offline exists as soon as its device connects.
 * @throws SkeinError `gone` to who was a member of a document that was deleted: no device brings it back
 */
export const roleIn = async (policy: AccessPolicy, name: DocumentName, principal: Principal): Promise<Role | null> => {
  const { directory, now, openToAll } = policy
  if (documentKind(name) === 'home' && !isOwn(principal, documentId(name))) return null
  const known = await directory.find(name)
  const entry = known ?? (mayCreate(name, principal, openToAll) ? await directory.create(name, principal, now()) : null)
  return entry && memberRole(entry, principal, openToAll)
}

/**
 * The best role that is held under any of the principal's ids, as far as the credential goes.
 * @throws SkeinError `gone` to who was a member of it when it was deleted; to a stranger it never was
 */
export const memberRole = (entry: DirectoryEntry, principal: Principal, openToAll: boolean): Role | null => {
  if (!reaches(principal, entry.name)) return null
  const role = openToAll ? 'owner' : bestOf(idsOf(holderOf(principal)).flatMap(id => heldIn(entry, id) ?? []))
  if (role && entry.deletedAt !== null) throw new SkeinError('gone')
  return role && within(role, principal.scopes)
}

/** Whoever may be told that a deleted document is gone. */
export const wasMember = (entry: DirectoryEntry, principal: Principal, openToAll: boolean): boolean =>
  reaches(principal, entry.name) && (openToAll || idsOf(holderOf(principal)).some(id => heldIn(entry, id) !== null))

/**
 * Whether a document of this name, which nobody has yet, may become the principal's. One that can be guessed never does: whoever tries it
 * would learn whether it is taken, or take it before the device comes that began it. Where everything is everybody's, that is all the same.
 * A bot owns nothing.
 */
export const mayCreate = (name: DocumentName, principal: Principal, openToAll: boolean): boolean => {
  const { scopes, bot } = principal
  if (bot !== undefined || !(openToAll || isDrawnName(name))) return false
  return scopes === undefined || (scopes.write && reaches(principal, name))
}

/** Documents of this kind that the principal is a member of, under whichever of its ids, as far as the credential goes. */
export const membershipsOf = async (directory: Pick<Directory, 'listOf'>, principal: Principal, prefix: string): Promise<Membership[]> => {
  const held = new Map<DocumentName, Membership>()
  for (const listed of await Promise.all(idsOf(holderOf(principal)).map(id => directory.listOf(id, prefix)))) {
    for (const each of listed) {
      const before = held.get(each.name)
      if (!before || bestOf([before.role, each.role]) !== before.role) held.set(each.name, each)
    }
  }
  return limited([...held.values()], principal)
}

/** What of these the credential reaches, in the role that it allows. */
export const limited = (memberships: readonly Membership[], principal: Principal): Membership[] =>
  memberships.filter(({ name }) => reaches(principal, name)).map(each => ({ ...each, role: within(each.role, principal.scopes) }))

/** For the rooms: the directory's entry of a document that is to be loaded. The returned function throws `gone` when it was deleted. */
export const enrolment = (directory: Directory) => async (name: DocumentName): Promise<DirectoryEntry | null> => {
  const entry = await directory.find(name)
  if (entry && entry.deletedAt !== null) throw new SkeinError('gone')
  return entry
}

const BEST_FIRST: readonly Role[] = ['owner', 'editor', 'viewer']

const heldIn = ({ members, readers }: DirectoryEntry, id: UserId): Role | null =>
  members.get(id)?.role ?? (readers.has(id) ? 'viewer' : null)

const bestOf = (roles: readonly Role[]): Role | null => BEST_FIRST.find(role => roles.includes(role)) ?? null

/**
 * Whether the credential is good for this document at all: what it does not reach does not exist for its bearer. What goes with a person
 * to their devices is no bot's.
 */
export const reaches = ({ scopes, bot }: Principal, name: DocumentName): boolean =>
  (bot === undefined || documentKind(name) !== 'home') &&
  (scopes === undefined || (scopes.read && (scopes.documents === undefined || scopes.documents.includes(name))))

/** A scoped credential writes at most: to delete, to invite and to change roles is for the person, so a stolen one cannot spread. */
const within = (role: Role, scopes: Scopes | undefined): Role => {
  if (scopes === undefined || (scopes.manage && scopes.write)) return role
  return scopes.write && role !== 'viewer' ? 'editor' : 'viewer'
}
