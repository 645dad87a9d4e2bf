/** Binds the app to the real SDK: the page's own server, this device's IndexedDB, one store per person. */
import { createApi } from '../../sync/api.ts'
import { openAuthChannel } from '../../sync/auth-channel.ts'
import { syncInBackground } from '../../sync/background-sync.ts'
import type { WhileFree } from '../../sync/background-sync.ts'
import { openConversationList } from '../../sync/conversation-list.ts'
import { openConversation } from '../../sync/conversation.ts'
import { deliverUnsent } from '../../sync/deliver-unsent.ts'
import { forgetDeleted } from '../../sync/forget-deleted.ts'
import { Home } from '../../sync/home.ts'
import { realSurroundings } from '../../sync/port.ts'
import { hasStores } from '../../sync/store/adopt-stores.ts'
import { memoryStore } from '../../sync/store/memory.ts'
import { openDocument } from '../../sync/synced-document.ts'
import { browserTabs } from '../../sync/tabs/browser.ts'
import { TabSession } from '../../sync/tabs/session.ts'
import { LINK_PREFIX } from '../../../shared/api/routes.ts'
import { conversationName, documentId, documentKind, homeName } from '../../../shared/ids.ts'
import type { DocumentName } from '../../../shared/ids.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { TICKET_PROTOCOL } from '../../../shared/wire/frame.ts'
import { adoptTexts, dropTexts, hasTexts } from './composer-texts.ts'
import { dropChoices } from './kept-choices.ts'
import type { Sdk, Who } from './sdk.ts'
import { StoresInUse } from './stores-in-use.ts'
import { unsentWork } from './unsent-work.ts'

export const connectSdk = (window: Window & typeof globalThis): Sdk => {
  const api = createApi()
  const stores = new StoresInUse(window.navigator.locks as LockManager | undefined)
  const texts = [window.localStorage, window.sessionStorage]
  const surroundings = browserTabs(window)
  const channel = openAuthChannel()
  const schedule = (task: () => void) => onNextFrame(window, task)
  const keptHere = (name: DocumentName, who: Who) => {
    const openStore = () => stores.device(who.id).document(name)
    const tabs = surroundings && new TabSession({ surroundings, key: tabKey(name, who), openStore })
    return { name, url: syncUrl(window.location), ...tabs ? { store: tabs.store, tabs } : { store: openStore() }, userId: who.id, schedule }
  }
  const openHere = (name: DocumentName, who: Who) => {
    const glance = () => stores.device(who.id).glance(name)
    const aliases = who.aliases ?? []
    return openConversation({ ...keptHere(name, who), userName: who.name, aliases, glance })
  }
  return {
    ...api,
    openList: ({ id }, { listed, refused }) =>
      openConversationList({ api, device: stores.device(id), schedule, listed, left: listed, refused }),
    syncInBackground: (who, isOpen, signal) => stores.busy(who.id, ifFree(window, `skein:${who.id}:background`, async () => {
      const [device, userId] = [stores.device(who.id), who.id]
      const isOpenHere = (name: DocumentName) => documentKind(name) === 'conversation' && isOpen(documentId(name))
      const { after } = realSurroundings
      await deliverUnsent({ device, isOpen: isOpenHere, open: name => openHere(name, who), signal, after })
      const whileFree: WhileFree = (name, task) => ifFree(window, tabKey(name, who), task)
      const forget = async (name: DocumentName): Promise<void> => {
        if (documentKind(name) === 'conversation') await forgetDeleted(openHere(name, who), { signal, after })
      }
      await syncInBackground({ api, device, userId, isOpen: isOpenHere, whileFree, forget, signal })
    })).then(() => {}),
    keeps: async userId => texts.some(storage => hasTexts(storage, userId)) || await hasStores(userId),
    leaveStores: userId => stores.leave(userId),
    takeOver: async (guest, account) => {
      for (const storage of texts) adoptTexts(storage, guest, account)
      await stores.takeOver(guest, account)
    },
    devices: async () => (await import('../../sync/devices.ts')).createDevicesApi(),
    bots: async () => (await import('../../sync/bots.ts')).createBotsApi(),
    auth: async () => (await import('../../sync/auth.ts')).createAuth({ channel }),
    admin: async () => (await import('../../sync/admin.ts')).createAdminApi(),
    onAuthChanged: channel.subscribe,
    hasPasskeys: typeof PublicKeyCredential !== 'undefined' && 'parseRequestOptionsFromJSON' in PublicKeyCredential,
    unsent: async userId => {
      const device = stores.device(userId)
      const [unsent, drafts] = await Promise.all([device.unsent(), device.unsentDrafts()])
      return unsentWork(unsent, drafts, window.localStorage, userId)
    },
    clear: async userId => {
      for (const storage of texts) dropTexts(storage, userId)
      dropChoices(window.localStorage)
      await stores.clear(userId)
    },
    has: async (id, who) => {
      const name = conversationName(id)
      // A storage that cannot be read is told of where the conversation is opened.
      return name !== null && stores.device(who.id).has(name).catch(() => true)
    },
    openHome: async (who, onlyIfHeld) => {
      const held = await stores.device(who.id).generations().catch(() => new Map<DocumentName, string>())
      const [own, ...others] = [who.id, ...who.aliases ?? []].map(homeName)
      const before = others.filter(name => held.has(name))
      if (onlyIfHeld && !held.has(own!) && before.length === 0) return null
      const open = (name: DocumentName) => openDocument(keptHere(name, who))
      return stores.opened(who.id, new Home([open(own!), ...before.map(open)], () => api.createConversationId()))
    },
    openShared: async secret => {
      const { id, who } = await readerOf(secret)
      const name = conversationName(id)
      if (!name) throw new SkeinError('not-found')
      const conversation = openConversation({
        name, url: syncUrl(window.location), store: memoryStore(), userId: who.id, userName: who.name, schedule,
        WebSocket: socketWith(window, secret)
      })
      return { id, conversation }
    },
    openConversation: (conversationId, who) => {
      const name = conversationName(conversationId)
      if (!name) throw new SkeinError('not-found')
      return stores.opened(who.id, openHere(name, who))
    }
  }
}

/** Who reads by a share link, and what. @throws SkeinError when it lets nobody read (any more) */
const readerOf = async (secret: string): Promise<{ id: string, who: Who }> => {
  const memory = new Map<string, string>()
  const api = createApi({
    authorization: `Bearer ${LINK_PREFIX}${secret}`,
    memory: { getItem: key => memory.get(key) ?? null, setItem: (key, value) => void memory.set(key, value) }
  })
  const { principal } = await api.me()
  const [item] = await api.listConversations()
  if (!item) throw new SkeinError('not-found')
  return { id: item.id, who: principal }
}

/** A browser's socket sends no headers: the secret goes as a subprotocol, which stands in no address. */
const socketWith = ({ WebSocket }: Window & typeof globalThis, secret: string): typeof globalThis.WebSocket => class extends WebSocket {
  constructor(url: string | URL, protocols: string | string[] = []) {
    super(url, [...[protocols].flat(), `${TICKET_PROTOCOL}${LINK_PREFIX}${secret}`])
  }
}

/** The lock and the channel by which a person's tabs share a document. */
const tabKey = (name: DocumentName, { id }: Who): string => `skein:${id}:${name}`

/** What one tab does for all; null where another has the lock. Where the browser has no locks each does it, which harms nothing. */
const ifFree = async <T>({ navigator }: Window, name: string, task: () => Promise<T>): Promise<T | null> => {
  const locks = navigator.locks as LockManager | undefined
  return locks ? locks.request(name, { ifAvailable: true }, async lock => lock && task()) : task()
}

const syncUrl = ({ protocol, host }: Location): string => `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/sync`

/** Milliseconds between updates of a page that nobody sees and that gets no frames. */
const UNSEEN = 250

const onNextFrame = (window: Window, task: () => void): void => {
  if (window.document.hidden) window.setTimeout(task, UNSEEN)
  else window.requestAnimationFrame(task)
}
