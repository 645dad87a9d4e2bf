/**
 * The list of conversations on this device: what the server last told, at once and offline; what it tells now; and conversations that
 * were begun here and have not reached it yet, so that nobody has to remember where they wrote something.
 */
import type { Api } from './api.ts'
import { realSurroundings } from './port.ts'
import type { Schedule } from './port.ts'
import { createSignal } from './signal.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { listCache } from './store/list-cache.ts'
import type { OutboxEntry } from './view.ts'
import { conversationListItem } from '../../shared/api/schemas.ts'
import type { ConversationListItem } from '../../shared/api/schemas.ts'
import { shorten, textOf } from '../../shared/conversation/read.ts'
import { documentId, documentKind, parseDocumentName } from '../../shared/ids.ts'

export interface ConversationListOptions {
  api: Pick<Api, 'listConversations' | 'subscribeFeed'>
  device: Pick<DeviceStore, 'lists' | 'unsent'>
  schedule?: Schedule
  /** Called each time the server has told the whole list: at the start, and when the connection to it is back. */
  listed?: () => void
  /** Called when a conversation was deleted, or is no longer this person's. */
  left?: () => void
  /** Called when the server does not tell this device of its conversations: it may take it for somebody else by now. */
  refused?: () => void
}

export interface ConversationList {
  /** Newest first; the same array until something changes. */
  view: () => readonly ConversationListItem[]
  subscribe: (listener: () => void) => () => void
  /** Looks again at what this device has not sent: after writing into a conversation that is new. */
  refresh: () => Promise<void>
  /** What this device holds is read. */
  ready: Promise<void>
  close: () => void
}

export const openConversationList = (options: ConversationListOptions): ConversationList => {
  const { api, device, schedule = realSurroundings.schedule, listed = () => {}, left = () => {}, refused = () => {} } = options
  const cache = listCache(device.lists, 'conversations', value => {
    const parsed = conversationListItem.safeParse(value)
    return parsed.success ? parsed.data : null
  })
  const signal = createSignal(schedule)
  let fromServer: readonly ConversationListItem[] = []
  let begunHere: readonly ConversationListItem[] = []
  let toldByServer = false
  let shown: readonly ConversationListItem[] | null = null

  const changed = () => {
    shown = null
    signal.changed()
  }
  const takeList = (items: readonly ConversationListItem[]) => {
    toldByServer = true
    fromServer = items
    void cache.write(items)
    changed()
  }
  const refresh = async () => {
    begunHere = summarise(await device.unsent())
    changed()
  }
  const readCache = async () => {
    const cached = await cache.read()
    if (cached && !toldByServer) fromServer = cached
    await refresh()
  }
  const stop = api.subscribeFeed({
    // A failed reading is made up for by the next one: the feed opens anew with every connection.
    opened: () => void api.listConversations().then(items => {
      takeList(items)
      listed()
    }, () => {}),
    changed: item => takeList([item, ...fromServer.filter(({ id }) => id !== item.id)]),
    removed: gone => {
      takeList(fromServer.filter(({ id }) => id !== gone))
      void refresh()
      left()
    },
    refused
  })
  return {
    view: () => shown ??= merge(fromServer, begunHere),
    subscribe: signal.subscribe,
    refresh,
    ready: readCache(),
    close: () => {
      stop()
      signal.clear()
    }
  }
}

const merge = (fromServer: readonly ConversationListItem[], begunHere: readonly ConversationListItem[]): ConversationListItem[] => {
  // The server knows a conversation as soon as its device connects, and says more than the device only once it has messages.
  const told = fromServer.filter(({ id, messageCount }) => messageCount > 0 || !begunHere.some(begun => begun.id === id))
  const known = new Set(told.map(({ id }) => id))
  return [...told, ...begunHere.filter(({ id }) => !known.has(id))].sort((a, b) => b.updatedAt - a.updatedAt)
}

/** Conversations as their unsent messages show them. */
const summarise = (unsent: ReadonlyMap<string, readonly OutboxEntry[]>): ConversationListItem[] =>
  [...unsent].flatMap(([key, entries]) => {
    const name = parseDocumentName(key)
    const sends = entries.flatMap(({ request }) => request.type === 'send' ? [request] : [])
    const first = sends[0]
    const last = sends.at(-1)
    if (!name || documentKind(name) !== 'conversation' || !first || !last) return []
    return [{
      id: documentId(name),
      role: 'owner' as const,
      title: shorten(textOf(first.message.parts), 60),
      preview: shorten(textOf(last.message.parts), 140),
      messageCount: sends.length,
      createdAt: first.createdAt,
      updatedAt: last.createdAt
    }]
  })
