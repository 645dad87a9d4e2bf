/** Conversations as lists show them: what the directory says of them, with the summary that the room wrote beside each record. */
import type { ConversationListItem, ConversationList as Page } from '../../shared/api/schemas.ts'
import { PAGE_SIZE } from '../../shared/api/schemas.ts'
import type { ConversationSummary } from '../../shared/conversation/event.ts'
import { documentId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Directory } from '../directory/port.ts'
import type { UpdateLog } from '../log/port.ts'
import { limited, membershipsOf } from '../room/access.ts'
import type { Membership } from '../room/access.ts'

export type SummaryLog = Pick<UpdateLog, 'list' | 'summaries'>

const PREFIX = 'conversation/'

/** @param openToAll every stored conversation is everybody's, whoever made it */
export const createConversationList = (directory: Directory, log: SummaryLog, openToAll: boolean) => {
  const listed = async (principal: Principal): Promise<Membership[]> => {
    const own = await membershipsOf(directory, principal, PREFIX)
    if (!openToAll) return own
    const known = new Set(own.map(({ name }) => name))
    const others = (await log.list(PREFIX)).filter(name => !known.has(name))
    const entries = await Promise.all(others.map(async name => ({ name, entry: await directory.find(name) })))
    // Between its deletion and its erasure a document is still in the log.
    const there = entries.filter(({ entry }) => entry === null || entry.deletedAt === null)
    const all = [...own, ...there.map(({ name, entry }) => ({ name, createdAt: entry?.createdAt ?? 0 }))]
    return limited(all.map(entry => ({ ...entry, role: 'owner' })), principal)
  }

  return {
    /** One page, newest first; ties in the order of ids, so that pages neither repeat nor skip one. */
    page: async (principal: Principal, before: string | undefined, limit = PAGE_SIZE): Promise<Page> => {
      const entries = await listed(principal)
      const summaries = await log.summaries(entries.map(({ name }) => name))
      const items = entries.map(entry => itemOf(entry, summaries.get(entry.name))).sort((a, b) => newestFirst(positionOf(a), positionOf(b)))
      const after = before === undefined ? null : parsePosition(before)
      const rest = after ? items.filter(item => newestFirst(positionOf(item), after) > 0) : items
      const conversations = rest.slice(0, limit)
      const last = conversations.at(-1)
      return { conversations, next: last && rest.length > limit ? formatPosition(positionOf(last)) : null }
    },
    item: async (entry: Membership): Promise<ConversationListItem> =>
      itemOf(entry, (await log.summaries([entry.name])).get(entry.name)),
  }
}

export type ConversationListing = ReturnType<typeof createConversationList>

const itemOf = ({ name, role, createdAt }: Membership, summary: ConversationSummary | undefined): ConversationListItem => ({
  id: documentId(name),
  role,
  title: summary?.title ?? '',
  preview: summary?.preview ?? '',
  messageCount: summary?.messageCount ?? 0,
  // A summary of a conversation without messages has no time of a newest one.
  updatedAt: summary?.updatedAt || createdAt,
  createdAt,
})

/** Where an item stands in the list; what `before` and `next` hold. */
interface Position {
  updatedAt: number
  id: string
}

const positionOf = ({ updatedAt, id }: ConversationListItem): Position => ({ updatedAt, id })
const newestFirst = (a: Position, b: Position): number => b.updatedAt - a.updatedAt || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)
const formatPosition = ({ updatedAt, id }: Position): string => `${updatedAt}.${id}`
const parsePosition = (text: string): Position => {
  const dot = text.indexOf('.')
  return { updatedAt: Number(text.slice(0, dot)), id: text.slice(dot + 1) }
}
