/**
 * Makes a device forget a conversation that was deleted, or that this person was removed from, while nobody had it open here: no list leads
 * to it any more, so nobody would open it. It is opened once; the server says how it is, and all goes but what this person had not sent.
 * (A server that was restored and knows nothing of it gets it back.)
 */
import type { Conversation } from './conversation.ts'
import type { After } from './port.ts'
import { untilView } from './until-view.ts'

/** A server that does not answer within this time is asked in the next pass (milliseconds). */
const PATIENCE = 15_000

export const forgetDeleted = async (
  conversation: Pick<Conversation, 'ready' | 'view' | 'subscribe' | 'carriedOver' | 'close'>, { signal, after }: { signal: AbortSignal, after: After }
): Promise<void> => {
  try {
    await conversation.ready
    await untilView(conversation, ({ closedBy, synced }) => closedBy !== null || synced, { signal, after, patience: PATIENCE })
    // A storage that does not write is tried in the next pass too.
    await Promise.race([conversation.carriedOver, new Promise<void>(resolve => after(PATIENCE, resolve))])
  } finally {
    await conversation.close()
  }
}
