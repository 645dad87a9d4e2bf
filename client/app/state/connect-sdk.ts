/** Binds the app to the real SDK: the page's own server, this device's IndexedDB, one store per person. */
import { createApi } from '../../sync/api.ts'
import { syncInBackground } from '../../sync/background-sync.ts'
import { openConversationList } from '../../sync/conversation-list.ts'
import { openConversation } from '../../sync/conversation.ts'
import { openDeviceStore } from '../../sync/store/indexeddb.ts'
import type { DeviceStore } from '../../sync/store/indexeddb.ts'
import { conversationName, documentId, documentKind } from '../../../shared/ids.ts'
import { SkeinError } from '../../../shared/errors.ts'
import type { Sdk } from './sdk.ts'

export const connectSdk = (window: Window): Sdk => {
  const api = createApi()
  const stores = new Map<string, DeviceStore>()
  const storeOf = (userId: string): DeviceStore => {
    const store = stores.get(userId) ?? openDeviceStore({ userId })
    stores.set(userId, store)
    return store
  }
  const schedule = (task: () => void) => onNextFrame(window, task)
  return {
    ...api,
    openList: ({ id }, listed) => openConversationList({ api, device: storeOf(id), schedule, listed }),
    syncInBackground: ({ id: userId }, isOpen, signal) => inOneTab(window, `skein:${userId}:background`, () => syncInBackground({
      api, device: storeOf(userId), userId, isOpen: name => documentKind(name) === 'conversation' && isOpen(documentId(name)), signal
    })),
    openConversation: (conversationId, who) => {
      const name = conversationName(conversationId)
      if (!name) throw new SkeinError('not-found')
      return openConversation({
        name, url: syncUrl(window.location), store: storeOf(who.id).document(name), userId: who.id, userName: who.name, schedule
      })
    }
  }
}

/** All tabs share the device's stores, so one of them does for all. Where the browser has no locks each does, which harms nothing. */
const inOneTab = async ({ navigator }: Window, name: string, task: () => Promise<void>): Promise<void> => {
  const locks = navigator.locks as LockManager | undefined
  if (!locks) return task()
  await locks.request(name, { ifAvailable: true }, async lock => {
    if (lock) await task()
  })
}

const syncUrl = ({ protocol, host }: Location): string => `${protocol === 'https:' ? 'wss' : 'ws'}://${host}/sync`

/** Milliseconds between updates of a page that nobody sees and that gets no frames. */
const UNSEEN = 250

const onNextFrame = (window: Window, task: () => void): void => {
  if (window.document.hidden) window.setTimeout(task, UNSEEN)
  else window.requestAnimationFrame(task)
}
