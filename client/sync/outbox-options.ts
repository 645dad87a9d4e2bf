/** What the outbox of a conversation needs from around it. */
import type * as Y from 'yjs'
import type { After, DocumentStore } from './port.ts'
import type { MessageId, RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

export interface OutboxOptions {
  store: DocumentStore
  /** The current document: it may be replaced. */
  doc: () => Y.Doc
  /** The message of this id is in the document, or was taken out of it by a redaction. */
  isSealed: (id: string) => boolean
  /** The last message shown that is sealed; null: there is none. */
  lastMessage: () => MessageId | null
  /** What is put into the document is sent at once. */
  isOnline: () => boolean
  /** The document holds what the server has, or had since this page was opened. */
  isSynced: () => boolean
  /** What is put into the document from now on, or goes to a server that was just met, is sent when this is noted. */
  holdUntil: (noted: Promise<unknown>) => void
  /** What the server noted of a request; null: nothing. Rejects when it cannot be asked now. */
  outcomeOf: (id: RequestId) => Promise<RequestOutcome | null>
  changed: () => void
  after: After
}
