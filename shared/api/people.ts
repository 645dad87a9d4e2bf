/** Who belongs to a document, and the links that let people in: shapes of requests and answers. Times in milliseconds since 1970. */
import * as z from 'zod/mini'
import { limits } from '../limits.ts'
import { conversationId, role } from './schemas.ts'

/** `GET …/members`. */
export const memberList = z.object({
  members: z.array(z.object({
    id: z.string(),
    name: z.string(),
    role,
    /** Is the asking person. */
    self: z.boolean(),
  })),
})
export type MemberList = z.infer<typeof memberList>

/** `PATCH …/members/:userId`, for an owner. */
export const roleChange = z.strictObject({ role })

/** `POST …/hand-over`, for an owner, who is an editor from then on. */
export const handOver = z.strictObject({ to: z.string() })

const hours = z.optional(z.nullable(z.int().check(z.minimum(1), z.maximum(limits.linkDays * 24))))

/** `POST …/invitations`, for an owner. `hours`: how long it lasts; without, until it is revoked. `maxUses`: how many people it lets in. */
export const newInvitation = z.strictObject({
  role: z.enum(['editor', 'viewer']),
  hours,
  maxUses: z.optional(z.nullable(z.int().check(z.minimum(1), z.maximum(limits.membersPerDocument)))),
})
export type NewInvitation = z.infer<typeof newInvitation>

/** `POST …/share-links`, for an owner. */
export const newShareLink = z.strictObject({ hours })
export type NewShareLink = z.infer<typeof newShareLink>

/** A link as a list shows it; its secret is not kept. */
export const link = z.object({
  id: z.string(),
  role: z.enum(['editor', 'viewer']),
  /** Who made it. */
  by: z.string(),
  at: z.number(),
  /** Null: it lasts until it is revoked. */
  expiresAt: z.nullable(z.number()),
  maxUses: z.nullable(z.number()),
  /** How many people it has let in. */
  uses: z.number(),
})
export type Link = z.infer<typeof link>

/** `GET …/invitations` and `GET …/share-links`, for an owner: those that were not revoked, the oldest first. */
export const linkList = z.object({ links: z.array(link) })
export type LinkList = z.infer<typeof linkList>

/** The secret is told this once; only its hash is kept. `path` is the page of the app that it opens. */
export const madeLink = z.object({ secret: z.string(), path: z.string(), link })
export type MadeLink = z.infer<typeof madeLink>

/** `POST /api/invitations/accept`. In the body, so that it stands in no log of addresses. */
export const invitationSecret = z.strictObject({ secret: z.string() })
/** The document that the caller is a member of from now on, `<kind>/<id>`. */
export const acceptedInvitation = z.object({ kind: z.enum(['conversation', 'artifact']), id: conversationId, role })
export type AcceptedInvitation = z.infer<typeof acceptedInvitation>
