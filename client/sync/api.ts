/** The server's API as the app needs it: who we are, which conversations there are, invitations, and the feed that tells of changes. */
import { createAsk, nothing, post } from './ask.ts'
import { createPeopleApi } from './people-api.ts'
import type { PeopleApi } from './people-api.ts'
import { realSurroundings } from './port.ts'
import type { After } from './port.ts'
import { FEED_EVENT, FEED_REMOVED_EVENT, routes } from '../../shared/api/routes.ts'
import * as schemas from '../../shared/api/schemas.ts'
import type { ConversationListItem, Me, SyncPage, SyncRequest } from '../../shared/api/schemas.ts'
import { SkeinError } from '../../shared/errors.ts'
import { createUuidV7 } from '../../shared/ids.ts'
import type { RandomBytes } from '../../shared/ids.ts'

export interface ApiOptions {
  /** `https://host`; empty for the page's own server. */
  origin?: string
  /** The `Authorization` header, for whoever comes without a cookie. */
  authorization?: string
  fetch?: typeof fetch
  EventSource?: typeof EventSource
  /** Where the last answer of `me` is remembered, so that the app starts offline; `localStorage` in a browser. */
  memory?: Pick<Storage, 'getItem' | 'setItem'>
  now?: () => number
  random?: RandomBytes
  after?: After
}

export interface FeedListener {
  /** The feed begins, or begins again after a break: what changed before is not told, so read the list now. */
  opened: () => void
  /** One conversation as it is now. */
  changed: (item: ConversationListItem) => void
  /** The conversation of this id was deleted. */
  removed: (id: string) => void
  /** The server did not open the feed: it may not take this device for who it was any more. It is asked again. */
  refused?: () => void
}

export interface Api extends PeopleApi {
  /** Who we are here; the last known answer where the server cannot be reached. */
  me: (before?: { user?: string, device?: string }) => Promise<Me>
  /** All of them, newest first. */
  listConversations: () => Promise<ConversationListItem[]>
  /** Made on this device: the server creates the conversation when its owner first connects to it. */
  createConversationId: () => string
  /** For good, for everybody. For its owner. */
  deleteConversation: (id: string) => Promise<void>
  /** What this device lacks of the person's documents; see `POST /api/sync`. */
  sync: (request: SyncRequest, signal?: AbortSignal) => Promise<SyncPage>
  /** Reconnects by itself. Returns how to stop. */
  subscribeFeed: (listener: FeedListener) => () => void
}

const MEMORY_KEY = 'skein:me'
/** A network that swallows requests must not keep the app from starting with what it remembers. */
const ME_TIMEOUT = 4_000
/** A page of a batch sync is some megabytes, on a slow line too; after that the next pass tries again. */
const SYNC_TIMEOUT = 120_000
/** An EventSource reconnects after a broken connection, but not after an answer that is an error. */
const FEED_RETRY = 5_000

/** @returns an API whose methods throw SkeinError: with the server's code, or `unavailable` where it cannot be reached */
export const createApi = (options: ApiOptions = {}): Api => {
  const { origin = '', after = realSurroundings.after, now = realSurroundings.now, random = realSurroundings.random } = options
  const memory = options.memory ?? globalThis.localStorage
  const ask = createAsk(origin, withHeader(options.fetch ?? fetch, options.authorization))
  return {
    me: async before => {
      const giveUp = new AbortController()
      const cancel = after(ME_TIMEOUT, () => giveUp.abort())
      try {
        const me = await ask(schemas.me, routes.me(before), { signal: giveUp.signal })
        memory.setItem(MEMORY_KEY, JSON.stringify(me))
        return me
      } catch (error) {
        const remembered = error instanceof SkeinError && error.code === 'unavailable' ? recall(memory) : null
        if (remembered) return remembered
        throw error
      } finally {
        cancel()
      }
    },
    listConversations: async () => {
      const all: ConversationListItem[] = []
      let before: string | null = null
      do {
        const page: schemas.ConversationList = await ask(
          schemas.conversationList, routes.conversations({ limit: schemas.PAGE_SIZE, ...before !== null && { before } })
        )
        all.push(...page.conversations)
        before = page.next
      } while (before !== null)
      return all
    },
    createConversationId: createUuidV7(now, random),
    deleteConversation: async id => {
      await ask(nothing, routes.conversation(id), { method: 'DELETE' })
    },
    ...createPeopleApi(ask),
    sync: async (request, signal) => {
      const giveUp = new AbortController()
      const cancel = after(SYNC_TIMEOUT, () => giveUp.abort())
      const signals = signal ? AbortSignal.any([signal, giveUp.signal]) : giveUp.signal
      return ask(schemas.syncPage, routes.sync(), { ...post(request), signal: signals }).finally(cancel)
    },
    subscribeFeed: listener => subscribe(origin + routes.feed(), options.EventSource ?? EventSource, listener, after)
  }
}

const withHeader = (send: typeof fetch, authorization: string | undefined): typeof fetch =>
  authorization === undefined ? send : (input, init) => send(input, { ...init, credentials: 'omit', headers: { ...init?.headers, authorization } })

const recall = (memory: Pick<Storage, 'getItem'>): Me | null => {
  try {
    const parsed = schemas.me.safeParse(JSON.parse(memory.getItem(MEMORY_KEY) ?? 'null'))
    return parsed.success ? parsed.data : null
  } catch {
    return null // Not what this version wrote: as if nothing were remembered.
  }
}

const subscribe = (url: string, Source: typeof EventSource, listener: FeedListener, after: After): (() => void) => {
  const { opened, changed, removed, refused = () => {} } = listener
  let source: EventSource
  let cancel = () => {}
  const open = () => {
    source = new Source(url)
    source.addEventListener('open', opened)
    source.addEventListener(FEED_EVENT, event => {
      const item = schemas.conversationListItem.safeParse(JSON.parse(event.data as string))
      if (item.success) changed(item.data)
    })
    source.addEventListener(FEED_REMOVED_EVENT, event => {
      const gone = schemas.removedConversation.safeParse(JSON.parse(event.data as string))
      if (gone.success) removed(gone.data.id)
    })
    source.addEventListener('error', () => {
      if (source.readyState !== source.CLOSED) return
      cancel = after(FEED_RETRY, open)
      refused()
    })
  }
  open()
  return () => {
    cancel()
    source.close()
  }
}
