/** The browser's own locks, channels and page life cycle, for tabs that share documents. */
import type { TabMessage } from './message.ts'
import type { LockHandlers, TabLock, TabSurroundings } from './port.ts'
import { realSurroundings } from '../port.ts'

/** @returns null where the browser lacks locks or channels: each tab is by itself then */
export const browserTabs = (window: Window & typeof globalThis): TabSurroundings | null => {
  const locks = window.navigator?.locks as LockManager | undefined
  if (!locks || typeof window.BroadcastChannel !== 'function') return null
  return {
    lock: name => webLock(locks, name),
    channel: (name, receive) => {
      const channel = new window.BroadcastChannel(name)
      channel.onmessage = ({ data }: MessageEvent<TabMessage>) => receive(data)
      return { post: message => channel.postMessage(message), close: () => channel.close() }
    },
    lifecycle: ({ freeze, resume }) => {
      const stop = new AbortController()
      const { signal } = stop
      window.document.addEventListener('freeze', freeze, { signal })
      window.document.addEventListener('resume', resume, { signal })
      // Kept for the back button: stopped all the same.
      window.addEventListener('pagehide', event => event.persisted && freeze(), { signal })
      window.addEventListener('pageshow', event => event.persisted && resume(), { signal })
      return () => stop.abort()
    },
    now: realSurroundings.now,
    random: realSurroundings.random,
    after: realSurroundings.after
  }
}

const webLock = (locks: LockManager, name: string): TabLock => ({
  request: (how, handlers) => {
    const unwanted = new AbortController()
    const done = Promise.withResolvers<void>()
    let held = false
    locks.request(name, optionsFor(how, unwanted.signal), lock => {
      if (unwanted.signal.aborted) return undefined
      if (!lock) return handlers.taken()
      held = true
      handlers.granted()
      return done.promise
    }).catch(() => {
      if (!unwanted.signal.aborted) fail(held, handlers)
    })
    return () => {
      unwanted.abort()
      done.resolve()
    }
  }
})

const optionsFor = (how: 'probe' | 'queue' | 'steal', signal: AbortSignal): LockOptions => {
  switch (how) {
    case 'probe':
      return { ifAvailable: true }
    case 'queue':
      return { signal }
    case 'steal':
      return { steal: true }
  }
}

/** Where the browser gives no locks at all, a tab is by itself. */
const fail = (held: boolean, handlers: LockHandlers): void => held ? handlers.robbed() : handlers.granted()
