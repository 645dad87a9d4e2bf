/** What a document is opened with, and what hears of it. */
import type { DocumentStore, Surroundings } from './port.ts'
import type { TabSession } from './tabs/session.ts'
import { noOutbox } from './tabs/shared-document.ts'
import type { SharedOutbox } from './tabs/shared-document.ts'
import type { OutboxEntry } from './view.ts'
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

export interface DocumentOptions extends Partial<Surroundings> {
  name: DocumentName
  /** `ws://host/sync` or `wss://host/sync` */
  url: string
  store: DocumentStore
  /** Whose store it is; a server that takes this device for somebody else gets nothing of it. */
  userId?: string
  /** Shares the document with the person's other tabs; {@link store} is the session's then. Without it this page is by itself. */
  tabs?: TabSession
  WebSocket?: typeof WebSocket
  /** Connect as soon as the local store is read; true by default. */
  connect?: boolean
}

/** What is built on a document hears of it; called at once, not coalesced. */
export interface DocumentHooks {
  /** At once after every change of anything shown; listeners hear of it later, once per tick. */
  changed: () => void
  /** The local store is read. */
  loaded: (outbox: readonly OutboxEntry[], writers: readonly number[], gone: readonly string[]) => void
  /** Another `Y.Doc` took the place of the old one. */
  replaced: () => void
  /** A server that holds this document's lineage was met; it gets what the document holds right after this. */
  met: (epoch: string, continues: readonly string[]) => void
  /** Nothing of it can be sent any more, and this device is about to forget what it held: it was deleted, or is no longer this person's. */
  gone: (code: 'gone' | 'no-longer-member') => void
  synced: () => void
  /** The server has confirmed all that was written here. */
  saved: () => void
  /** Something was kept of an earlier life of the document after this one began. */
  keptMore: () => void
  /**
   * The document holds something of this person that only it may hold: an earlier life with such edits is kept.
   * @param confirmed the server has confirmed all that was written here
   */
  holdsOwn: (confirmed: boolean) => boolean
  result: (id: RequestId, outcome: RequestOutcome) => void
  /** How the outbox is kept the same in all tabs. */
  outbox: SharedOutbox
}

export const noHooks: DocumentHooks = {
  changed: () => {}, loaded: () => {}, replaced: () => {}, met: () => {}, gone: () => {}, synced: () => {}, saved: () => {},
  keptMore: () => {}, holdsOwn: confirmed => !confirmed, result: () => {},
  outbox: noOutbox
}
