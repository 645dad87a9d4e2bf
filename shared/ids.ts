/** Identifiers: one branded type and one parser each, so that a string from outside is an id only after it was checked. */

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** `conversation/<id>`, `artifact/<id>` or `home/<userId>`; ASCII, see {@link parseDocumentName}. */
export type DocumentName = Branded<string, 'DocumentName'>
/** UUIDv7 made once on the device that asks; for a `send` it is the message's id too. */
export type RequestId = Branded<string, 'RequestId'>
/** UUID: v7 for people's messages (equal to their request's id), v8 for what an agent says. */
export type MessageId = Branded<string, 'MessageId'>
/** UUIDv8, derived from what caused the run. */
export type RunId = Branded<string, 'RunId'>
export type DraftId = Branded<string, 'DraftId'>
/** 1–64 of `A–Z a–z 0–9 _ -`. */
export type UserId = Branded<string, 'UserId'>
/** 1–64 of `a–z 0–9 -`. */
export type AgentId = Branded<string, 'AgentId'>
/** An agent that is a person's bot: `bot-` and 24 hexadecimal digits. No model has an id that begins like that. */
export type BotId = AgentId & `bot-${string}`

/** UUIDv8 of an invitation or a share link; derived from its secret, which it does not tell. */
export type LinkId = Branded<string, 'LinkId'>

export type DocumentKind = 'conversation' | 'artifact' | 'home'

const DOCUMENT_NAME = /^(conversation|artifact|home)\/[A-Za-z0-9_-]{1,128}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const USER_ID = /^[A-Za-z0-9_-]{1,64}$/
const AGENT_ID = /^[a-z0-9-]{1,64}$/
const BOT_PREFIX = 'bot-'
const AGENT_AUTHOR = 'agent:'
const BOT_ID = /^bot-[0-9a-f]{24}$/

/** @returns the name, or null when it is not one (path tricks, look-alikes and NUL are all outside the pattern). */
export const parseDocumentName = (text: string): DocumentName | null =>
  DOCUMENT_NAME.test(text) ? (text as DocumentName) : null

export const parseRequestId = (text: string): RequestId | null => UUID_V7.test(text) ? (text as RequestId) : null
export const parseMessageId = (text: string): MessageId | null => UUID.test(text) ? (text as MessageId) : null
export const parseRunId = (text: string): RunId | null => UUID.test(text) ? (text as RunId) : null
export const parseDraftId = (text: string): DraftId | null => UUID.test(text) ? (text as DraftId) : null
export const parseLinkId = (text: string): LinkId | null => UUID.test(text) ? (text as LinkId) : null
export const parseUserId = (text: string): UserId | null => USER_ID.test(text) ? (text as UserId) : null
export const parseAgentId = (text: string): AgentId | null => AGENT_ID.test(text) ? (text as AgentId) : null

export const parseBotId = (text: string): BotId | null => BOT_ID.test(text) ? (text as BotId) : null

/** 96 bits: none is ever handed out twice. @param random of cryptographic quality */
export const newBotId = (random: RandomBytes): BotId => (BOT_PREFIX + hexOf(random(new Uint8Array(12)))) as BotId

/** Whether the id is kept for people's bots: no model may be called by it. */
export const isKeptForBots = (id: string): boolean => id.startsWith(BOT_PREFIX)

/** Who says what an agent says. No person's id has a colon. */
export const authorIdOf = (agent: AgentId): UserId => `${AGENT_AUTHOR}${agent}` as UserId
/** Whether it is an id of {@link authorIdOf}; of those that are present as people are, these are bots. */
export const isAgentAuthor = (author: string): boolean => author.startsWith(AGENT_AUTHOR)

/** Whoever reads by a share link is this person. */
export const readerId = (link: LinkId): UserId => `link-${link}` as UserId

/** A `send` request and the message that it becomes share one id. */
export const messageIdOf = (request: RequestId): MessageId => request as string as MessageId

export const documentKind = (name: DocumentName): DocumentKind => name.slice(0, name.indexOf('/')) as DocumentKind
/** The part behind the slash. */
export const documentId = (name: DocumentName): string => name.slice(name.indexOf('/') + 1)
export const homeName = (id: string): DocumentName => `home/${id}` as DocumentName
export const conversationName = (id: string): DocumentName | null => parseDocumentName(`conversation/${id}`)

/** Fills the array with random bytes; `crypto.getRandomValues` in production. */
export type RandomBytes = (target: Uint8Array) => Uint8Array

/**
 * Makes UUIDv7s (RFC 9562) that increase on this device even within one millisecond and when the clock steps back:
 * the 12 bits after the time are a counter (method 1 of section 6.2).
 * @param now milliseconds since 1970
 */
export const createUuidV7 = (now: () => number, random: RandomBytes): (() => string) => {
  let lastTime = 0
  let counter = 0
  return () => {
    const bytes = random(new Uint8Array(16))
    // Clocks of browsers may count fractions, which the 48 bits do not show: within one millisecond the counter alone rises.
    const time = Math.floor(now())
    if (time > lastTime) {
      lastTime = time
      counter = ((bytes[6]! & 0x07) << 8) | bytes[7]!
    } else if (++counter > 0xfff) {
      lastTime++
      counter = 0
    }
    for (let i = 5, rest = lastTime; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256
    bytes[6] = 0x70 | (counter >> 8)
    bytes[7] = counter & 0xff
    bytes[8] = 0x80 | (bytes[8]! & 0x3f)
    return formatUuid(bytes)
  }
}

/**
 * The UUIDv8 (RFC 9562) that stands for a digest, so that the same cause gives the same id on every node and attempt.
 * @param digest at least 16 bytes, e.g. of SHA-256
 */
export const uuidFromDigest = (digest: Uint8Array): string => {
  const bytes = digest.slice(0, 16)
  bytes[6] = 0x80 | (bytes[6]! & 0x0f)
  bytes[8] = 0x80 | (bytes[8]! & 0x3f)
  return formatUuid(bytes)
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

const formatUuid = (bytes: Uint8Array): string => {
  const hex = hexOf(bytes)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
