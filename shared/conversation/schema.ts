/** Conversation schema 1: the shapes of what a `conversation/<id>` document holds, and their validation. DESIGN: docs/concepts.md. */
import * as z from 'zod/mini'
import { limits } from '../limits.ts'
import { modes } from './mode.ts'
import { parseAgentId, parseBotId, parseDraftId, parseMessageId, parseRunId } from '../ids.ts'

export const SCHEMA_VERSION = 1

/** The root types by name. Clients write to `requests` and `drafts` alone; all else is the server's. */
export const roots = ['messages', 'requests', 'drafts', 'meta', 'reactions', 'runs', 'members', 'redactions', 'summaries'] as const
export type RootName = typeof roots[number]

const id = <T extends string>(parse: (text: string) => T | null) =>
  z.pipe(z.string().check(z.refine(text => parse(text) !== null)), z.transform(text => text as T))
const time = z.number().check(z.nonnegative())
const shortText = z.string().check(z.maxLength(200))

export const textPart = z.object({ type: z.literal('text'), text: z.string(), state: z.optional(z.enum(['streaming', 'done'])) })
export const reasoningPart = z.object({ type: z.literal('reasoning'), text: z.string(), state: z.optional(z.enum(['streaming', 'done'])) })
export const sourcePart = z.object({ type: z.literal('source-url'), sourceId: z.string(), url: z.string(), title: z.optional(z.string()) })
export type SourcePart = z.infer<typeof sourcePart>
/** Parts that later steps of the schema name more closely (tools, files, sources, data) are kept as they are. */
const otherPart = z.looseObject({ type: z.string().check(z.regex(/^(tool-.+|dynamic-tool|file|source-url|source-document|data-.+)$/)) })
export const messagePart = z.union([textPart, reasoningPart, otherPart])
export type MessagePart = z.infer<typeof messagePart>

export const messageStatus = z.enum(['complete', 'incomplete', 'cancelled', 'error'])
export type MessageStatus = z.infer<typeof messageStatus>

const count = z.optional(z.number())
const usage = z.object({ inputTokens: count, outputTokens: count, totalTokens: count, reasoningTokens: count, cachedInputTokens: count })
/** By the prices that the server was given: what it was charged may differ. */
const cost = z.object({ amount: z.number(), currency: z.string() })
/**
 * `tokensPerSecond`: of what the model gave out, from its first token on; of its words alone where it says how many of its tokens were
 * thoughts.
 */
const timing = z.object({ firstTokenMs: z.optional(z.number()), totalMs: z.number(), tokensPerSecond: z.optional(z.number()) })

/** A file or a folder of the server: `<name of a root>/<path>`. */
export const contextReference = z.strictObject({
  path: z.string().check(z.minLength(1), z.maxLength(limits.contextPathLength)),
  isFolder: z.boolean()
})
export type ContextReference = z.infer<typeof contextReference>
const contextReferences = z.optional(z.array(contextReference).check(z.maxLength(limits.contextReferences)))

/**
 * `link`: it leads out of where it is to be found, or may; `too-large`: by itself; `too-much`, `too-many`: with what was read before;
 * `too-slow`: the disk had not given it in time; `not-allowed`: who asked may not have files read.
 */
export const leftOutWhy = z.enum([
  'not-found', 'not-a-file', 'link', 'binary', 'too-large', 'too-much', 'too-many', 'too-slow', 'not-allowed'
])
export type LeftOutWhy = z.infer<typeof leftOutWhy>

/** Which files of the server an agent was given for a reply, and which of those that were named not; `more`: how many more. */
export const filesGiven = z.object({
  read: z.array(z.object({ path: z.string(), bytes: z.number() })),
  leftOut: z.array(z.object({ path: z.string(), why: leftOutWhy })),
  more: z.optional(z.number())
})
export type FilesGiven = z.infer<typeof filesGiven>

/** A bot said it: what it was called then, and the person whose bot it was, who answers for it. */
export const saidByBot = z.object({ id: id(parseBotId), name: shortText, of: z.object({ id: z.string(), name: shortText }) })
export type SaidByBot = z.infer<typeof saidByBot>

export const messageMetadata = z.object({
  /** The message this one answers or follows; null for the first of a conversation. */
  parentId: z.nullable(id(parseMessageId)),
  /** Root of the alternatives that this message belongs to. */
  replaces: z.optional(id(parseMessageId)),
  authorId: z.string(),
  /** Of a bot `<name> · bot of <person>`, so that it is read wherever names are. */
  authorName: z.optional(shortText),
  bot: z.optional(saidByBot),
  agentId: z.optional(id(parseAgentId)),
  runId: z.optional(id(parseRunId)),
  /** The shared draft that it was sent from: who wrote in that draft finds by it what became of their words. */
  draftId: z.optional(id(parseDraftId)),
  /** Agents that shall answer; without it those that `asked.ts` finds. Empty: nobody. */
  to: z.optional(z.array(id(parseAgentId)).check(z.maxLength(limits.agentsPerMessage))),
  /** In which mode agents work on it, or worked; absent: `chat`. */
  mode: z.optional(z.enum(modes)),
  /** Files and folders of the server that agents are to be given with it. */
  context: contextReferences,
  /** Of a reply: what became of those. */
  files: z.optional(filesGiven),
  /** Why no agent was asked, where the message did not want it so: several people write here, and it mentions none. */
  unasked: z.optional(z.literal('not-mentioned')),
  /** When it was written, by the device's clock (milliseconds since 1970). */
  createdAt: time,
  /** When the server accepted it. */
  acceptedAt: time,
  status: messageStatus,
  model: z.optional(z.string()),
  usage: z.optional(usage),
  cost: z.optional(cost),
  timing: z.optional(timing),
  finishReason: z.optional(z.string()),
  /** Why `status` is not `complete`. */
  error: z.optional(z.object({ code: z.string(), message: z.string() }))
})
export type MessageMetadata = z.infer<typeof messageMetadata>

/** A sealed message: an AI SDK `UIMessage` with our metadata. */
export const message = z.object({
  id: id(parseMessageId),
  role: z.enum(['user', 'assistant', 'system']),
  parts: z.array(messagePart),
  metadata: messageMetadata
})
export type Message = z.infer<typeof message>

/** What a person's `send` may carry of a message; the server adds author, times and status. Its id is the request's id. */
const proposedMessage = z.strictObject({
  parts: z.array(messagePart).check(z.maxLength(64)),
  parentId: z.nullable(id(parseMessageId)),
  replaces: z.optional(id(parseMessageId)),
  to: z.optional(z.array(id(parseAgentId)).check(z.maxLength(limits.agentsPerMessage))),
  /** Without it the conversation's. */
  mode: z.optional(z.enum(modes)),
  context: contextReferences
})

/**
 * `mode`: in which agents work on messages that name none; `answers`: when the conversation's agent answers where several people write,
 * `always` or (else) when it is mentioned.
 */
export const settableMeta = ['title', 'agent', 'system', 'answers', 'mode'] as const
export type SettableMeta = typeof settableMeta[number]

const createdAt = time
export const request = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('send'), createdAt, message: proposedMessage, drops: z.optional(id(parseDraftId)) }),
  z.strictObject({ type: z.literal('redact'), createdAt, messageId: id(parseMessageId) }),
  z.strictObject({ type: z.literal('stop'), createdAt, runId: id(parseRunId) }),
  /** `messageId`: a reply, to get an alternative to it, or a person's message, to get one more reply to it. */
  z.strictObject({ type: z.literal('regenerate'), createdAt, messageId: id(parseMessageId), agentId: z.optional(id(parseAgentId)) }),
  /** Asks the same agent again, for a reply that did not end well. */
  z.strictObject({ type: z.literal('retry'), createdAt, messageId: id(parseMessageId) }),
  /** Asks the same agent to go on where a reply broke off. */
  z.strictObject({ type: z.literal('continue'), createdAt, messageId: id(parseMessageId) }),
  z.strictObject({ type: z.literal('set-meta'), createdAt, key: z.enum(settableMeta), value: z.string().check(z.maxLength(limits.systemPromptLength)) }),
  z.strictObject({ type: z.literal('react'), createdAt, messageId: id(parseMessageId), kind: z.string().check(z.minLength(1), z.maxLength(32)), on: z.boolean() })
])
export type Request = z.infer<typeof request>
export type RequestOf<T extends Request['type']> = Extract<Request, { type: T }>

export const runState = z.enum(['pending', 'processing', 'awaiting-approval', 'completed', 'error', 'cancelled'])
export type RunState = z.infer<typeof runState>

/** One agent run as it stands in the root `runs`, keyed by its id. */
export const run = z.object({
  id: id(parseRunId),
  /** The request that caused it. */
  requestId: z.string(),
  /** The person's message that it answers. */
  messageId: id(parseMessageId),
  agentId: id(parseAgentId),
  /** Of a bot: who it was when it was asked. */
  bot: z.optional(saidByBot),
  askedBy: z.string(),
  state: runState,
  /** Counts from 1; every attempt writes a draft of its own. */
  attempt: z.number(),
  draftId: z.nullable(id(parseDraftId)),
  /** Id that the sealed reply gets. */
  replyId: id(parseMessageId),
  replaces: z.optional(id(parseMessageId)),
  /** Absent: `chat`. */
  mode: z.optional(z.enum(modes)),
  /** The reply that this one begins with and goes on from. */
  continues: z.optional(id(parseMessageId)),
  error: z.optional(z.object({ code: z.string(), message: z.string() })),
  /** The system prompt that was in force when it was asked for, where the conversation has had another one since. */
  system: z.optional(z.string()),
  createdAt: time,
  updatedAt: time
})
export type Run = z.infer<typeof run>

/** The immutable head of a draft. `agent`: written by the server for a run; `shared`: by the members. */
export const draftHead = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('agent'), authorId: z.string(), agentId: id(parseAgentId), runId: id(parseRunId), replyId: id(parseMessageId), parentId: id(parseMessageId), replaces: z.optional(id(parseMessageId)), createdAt: time }),
  z.strictObject({ kind: z.literal('shared'), authorId: z.string(), parentId: z.nullable(id(parseMessageId)), createdAt: time })
])
export type DraftHead = z.infer<typeof draftHead>

/** What agents read in the place of the older messages of a conversation that is longer than they read at once. Never changed. */
export const summary = z.object({
  /** The last message that it stands for. */
  through: id(parseMessageId),
  /** How many messages it stands for, and which: see `server/agents/window.ts`. */
  messages: z.number(),
  digest: z.string(),
  text: z.string(),
  /** Who wrote it, for whose reply. */
  agentId: id(parseAgentId),
  model: z.optional(z.string()),
  usage: z.optional(usage),
  cost: z.optional(cost),
  at: time
})
export type Summary = z.infer<typeof summary>

export const member = z.object({ name: shortText, role: z.enum(['owner', 'editor', 'viewer']) })
export type Member = z.infer<typeof member>

/** `draftId`: what was sent from that draft must not come back as a late edit of it. */
export const redaction = z.object({ parentId: z.nullable(z.string()), by: z.string(), at: time, draftId: z.optional(id(parseDraftId)) })
export type Redaction = z.infer<typeof redaction>

