/** The part of the server's API that is about who belongs to a conversation, and the links that let people in. */
import { nothing, withBody } from './ask.ts'
import type { Ask } from './ask.ts'
import { routes } from '../../shared/api/routes.ts'
import * as people from '../../shared/api/people.ts'
import type { AcceptedInvitation, Link, MadeLink, MemberList, NewInvitation, NewShareLink } from '../../shared/api/people.ts'
import type { Role } from '../../shared/wire/frame.ts'

export type Member = MemberList['members'][number]

export interface PeopleApi {
  members: (id: string) => Promise<Member[]>
  changeRole: (id: string, userId: string, role: Role) => Promise<Member[]>
  removeMember: (id: string, userId: string) => Promise<Member[]>
  /** The other one owns it from now on, we write in it. */
  handOver: (id: string, userId: string) => Promise<Member[]>
  leave: (id: string) => Promise<void>
  /** Those that were not revoked; without their secrets, which are told once. */
  invitations: (id: string) => Promise<Link[]>
  invite: (id: string, wanted: NewInvitation) => Promise<MadeLink>
  revokeInvitation: (id: string, linkId: string) => Promise<void>
  acceptInvitation: (secret: string) => Promise<AcceptedInvitation>
  /** Links for reading without being anybody. */
  shareLinks: (id: string) => Promise<Link[]>
  share: (id: string, wanted: NewShareLink) => Promise<MadeLink>
  revokeShareLink: (id: string, linkId: string) => Promise<void>
}

export const createPeopleApi = (ask: Ask): PeopleApi => {
  const members = async (path: string, init?: RequestInit): Promise<Member[]> => (await ask(people.memberList, path, init)).members
  const links = async (path: string): Promise<Link[]> => (await ask(people.linkList, path)).links
  const remove = async (path: string): Promise<void> => void await ask(nothing, path, { method: 'DELETE' })
  return {
    members: id => members(routes.members(id)),
    changeRole: (id, userId, role) => members(routes.member(id, userId), withBody('PATCH', { role })),
    removeMember: (id, userId) => members(routes.member(id, userId), { method: 'DELETE' }),
    handOver: (id, userId) => members(routes.handOver(id), withBody('POST', { to: userId })),
    leave: async id => void await ask(nothing, routes.leave(id), withBody('POST', {})),
    invitations: id => links(routes.invitations(id)),
    invite: (id, wanted) => ask(people.madeLink, routes.invitations(id), withBody('POST', wanted)),
    revokeInvitation: (id, linkId) => remove(routes.invitation(id, linkId)),
    acceptInvitation: secret => ask(people.acceptedInvitation, routes.acceptInvitation(), withBody('POST', { secret })),
    shareLinks: id => links(routes.shareLinks(id)),
    share: (id, wanted) => ask(people.madeLink, routes.shareLinks(id), withBody('POST', wanted)),
    revokeShareLink: (id, linkId) => remove(routes.shareLink(id, linkId)),
  }
}
