/** Sends what was written offline in conversations that nobody has open: "sent when you are back" must not wait until they are opened. */
import type { Conversation } from './conversation.ts'
import type { After } from './port.ts'
import type { DeviceStore } from './store/indexeddb.ts'
import { untilView } from './until-view.ts'
import { parseDocumentName } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'

export interface DeliverUnsentOptions {
  device: Pick<DeviceStore, 'unsent'>
  /** Those that the page has open send by themselves. */
  isOpen: (name: DocumentName) => boolean
  open: (name: DocumentName) => Pick<Conversation, 'ready' | 'view' | 'subscribe' | 'close'>
  signal: AbortSignal
  after: After
}

/** A conversation that the server does not answer within this time is tried again in the next pass (milliseconds). */
const PATIENCE = 15_000

/** One conversation after the other. Resolves when each was tried. */
export const deliverUnsent = async ({ device, isOpen, open, signal, after }: DeliverUnsentOptions): Promise<void> => {
  for (const [key, entries] of await device.unsent()) {
    const name = parseDocumentName(key)
    if (signal.aborted) return
    if (!name || isOpen(name) || entries.every(({ refusal }) => refusal !== null)) continue
    const conversation = open(name)
    try {
      await conversation.ready
      await untilView(conversation, ({ pending, closedBy }) => pending === 0 || closedBy !== null, { signal, after, patience: PATIENCE })
    } finally {
      await conversation.close()
    }
  }
}
