/**
 * The end of a conversation as plain data: kept beside the document on the device, and shown until the document is read, so that opening
 * a conversation does not take longer the longer it is. Pure.
 */
import * as z from 'zod/mini'
import { isOpen, isSend, pendingMessage } from './own-request.ts'
import type { Author, OwnRequest } from './own-request.ts'
import { deliveryOf, showMeta, showReactions } from './show.ts'
import type { ConversationView, OutboxEntry, ViewMessage } from './view.ts'
import { DEFAULT_MODE } from '../../shared/conversation/mode.ts'
import type { Meta, Reaction } from '../../shared/conversation/read.ts'
import { message } from '../../shared/conversation/schema.ts'
import { limits } from '../../shared/limits.ts'
import type { Role } from '../../shared/wire/frame.ts'

const latest = z.object({
  title: z.string(),
  agent: z.nullable(z.string()),
  /** The last visible ones that the server has, in order. */
  messages: z.array(z.object({ message, alternatives: z.array(z.string()) })),
  /** Visible messages before them. */
  earlier: z.number(),
  /** To those messages. */
  reactions: z.array(z.object({ messageId: z.string(), userId: z.string(), kind: z.string(), at: z.number() }))
})
export type Latest = z.infer<typeof latest>

/** What a device can show of a conversation at once. */
export interface Glance {
  latest: Latest
  /** Role that the server last told. */
  role: Role | null
  outbox: OutboxEntry[]
}

/** @param shown what the person sees; own messages that the server does not have yet are left out */
export const latestOf = (shown: readonly ViewMessage[], meta: Pick<Meta, 'title' | 'agent'>, reactions: readonly Reaction[]): Latest => {
  const saved = shown.filter(({ delivery }) => delivery.state === 'saved')
  const messages: Latest['messages'] = []
  let length = 0
  for (const { message, alternatives } of saved.slice(-limits.latestMessages).reverse()) {
    length += JSON.stringify(message).length
    if (messages.length > 0 && length > limits.latestLength) break
    messages.unshift({ message, alternatives })
  }
  const ids = new Set<string>(messages.map(({ message }) => message.id))
  return {
    title: meta.title,
    agent: meta.agent,
    messages,
    earlier: saved.length - messages.length,
    reactions: reactions.filter(({ messageId }) => ids.has(messageId))
  }
}

/** @returns null for what is not of this shape (any more) */
export const parseLatest = (value: unknown): Latest | null => {
  const parsed = latest.safeParse(value)
  return parsed.success ? parsed.data : null
}

type Glanced = Pick<ConversationView, 'title' | 'agent' | 'messages' | 'earlier' | 'reactions' | 'role'>

/**
 * As the conversation will look when the document is read: with own messages on their way, without what is being taken out.
 * @param made requests of this page
 */
export const showGlance = ({ latest, role, outbox }: Glance, made: readonly OwnRequest[], author: Author): Glanced => {
  const madeHere = new Set<string>(made.map(({ id }) => id))
  const own = [...outbox.filter(({ id }) => !madeHere.has(id)).map((entry): OwnRequest => ({ ...entry, accepted: false })), ...made]
  const redacted = new Set<string>(own.filter(isOpen).flatMap(({ request }) => request.type === 'redact' ? [request.messageId] : []))
  const kept = new Set<string>(latest.messages.map(({ message }) => message.id))
  const sends = own.filter(isSend).filter(({ id }) => !kept.has(id))
  const replaced = new Set<string>(sends.filter(isOpen).flatMap(({ request }) => request.message.replaces ?? []))
  const isHidden = ({ message, alternatives }: Latest['messages'][number]): boolean =>
    redacted.has(message.id) || alternatives.some(id => replaced.has(id))
  const { title, agent } = showMeta({ title: latest.title, agent: latest.agent, system: '', answersAlways: false, mode: DEFAULT_MODE }, own)
  return {
    title,
    agent,
    role,
    messages: [
      ...latest.messages.filter(entry => !isHidden(entry)).map(entry => ({ ...entry, delivery: { state: 'saved' as const } })),
      ...sends.map(entry => ({ message: pendingMessage(entry, author), alternatives: [entry.id as string], delivery: deliveryOf(entry) }))
    ],
    earlier: latest.earlier,
    reactions: showReactions(latest.reactions, own, author)
  }
}
