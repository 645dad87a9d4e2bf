/** What the SDK needs from its surroundings: a place to keep a document and its outbox, a clock, random bytes, a socket. */
import type { OutboxEntry } from './view.ts'
import type { DocumentName } from '../../shared/ids.ts'

/** Where one document is kept on this device. A promise that resolves means that the write is complete in the store. */
export interface DocumentStore {
  /** Everything stored, in y-indexeddb's format. */
  load(): Promise<{ updates: Uint8Array[], epoch: string | null, userId: string | null, outbox: OutboxEntry[] }>
  append(update: Uint8Array): Promise<void>
  setEpoch(epoch: string): Promise<void>
  putOutbox(entry: OutboxEntry): Promise<void>
  deleteOutbox(id: string): Promise<void>
  /** Begins a new generation: an empty document of this epoch; the outbox stays. */
  rebuild(epoch: string): Promise<void>
  close(): Promise<void>
}

export type OpenStore = (name: DocumentName) => Promise<DocumentStore>
