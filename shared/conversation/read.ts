/** Pure functions that read a conversation document: messages, drafts, runs, reactions, title. Nothing here writes. */
import * as Y from 'yjs'
import { openRoots } from './document.ts'
import { DEFAULT_MODE, isMode } from './mode.ts'
import type { Mode } from './mode.ts'
import type { DraftMap } from './document.ts'
import * as schema from './schema.ts'
import type { DraftHead, Member, Message, MessagePart, Redaction, Run, Summary } from './schema.ts'
import type { DraftId } from '../ids.ts'
import { limits } from '../limits.ts'

export interface Draft {
  id: DraftId
  head: DraftHead
  parts: MessagePart[]
}

export interface Reaction {
  messageId: string
  userId: string
  kind: string
  at: number
}

/** All sealed messages in the order in which the server accepted them, alternatives included. */
export const readMessages = (doc: Y.Doc): Message[] => openRoots(doc).messages.toArray()

/** Messages that were taken out, by their ids. */
export const readRedactions = (doc: Y.Doc): Map<string, Redaction> => new Map(openRoots(doc).redactions.entries())

/** Who belongs to it, by id; for display, the directory is what counts. */
export const readMembers = (doc: Y.Doc): Map<string, Member> => new Map(openRoots(doc).members.entries())

/** Oldest first, so that what builds on another stands behind it. */
export const readSummaries = (doc: Y.Doc): Summary[] =>
  [...openRoots(doc).summaries.values()].sort((a, b) => a.messages - b.messages || a.at - b.at)

/** Drafts, oldest first. A draft that is not of the schema is left out. */
export const readDrafts = (doc: Y.Doc): Draft[] => {
  const drafts: Draft[] = []
  for (const [id, map] of openRoots(doc).drafts) {
    const draft = readDraft(id as DraftId, map)
    if (draft) drafts.push(draft)
  }
  return drafts.sort((a, b) => a.head.createdAt - b.head.createdAt || (a.id < b.id ? -1 : 1))
}

export const readDraft = (id: DraftId, map: unknown): Draft | null => {
  if (!(map instanceof Y.Map)) return null
  const head = schema.draftHead.safeParse(map.get('head'))
  return head.success ? { id, head: head.data, parts: readDraftParts(map as DraftMap) } : null
}

const readDraftParts = (map: DraftMap): MessagePart[] => {
  const parts = map.get('parts')
  if (!(parts instanceof Y.Array)) return []
  const read: MessagePart[] = []
  for (const part of parts) {
    if (!(part instanceof Y.Map)) continue
    const type = part.get('type')
    const text = part.get('text')
    if ((type === 'text' || type === 'reasoning') && text instanceof Y.Text) read.push({ type, text: text.toString() })
    else if (type === 'source-url') {
      const source = schema.sourcePart.safeParse(part.toJSON())
      if (source.success) read.push(source.data)
    }
  }
  return read
}

/** Runs, oldest first: the unfinished ones and the latest. */
export const readRuns = (doc: Y.Doc): Run[] =>
  [...openRoots(doc).runs.values()].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))

export const isFinished = (run: Pick<Run, 'state'>): boolean => {
  switch (run.state) {
    case 'pending':
    case 'processing':
    case 'awaiting-approval':
      return false
    case 'completed':
    case 'error':
    case 'cancelled':
      return true
  }
}

export const readReactions = (doc: Y.Doc): Reaction[] =>
  [...openRoots(doc).reactions].map(([key, at]) => {
    const [messageId = '', userId = '', ...kind] = key.split(' ')
    return { messageId, userId, kind: kind.join(' '), at }
  })

/** The text of a message or a draft, its parts joined by blank lines; reasoning left out. */
export const textOf = (parts: readonly MessagePart[]): string =>
  parts.flatMap(part => part.type === 'text' && typeof part.text === 'string' ? [part.text] : []).join('\n\n')

/** What of the longest reply these parts take: the bytes of its words and thoughts, and of its sources as JSON. */
export const replyBytes = (parts: readonly MessagePart[]): number =>
  parts.reduce((sum, part) => sum + utf8.encode(typeof part.text === 'string' ? part.text : JSON.stringify(part)).length, 0)
const utf8 = new TextEncoder()

/** Whether there is text that an agent can go on from, and room for more of it. */
export const canGoOn = (parts: readonly MessagePart[]): boolean =>
  // A reply is cut before the character that does not fit.
  textOf(parts).trim() !== '' && parts.length < limits.partsPerReply && replyBytes(parts) < limits.messageBytes - 3

/** The start of a text on one line; cut between code points, at most `length` UTF-16 units and an ellipsis. */
export const shorten = (text: string, length: number): string => {
  const line = whole(text.slice(0, length * 4)).replace(/\s+/g, ' ').trim()
  return line.length <= length ? line : `${whole(line.slice(0, length - 1))}…`
}

/** Without half a character at its end: a stored document could not hold it. */
const whole = (text: string): string => (/[\uD800-\uDBFF]$/.test(text) ? text.slice(0, -1) : text).toWellFormed()

export interface Meta {
  title: string
  /** The agent that answers when a message names none; null: nobody. */
  agent: string | null
  system: string
  /** Where several people write, the agent answers every message, not only those that mention it. */
  answersAlways: boolean
  mode: Mode
  schema: number
}

export const readMeta = (doc: Y.Doc): Meta => {
  const { meta } = openRoots(doc)
  const text = (key: string): string => {
    const value = meta.get(key)
    return typeof value === 'string' ? value : ''
  }
  const version = meta.get('schema')
  return {
    title: text('title'), agent: text('agent') || null, system: text('system'), answersAlways: text('answers') === 'always',
    mode: isMode(meta.get('mode')) ? meta.get('mode') as Mode : DEFAULT_MODE,
    schema: typeof version === 'number' ? version : schema.SCHEMA_VERSION
  }
}
