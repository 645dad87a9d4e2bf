/**
 * Decisions about who belongs to a document: pure, over the entry as it is when the change has its turn, so that two at once cannot leave
 * a document without an owner, and nobody manages it who was removed a moment before.
 */
import { SkeinError } from '../../shared/errors.ts'
import type { UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { idsOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Decision, DirectoryEntry, Link, Member } from './port.ts'

type Members = DirectoryEntry['members']

const RANK: Record<Role, number> = { viewer: 0, editor: 1, owner: 2 }

/** Makes somebody a member, or another kind of one; for who decided that elsewhere. */
export const setMember = ({ id, role, name }: Member & { id: UserId }): Decision => ({ members }) =>
  ({ members: new Map(members).set(id, { role, name }) })

export const changeRole = (by: Principal, of: UserId, role: Role): Decision => ({ members }) => {
  checkOwner(members, by)
  return { members: owned(new Map(members).set(of, { ...memberOf(members, of), role })) }
}

export const removeMember = (by: Principal, of: UserId, at: number): Decision => ({ members, removed }) => {
  checkOwner(members, by)
  memberOf(members, of)
  return { members: owned(without(members, [of])), removed: remember(removed, of, at) }
}

export const leave = (who: Principal): Decision => ({ members }) => {
  const ids = idsOf(who).filter(id => members.has(id))
  if (ids.length === 0) throw new SkeinError('not-found', 'You are not a member of it, so there is nothing to leave.')
  if (members.size === ids.length) throw new SkeinError('last-owner', 'Nobody else is in it, so you cannot leave it; delete it instead. Nothing was changed.')
  return { members: owned(without(members, ids)) }
}

/** The other one owns it from now on, and whoever did before writes in it like everybody. */
export const handOver = (by: Principal, to: UserId): Decision => ({ members }) => {
  checkOwner(members, by)
  const changed = new Map(members)
  for (const id of idsOf(by)) if (id !== to && members.has(id)) changed.set(id, { ...members.get(id)!, role: 'editor' })
  return { members: changed.set(to, { ...memberOf(members, to), role: 'owner' }) }
}

/** The membership of `from`, who is a member, is that of `to` from now on, who keeps the better role of the two. */
export const become = (from: UserId, { id, name }: { id: UserId, name: string }): Decision => ({ members }) => {
  const [role, other] = [memberOf(members, from).role, members.get(id)?.role]
  const best = other !== undefined && RANK[other] > RANK[role] ? other : role
  return { members: new Map(without(members, [from])).set(id, { role: best, name }) }
}

/** By an invitation. Null: they are a member already, in its role or a higher one. */
export const join = (entry: DirectoryEntry, link: Link, { id, name, ...others }: Principal, at: number): ReturnType<Decision> | null => {
  const { members, removed } = entry
  const ids = idsOf({ id, ...others })
  if (ids.some(own => members.has(own) && RANK[members.get(own)!.role] >= RANK[link.role])) return null
  if (ids.some(own => (removed.get(own) ?? -Infinity) >= link.at)) throw new SkeinError('removed-before')
  if (isExpired(link, at)) throw new SkeinError('link-expired')
  if (link.maxUses !== null && link.uses >= link.maxUses) throw new SkeinError('link-used-up')
  if (!members.has(id) && members.size >= limits.membersPerDocument) throw new SkeinError('too-many-members')
  return { members: new Map(members).set(id, { role: link.role, name }) }
}

export const isExpired = ({ expiresAt }: Pick<Link, 'expiresAt'>, at: number): boolean => expiresAt !== null && expiresAt <= at

/** Whose role, or place, differs. */
export const changedIds = (before: DirectoryEntry, after: DirectoryEntry): UserId[] => {
  const ids = new Set([...before.members.keys(), ...after.members.keys(), ...before.readers, ...after.readers])
  const roleIn = ({ members, readers }: DirectoryEntry, id: UserId): Role | undefined => members.get(id)?.role ?? (readers.has(id) ? 'viewer' : undefined)
  return [...ids].filter(id => roleIn(before, id) !== roleIn(after, id) || before.members.get(id)?.name !== after.members.get(id)?.name)
}

const checkOwner = (members: Members, by: Principal): void => {
  if (!idsOf(by).some(id => members.get(id)?.role === 'owner')) {
    throw new SkeinError('not-allowed', 'Only an owner may change who belongs to it, so nothing was changed.')
  }
}

const memberOf = (members: Members, id: UserId): Member => {
  const member = members.get(id)
  if (!member) throw new SkeinError('not-found', 'There is no such member, so nothing was changed.')
  return member
}

const owned = (members: Members): Members => {
  if (![...members.values()].some(({ role }) => role === 'owner')) throw new SkeinError('last-owner')
  return members
}

const without = (members: Members, ids: readonly UserId[]): Members => new Map([...members].filter(([id]) => !ids.includes(id)))

const remember = (removed: DirectoryEntry['removed'], id: UserId, at: number): DirectoryEntry['removed'] =>
  new Map([...[...removed].filter(([other]) => other !== id), [id, at] as const].slice(-limits.removedPerDocument))
