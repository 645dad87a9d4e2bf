/** Who acts: what an identity adapter makes of a request. */
import type { AgentId, BotId, DocumentName, UserId } from './ids.ts'

export interface Principal {
  kind: 'user' | 'guest' | 'agent' | 'service'
  /** The one id that counts: ownership, budgets, `authorId`. */
  id: UserId
  /** Display name; the only name that presence and messages show for this principal. */
  name: string
  /** Other ids that count as this one: guests that this person was. */
  aliases?: readonly UserId[]
  /** It is a bot that acts (`kind` is `agent`), under an id of its own, for the person whose bot it is. */
  bot?: { id: BotId, name: string, of: Person }
  /** What the credential allows; absent: everything that the person may do. */
  scopes?: Scopes
  /** Who vouches for the person, where that is somebody else who may cease to: an issuer of JWTs. */
  vouchedBy?: string
  /** Id of the session, device, token or link that proved it: what is revoked. Never the secret itself. */
  credential?: string
  /** The proof ends then (milliseconds since 1970), and with it its sockets and streams. */
  expiresAt?: number
}

/** Who somebody is, whatever proved it. */
export type Person = Pick<Principal, 'id' | 'name' | 'aliases'>

/**
 * What a credential allows, never more than its person may do. Who acts by one is not the person: without `manage` it deletes nothing,
 * invites nobody and changes no roles (see `server/room/access.ts`).
 */
export interface Scopes {
  /** Without it nothing can be opened. */
  read: boolean
  write: boolean
  /** The person's bot that acts by it, always: nothing is done in the person's name. */
  actAs?: readonly AgentId[]
  /** Absent: all of the person's. */
  documents?: readonly DocumentName[]
  /**
   * With `read` and `write` it stands for the person in all things, within `documents`: a ticket that a browser's WebSocket shows in place
   * of a cookie.
   */
  manage?: boolean
}

/** Whether it is the person who acts, in the documents that it reaches, and not what they made for others to act by. */
export const isInPerson = ({ scopes }: Principal): boolean =>
  scopes === undefined || (scopes.manage === true && scopes.read && scopes.write)

/** Also in what is about the person and not about one document: what lets somebody in, and leaving for good. */
export const isWhollyInPerson = (principal: Principal): boolean => isInPerson(principal) && principal.scopes?.documents === undefined

type Ids = Readonly<{ id: UserId, aliases?: readonly UserId[] | undefined }>

/** Whose membership lets the principal in, and whose limits it uses up: a bot has neither of its own. */
export const holderOf = (principal: Principal): Person => principal.bot?.of ?? principal

/** All ids that count as this principal's, its own first. */
export const idsOf = ({ id, aliases = [] }: Ids): readonly UserId[] => [id, ...aliases]

/** Whether what is this id's is the principal's own. */
export const isOwn = ({ id, aliases }: Ids, owner: string | undefined): boolean =>
  owner === id || (aliases !== undefined && (aliases as readonly (string | undefined)[]).includes(owner))
