/** What travels over `/api/tokens` and `/api/tickets`. */
import * as z from 'zod/mini'
import { parseAgentId, parseDocumentName } from '../ids.ts'
import type { AgentId, DocumentName } from '../ids.ts'
import { limits } from '../limits.ts'

const agentId = z.pipe(z.string().check(z.refine(text => parseAgentId(text) !== null)), z.transform(text => text as AgentId))
const documentName = z.pipe(z.string().check(z.refine(text => parseDocumentName(text) !== null)), z.transform(text => text as DocumentName))

/** `POST /api/tokens`. What is left out is not allowed, but `documents`: then it is good for all of the person's. */
export const newToken = z.strictObject({
  /** What the person calls it, such as the bot's name. */
  name: z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.tokenNameLength)),
  scopes: z.strictObject({
    read: z.literal(true),
    write: z.optional(z.boolean()),
    /** The bot of the person that acts by it. */
    actAs: z.optional(z.array(agentId).check(z.minLength(1), z.maxLength(limits.agentsPerToken))),
    documents: z.optional(z.array(documentName).check(z.minLength(1), z.maxLength(limits.documentsPerToken))),
  }),
  /** How long it lives. */
  days: z.optional(z.int().check(z.minimum(1), z.maximum(limits.tokenDays))),
})
export type NewToken = z.output<typeof newToken>

/** A token as its person sees it. Times in milliseconds since 1970. */
const token = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.object({
    read: z.boolean(),
    write: z.boolean(),
    actAs: z.optional(z.array(z.string())),
    documents: z.optional(z.array(z.string())),
  }),
  createdAt: z.number(),
  expiresAt: z.number(),
  /** To the hour; null: never. */
  lastUsedAt: z.nullable(z.number()),
})
export type Token = z.infer<typeof token>

/** `GET /api/tokens`, newest first. */
export const tokenList = z.object({ tokens: z.array(token) })
export type TokenList = z.infer<typeof tokenList>

/** `POST /api/tokens` and `POST /api/tokens/:id/rotate`. The secret is told this once; only its hash is kept. */
export const issuedToken = z.object({ token, secret: z.string() })
export type IssuedToken = z.infer<typeof issuedToken>

/** `POST /api/tickets`. */
export const newTicket = z.strictObject({
  /** The one document that it opens; absent: whatever its bearer may open. */
  document: z.optional(documentName),
})

/** `protocol` is what a WebSocket offers beside `skein.v1`; a client that cannot puts `?ticket=<ticket>` into the address. */
export const ticket = z.object({ ticket: z.string(), protocol: z.string(), expiresAt: z.number() })
export type Ticket = z.infer<typeof ticket>
