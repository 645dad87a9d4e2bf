/** What stands on the page of a conversation, top to bottom: messages, replies being written, runs that wait or failed. Pure. */
import { botLabel } from '../../../shared/bot-label.ts'
import type { NamedAgent } from '../../../shared/conversation/asked.ts'
import { isFinished } from '../../../shared/conversation/read.ts'
import type { Draft, Reaction } from '../../../shared/conversation/read.ts'
import type { Message, MessagePart, Request, RequestOf, Run, SaidByBot, Summary } from '../../../shared/conversation/schema.ts'
import { authorIdOf, isKeptForBots } from '../../../shared/ids.ts'
import type { AgentId, MessageId } from '../../../shared/ids.ts'
import type { ConversationView, Delivery } from '../../sync/view.ts'

export interface Author {
  id: string
  /** Whose words they are; a bot's reply is the bot's, and `message.role` says that it is a reply. */
  kind: 'self' | 'person' | 'agent' | 'bot'
  name: string
  /** It is the person's own bot. */
  ownBot?: boolean
}

export interface Reply {
  /** The id that the sealed message has or will have: the entry stays the same when a draft is sealed. */
  key: string
  author: Author
  parts: readonly MessagePart[]
}

export interface MessageEntry extends Reply {
  kind: 'message'
  message: Message
  delivery: Delivery
  alternatives: string[]
  thumbs: Thumbs
  /** This device asked for another try, version or the rest of it, and the server has not answered yet. */
  asked: boolean
  /** The entry before it is by the same author: no need to name them again. */
  sameAuthor: boolean
  /** Nobody was asked for a reply to this, the last message here, since it mentions no agent. */
  unasked: boolean
}

export interface DraftEntry extends Reply {
  kind: 'draft'
}

export type TimelineEntry =
  | MessageEntry
  | DraftEntry
  /** A run that has written nothing yet. */
  | { kind: 'waiting', key: string, author: Author }
  /** Stands behind the last message that it stands for. */
  | { kind: 'summary', key: string, summary: Summary, author: Author }
  /** A run that ended without a message: why, and which message to try again for. */
  | { kind: 'failed', key: string, author: Author, messageId: MessageId, reason: string }

export interface Thumbs {
  count: number
  mine: boolean
}

export interface Timeline {
  entries: TimelineEntry[]
  /** Messages before the first entry that are not shown yet. */
  earlier: number
}

/** The one reaction that the app offers. */
export const THUMBS_UP = '👍'

type Shown = Pick<ConversationView, 'messages' | 'earlier' | 'summaries' | 'drafts' | 'runs' | 'reactions' | 'wanted'>
export interface Naming {
  isSelf: (userId: string) => boolean
  agentName: (agentId: string) => string
}

/** @param limit how many of the newest messages to show */
export const buildTimeline = (view: Shown, naming: Naming, limit: number): Timeline => {
  const replies = view.drafts.filter(draft => draft.head.kind === 'agent')
  const replaced = new Set<string>(view.runs.flatMap(run => !isFinished(run) && run.replaces ? [run.replaces] : []))
  const asked = new Set<string>(view.wanted.flatMap(request => isForAnother(request) ? [request.messageId] : []))
  const failures = failuresByMessage(view, naming)
  const thumbs = countThumbs(view.reactions, naming)
  const first = Math.max(0, view.messages.length - limit)
  const last = view.messages.at(-1)?.message
  const answered = new Set<string>([...asked, ...view.runs.map(run => run.messageId)])
  const summaries = Map.groupBy(view.summaries, ({ through }) => through)
  const entries: TimelineEntry[] = []
  let previous: string | null = null
  for (const { message, delivery, alternatives } of view.messages.slice(first)) {
    // While an alternative is being written, it stands in for the message that it will hide.
    if (alternatives.some(id => replaced.has(id))) continue
    const author = authorOf(message, naming)
    entries.push({
      kind: 'message', key: message.id, author, parts: message.parts, message, delivery, alternatives,
      thumbs: thumbs.get(message.id) ?? NO_THUMBS, asked: alternatives.some(id => asked.has(id)), sameAuthor: previous === author.id,
      unasked: message.metadata.unasked !== undefined && message === last && !answered.has(message.id)
    })
    previous = author.id
    for (const summary of summaries.get(message.id) ?? []) {
      entries.push({ kind: 'summary', key: `summary ${summary.digest}`, summary, author: agentAuthor(summary.agentId, naming) })
    }
    const failure = failures.get(message.id)
    if (failure) entries.push(failure)
  }
  for (const draft of replies) if (hasWords(draft)) entries.push(draftEntry(draft, view.runs, naming))
  entries.push(...waitingRuns(view, naming))
  return { entries, earlier: view.earlier + first }
}

const isForAnother = (request: Request): request is RequestOf<'regenerate' | 'retry' | 'continue'> =>
  request.type === 'regenerate' || request.type === 'retry' || request.type === 'continue'

/** Else there is nothing to be read yet, and that somebody is at work is what there is to be told. */
const hasWords = ({ parts }: Draft): boolean => parts.some(part => part.text !== '')

const NO_THUMBS: Thumbs = { count: 0, mine: false }

const agentAuthor = (agentId: AgentId, naming: Naming): Author =>
  ({ id: authorIdOf(agentId), kind: isKeptForBots(agentId) ? 'bot' : 'agent', name: naming.agentName(agentId) })

/** Who works on a run: an agent of the server, or a bot, that is called as it was then. */
const workerOf = ({ agentId, bot }: Run, naming: Naming): Author =>
  ({ ...agentAuthor(agentId, naming), ...bot && { name: nameOfBot(bot) } })

/** Bots that have said something, each once, as they were called last. */
export const botsIn = (messages: Shown['messages']): NamedAgent<string>[] =>
  [...new Map(messages.flatMap(({ message: { metadata: { bot } } }) => bot ? [[bot.id, { id: bot.id, name: bot.name }] as const] : []))
    .values()]

const nameOfBot = ({ name, of }: SaidByBot): string => botLabel(name, of.name)

export const authorOf = ({ role, metadata }: Message, naming: Naming): Author => {
  const { bot } = metadata
  // The name says whose it is; a bot is nobody's own words, its person's neither.
  if (bot) return { id: metadata.authorId, kind: 'bot', name: metadata.authorName || nameOfBot(bot), ownBot: naming.isSelf(bot.of.id) }
  // The name that it had then: the server may call its agents otherwise by now.
  if (metadata.agentId) return { ...agentAuthor(metadata.agentId, naming), ...metadata.authorName && { name: metadata.authorName } }
  if (role !== 'user') return { id: metadata.authorId, kind: 'agent', name: metadata.authorName ?? 'Assistant' }
  if (naming.isSelf(metadata.authorId)) return { id: metadata.authorId, kind: 'self', name: 'You' }
  return { id: metadata.authorId, kind: 'person', name: metadata.authorName || 'Somebody' }
}

const draftEntry = ({ id, head, parts }: Draft, runs: readonly Run[], naming: Naming): TimelineEntry => {
  if (head.kind !== 'agent') return { kind: 'draft', key: id, author: { id: head.authorId, kind: 'person', name: 'Somebody' }, parts }
  const run = runs.find(each => each.id === head.runId)
  return { kind: 'draft', key: head.replyId, author: run ? workerOf(run, naming) : agentAuthor(head.agentId, naming), parts }
}

const waitingRuns = (view: Shown, naming: Naming): TimelineEntry[] => {
  const present = new Set<string>(view.drafts.flatMap(draft => draft.head.kind === 'agent' && hasWords(draft) ? [draft.head.runId] : []))
  return view.runs
    .filter(run => !isFinished(run) && !present.has(run.id))
    .map(run => ({ kind: 'waiting', key: run.replyId, author: workerOf(run, naming) }))
}

/** The newest run of each message, where it failed and left no message that says so itself. */
const failuresByMessage = (view: Shown, naming: Naming): Map<string, TimelineEntry> => {
  const newest = new Map<string, Run>(view.runs.map(run => [run.messageId, run]))
  const failed = [...newest.values()].filter(run => run.state === 'error')
  if (failed.length === 0) return new Map()
  const sealed = new Set<string>(view.messages.flatMap(({ message, alternatives }) => [message.id, ...alternatives]))
  return new Map(failed.filter(run => !sealed.has(run.replyId)).map(run => [run.messageId as string, {
    kind: 'failed', key: run.replyId, author: workerOf(run, naming), messageId: run.messageId,
    reason: run.error?.message ?? 'The reply failed.'
  }]))
}

const countThumbs = (reactions: readonly Reaction[], { isSelf }: Naming): Map<string, Thumbs> => {
  const counted = new Map<string, Thumbs>()
  for (const { messageId, userId, kind } of reactions) {
    if (kind !== THUMBS_UP) continue
    const { count, mine } = counted.get(messageId) ?? NO_THUMBS
    counted.set(messageId, { count: count + 1, mine: mine || isSelf(userId) })
  }
  return counted
}
