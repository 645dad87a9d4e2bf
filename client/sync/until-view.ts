/** Waits for what a conversation comes to show, as long as that is wanted. */
import type { Conversation } from './conversation.ts'
import type { After } from './port.ts'
import type { ConversationView } from './view.ts'

export interface Waiting {
  signal: AbortSignal
  after: After
  /** At most so many milliseconds. */
  patience: number
}

/** Resolves when it is so, when the time is over, or when nobody waits any more. */
export const untilView = (
  conversation: Pick<Conversation, 'view' | 'subscribe'>, isSo: (view: ConversationView) => boolean, { signal, after, patience }: Waiting
): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      unsubscribe()
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const look = (): void => {
      if (isSo(conversation.view())) done()
    }
    const unsubscribe = conversation.subscribe(look)
    const cancel = after(patience, done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
    else look()
  })
