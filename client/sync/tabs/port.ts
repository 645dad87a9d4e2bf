/** What tabs need of the browser to share a document: a lock, a channel, and word of when a page is stopped. */
import type { TabMessage } from './message.ts'
import type { After } from '../port.ts'
import type { RandomBytes } from '../../../shared/ids.ts'

/** What a request for a lock came to. */
export interface LockHandlers {
  granted: () => void
  /** Only when it was to be had at once. */
  taken: () => void
  /** It was granted and another tab took it. */
  robbed: () => void
}

/** One lock that all tabs of a person know by its name. */
export interface TabLock {
  /**
   * @param how `probe`: at once or not at all; `queue`: when those before are done; `steal`: at once, from whoever has it
   * @returns gives it back, or no longer waits for it; nothing is told after that
   */
  request(how: 'probe' | 'queue' | 'steal', handlers: LockHandlers): () => void
}

/** Reaches every other tab of the person that has the document open, in the order sent; never the sender. */
export interface TabChannel {
  post(message: TabMessage): void
  close(): void
}

/** Word of a page that the browser stops and lets go on. */
export interface Lifecycle {
  freeze: () => void
  resume: () => void
}

export interface TabSurroundings {
  lock: (name: string) => TabLock
  channel: (name: string, receive: (message: TabMessage) => void) => TabChannel
  /** @returns how to stop */
  lifecycle: (handlers: Lifecycle) => () => void
  now: () => number
  random: RandomBytes
  after: After
}
