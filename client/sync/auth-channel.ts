/** Word between the tabs of a browser that somebody else may be signed in from now on: each one asks the server, and shows what it says. */

export interface AuthChannel {
  /** Tells all tabs, this one too. */
  changed(): void
  /** @returns how to stop */
  subscribe(listener: () => void): () => void
}

const NAME = 'skein:auth'

export const openAuthChannel = (): AuthChannel => {
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(NAME)
  channel?.addEventListener('message', tell)
  return {
    changed: () => {
      channel?.postMessage('changed')
      tell()
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    }
  }
}
