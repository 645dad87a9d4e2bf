/** What travels over `/api`: the shapes of requests and answers, validated by whoever receives them. */
import * as z from 'zod/mini'
import { message } from '../conversation/schema.ts'
import { parseDocumentName, parseMessageId } from '../ids.ts'
import type { DocumentName, MessageId } from '../ids.ts'
import { limits } from '../limits.ts'
import { parseStateVector } from './base64.ts'

/** Entries of one page of a list. */
export const PAGE_SIZE = 200

export const role = z.enum(['owner', 'editor', 'viewer'])
export const conversationId = z.string().check(z.regex(/^[A-Za-z0-9_-]{1,128}$/))
const count = z.pipe(z.string().check(z.regex(/^[1-9]\d{0,2}$/)), z.transform(Number)).check(z.maximum(PAGE_SIZE))

/** `GET /api/me`: who this browser is here, and what there is to talk to. */
export const me = z.object({
  principal: z.object({
    id: z.string(),
    name: z.string(),
    kind: z.enum(['user', 'guest', 'agent', 'service']),
    /** Ids of guests that this person was: what is under these is theirs. */
    aliases: z.optional(z.array(z.string())),
  }),
  /** Id under which the person finds this browser among their devices. */
  device: z.optional(z.string()),
  /**
   * Of what this browser was before, if it asked: `became`: that guest has an account now, and signs in; `removed`: this device was
   * turned away from another one, and clears what it keeps; `deleted`: who it was is no more, and it does the same.
   */
  before: z.optional(z.enum(['became', 'removed', 'deleted'])),
  agents: z.array(z.object({ id: z.string(), name: z.string(), description: z.string(), isLanguageModel: z.boolean() })),
  /** The agent that answers in a conversation that names none. */
  defaultAgent: z.string(),
  /** People can sign up and in here; absent from an older server. */
  accounts: z.optional(z.boolean()),
  /** What paths of files that the person's messages may name begin with; absent where they may name none. */
  contextRoots: z.optional(z.array(z.string())),
  limits: z.object({ messageBytes: z.number(), frameBytes: z.number() }),
})
export type Me = z.infer<typeof me>

/** A conversation as a list shows it. Times in milliseconds since 1970. */
export const conversationListItem = z.object({
  /** The part of `conversation/<id>` behind the slash. */
  id: conversationId,
  /** What the asking person may do there. */
  role,
  title: z.string(),
  /** Start of the newest message, plain text. */
  preview: z.string(),
  messageCount: z.number(),
  /** When the newest message was accepted; when it was created, as long as there is none. */
  updatedAt: z.number(),
  createdAt: z.number(),
})
export type ConversationListItem = z.infer<typeof conversationListItem>

/** What the feed says of a conversation that was deleted. */
export const removedConversation = z.object({ id: conversationId })

/** `GET /api/conversations`. `before`: the `next` of the page before this one. */
export const listQuery = z.object({ limit: z.optional(count), before: z.optional(z.string().check(z.regex(/^\d{1,16}\.[A-Za-z0-9_-]{1,128}$/))) })
/** Newest first. `next` is null on the last page. */
export const conversationList = z.object({ conversations: z.array(conversationListItem), next: z.nullable(z.string()) })
export type ConversationList = z.infer<typeof conversationList>

/**
 * `POST /api/conversations`. A device that made the id itself, offline, gives it, a UUID (v4 or v7); the same id again is the same
 * conversation.
 */
export const newConversation = z.strictObject({
  id: z.optional(conversationId),
  title: z.optional(z.string().check(z.maxLength(limits.titleLength))),
})
export type NewConversation = z.infer<typeof newConversation>

const messageId = z.pipe(z.string().check(z.refine(text => parseMessageId(text) !== null)), z.transform(text => text as MessageId))
/** `GET /api/conversations/:id/messages`. `after`: the last message that the caller has; only what was accepted later is answered. */
export const messagesQuery = z.object({ limit: z.optional(count), after: z.optional(messageId) })
/** In the order accepted, alternatives included. `next`: what `after` must be to go on; null when that was all. */
export const messagePage = z.object({ messages: z.array(message), next: z.nullable(z.string()) })
export type MessagePage = z.infer<typeof messagePage>

/** `GET /api/conversations/:id/requests/:requestId`: what became of a request. */
export const requestResult = z.object({
  requestId: z.string(),
  outcome: z.discriminatedUnion('status', [
    z.object({ status: z.literal('accepted') }),
    z.object({ status: z.literal('refused'), code: z.string(), reason: z.string() }),
  ]),
  /** When it was taken (milliseconds since 1970). */
  at: z.number(),
})
export type RequestResult = z.infer<typeof requestResult>

/**
 * `POST /api/conversations/:id/requests` takes a `request` of conversation/schema.ts, without `createdAt` one that was written now, under
 * the id that its header {@link IDEMPOTENCY_KEY} names. This is what is answered when it was accepted; the same request again is answered
 * the same.
 */
export const acceptedRequest = z.extend(requestResult, {
  /** The message that a `send` became; absent once it was taken out. */
  message: z.optional(message),
  /** The replies that it asked for, by the id of the agent's run, each with the id that its message has or will have. */
  runs: z.array(z.object({ id: z.string(), agentId: z.string(), messageId: z.string(), replyId: z.string() })),
})
export type AcceptedRequest = z.infer<typeof acceptedRequest>
/** The id of a request, and the proof that a repetition is one: a UUIDv7 in lower case. */
export const IDEMPOTENCY_KEY = 'Idempotency-Key'

const documentName = z.pipe(
  z.string().check(z.refine(text => parseDocumentName(text) !== null)), z.transform(text => text as DocumentName)
)
const stateVector = z.pipe(z.string(), z.transform((text, context): Uint8Array => {
  const bytes = parseStateVector(text)
  if (bytes) return bytes
  context.issues.push({ code: 'custom', message: 'Expected a state vector in base64', input: text })
  return z.NEVER
}))
/** What a device holds of one document. */
const heldDocument = z.strictObject({
  name: documentName,
  /** Lineage of what it holds. */
  epoch: z.string().check(z.maxLength(64)),
  /** In base64, at most {@link limits.stateVectorBytes}. It may lag behind what the device holds. */
  stateVector,
  /** The `head` of the last answer that the device has stored whole. */
  head: z.optional(z.int().check(z.minimum(0)))
})
/**
 * `POST /api/sync`: what a device holds of the documents whose names lie behind `after` and not behind `until`; it is answered for all
 * of these, those that it does not name included.
 */
export const syncRequest = z.strictObject({
  documents: z.array(heldDocument).check(z.maxLength(limits.syncDocuments)),
  /** The `next` of the page before this one. */
  after: z.optional(documentName),
  until: z.optional(documentName)
})
export type SyncRequest = z.input<typeof syncRequest>

/** What a device lacks of one document. */
const missingUpdate = z.object({
  name: documentName,
  /** Of another epoch than the device's: the update is the whole document, which must not be merged with what the device holds. */
  epoch: z.string(),
  role,
  /** Stands for all that the device holds once the update is stored. */
  head: z.number(),
  /** A Yjs update, version 1, in base64. */
  update: z.string()
})
export type MissingUpdate = z.infer<typeof missingUpdate>
/** In the order of names, without what the device holds whole. `next`: what `after` must be to go on; null when that was all. */
export const syncPage = z.object({
  /** Whose documents these are. */
  userId: z.string(),
  documents: z.array(missingUpdate),
  /** Of the documents that the device named, those that are not this person's: deleted, no longer theirs, or not known here. */
  gone: z.optional(z.array(documentName)),
  next: z.nullable(documentName)
})
export type SyncPage = z.infer<typeof syncPage>

/** `GET /healthz`. */
export const health = z.object({ status: z.literal('ok'), version: z.string() })
export type Health = z.infer<typeof health>

/** Every answer that is an error: RFC 9457, `application/problem+json`. */
export const problem = z.object({
  /** `urn:skein:error:<code>` */
  type: z.string(),
  title: z.string(),
  status: z.number(),
  /** What happened, what it means, what to do. */
  detail: z.string(),
  /** A code of the error table; one that the reader does not know comes from a newer server. */
  code: z.string(),
  /** What is wrong with a request's form, by field. */
  fields: z.optional(z.array(z.object({ field: z.string(), problem: z.string() }))),
  /** `urn:uuid:<id>` under which the server's log tells more; with unexpected errors only. */
  instance: z.optional(z.string()),
})
export type Problem = z.infer<typeof problem>
