/**
 * What of a conversation an agent reads that reads only so much at once: all of it, or the newest messages and a summary of the others.
 * Pure. A summary stands for the first messages of a context, exactly these in this order; the next one is made of it and of what was said
 * since, so nothing is ever summarised twice.
 */
import { createHash } from 'node:crypto'
import { textOf } from '../../shared/conversation/read.ts'
import type { Message, Summary } from '../../shared/conversation/schema.ts'
import { uuidFromDigest } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'

export interface Window {
  /** What the asking person saw, oldest first; the last one is always read whole. */
  messages: readonly Message[]
  /** All else that it reads. */
  around: string
  summaries: readonly Summary[]
  /** Tokens that the agent reads at once, its reply included. */
  contextTokens: number
}

export type Fit =
  /** The summary, if there is one, stands for the messages before `from`. */
  | { kind: 'read', from: number, summary: Summary | null }
  /** The messages from `from` to before `to` are to be summarised together with what stands before them. */
  | { kind: 'summarise', from: number, to: number, before: Summary | null }

/**
 * An estimate, not a count: each model cuts text into tokens in its own way. No usual one makes more than one of a byte, and a third of the
 * bytes is more than they make of European languages and code, about what they make of Chinese, and too little for random characters.
 */
export const estimatedTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / 3)

/** What stands around the text of a message. */
const PER_MESSAGE = 8
/** Kept free for the reply, if that leaves most of the window. */
const FOR_THE_REPLY = 8192

export const fitWindow = (window: Window): Fit => {
  const { messages, around, contextTokens } = window
  const room = contextTokens - Math.min(FOR_THE_REPLY, Math.floor(contextTokens / 4)) - estimatedTokens(around)
  const tokens = messages.map(tokensOf)
  const usable = usableSummaries(window)
  // The one that leaves most in the words in which it was said.
  for (const summary of [null, ...usable]) {
    const from = summary?.messages ?? 0
    if (sum(tokens.slice(from)) + tokensOfSummary(summary) <= room) return { kind: 'read', from, summary }
  }
  const before = usable.at(-1) ?? null
  const from = before?.messages ?? 0
  const to = Math.min(endOfOlder(tokens, Math.floor(room / 2)), endOfPiece(tokens, from, Math.floor(contextTokens / 2)))
  // Nothing is left to be summarised: what is asked is longer than the model reads, and it is the model's to say so.
  return to <= from ? { kind: 'read', from, summary: before } : { kind: 'summarise', from, to, before }
}

/** Which messages a summary stands for. The names of who said them are in it too. */
export const digestOf = (messages: readonly Message[]): string => {
  const hash = createHash('sha256')
  for (const message of messages) hash.update(partOfDigest(message))
  return hash.digest('base64url')
}

/** One id for each thing that can be summarised, whoever does it. */
export const summaryId = (digest: string): string => uuidFromDigest(createHash('sha256').update(`summary\n${digest}`).digest())

const partOfDigest = ({ id, metadata }: Message): string => `${id} ${metadata.authorName ?? ''}\n`

/** Those that stand for the beginning of this very context, the shortest first. */
const usableSummaries = ({ messages, summaries }: Window): Summary[] => {
  const byCount = Map.groupBy(summaries, summary => summary.messages)
  const usable: Summary[] = []
  const hash = createHash('sha256')
  for (const [i, message] of messages.slice(0, -1).entries()) {
    hash.update(partOfDigest(message))
    const candidates = byCount.get(i + 1)
    if (!candidates) continue
    const digest = hash.copy().digest('base64url')
    usable.push(...candidates.filter(summary => summary.digest === digest))
  }
  return usable
}

/** Where the messages begin that stay as they are: the newest ones, as many as fit into the room, and the last in any case. */
const endOfOlder = (tokens: readonly number[], room: number): number => {
  let at = tokens.length - 1
  for (let left = room - (tokens[at] ?? 0); at > 0 && left >= (tokens[at - 1] ?? 0); at--) left -= tokens[at - 1] ?? 0
  return at
}

/** How many can be summarised at once: one at least, which is cut if need be. */
const endOfPiece = (tokens: readonly number[], from: number, room: number): number => {
  let at = from + 1
  for (let left = room - (tokens[from] ?? 0); at < tokens.length && left >= (tokens[at] ?? 0); at++) left -= tokens[at] ?? 0
  return at
}

const tokensOf = (message: Message): number => estimatedTokens(textOf(message.parts)) + PER_MESSAGE
const tokensOfSummary = (summary: Summary | null): number => summary ? estimatedTokens(summary.text) + PER_MESSAGE : 0
const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0)

/** How much text of one piece the summarising model is shown (bytes). */
export const pieceBytes = (contextTokens: number): number => Math.floor(contextTokens / 2) * 3

/** How much of files an agent is given: most of what it reads at once stays for what was said. No bound where nobody knows the window. */
export const bytesForFiles = (contextTokens: number | undefined): number =>
  contextTokens === undefined ? Number.MAX_SAFE_INTEGER : Math.floor(contextTokens / 3) * 3

/** A summary must leave room for what comes after it, in a small window too. */
export const summaryBytesFor = (contextTokens: number): number => Math.min(limits.summaryBytes, Math.floor(contextTokens / 8) * 3)
