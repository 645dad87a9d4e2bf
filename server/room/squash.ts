/**
 * Squash: a document begun anew under another epoch, with the same content and none of its past. What is there is copied by value, struct
 * by struct, as if the server had written it from left to right; deleted content, and the client ids of everybody who ever wrote, stay
 * behind. It needs no knowledge of a root's type, so it holds for free documents too (docs/decisions/0002-epochs.md).
 */
import * as Y from 'yjs'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { ServerIds } from '../log/port.ts'
import { countTombstones } from './snapshot-facts.ts'

/** A document past one of these is squashed when it is loaded next. */
export interface SquashLimits {
  /** Every page load that writes leaves a client id, and every connection carries them all: 5,000 of them are 30 kB. */
  clients: number
  /** The same of a free document. A new epoch sets edits made offline aside there, so it comes only before the ids end all connecting. */
  clientsFree: number
  /** Structs of a conversation without content: taken requests, drafts that are gone. They cost memory and time at every load. */
  tombstones: number
  /** The same of a free document: well before it has as many structs as it may have (`documentStructs`). */
  tombstonesFree: number
}

export const squashLimits: SquashLimits = { clients: 1_000, clientsFree: 4_000, tombstones: 20_000, tombstonesFree: 60_000 }

/** Items copied before other rooms get their turn. */
const SLICE = 200

/** Any Yjs type: a root whose kind nobody has named yet, too. */
type Holder = Y.ContentType['type']

export const isDueForSquash = (name: DocumentName, doc: Y.Doc, limits: SquashLimits): boolean =>
  isPast(limits, name, doc.store.clients.size, countTombstones(doc))

/** The same of a document that is not decoded. */
export const isPast = (limits: SquashLimits, name: DocumentName, clients: number, tombstones: number): boolean =>
  documentKind(name) === 'conversation'
    ? clients > limits.clients || tombstones > limits.tombstones
    : clients > limits.clientsFree || tombstones > limits.tombstonesFree

/** @returns a new document; `requests` of a conversation stay behind: they are the clients' outbox, and clients have them */
export const squash = async (name: DocumentName, from: Y.Doc, ids: ServerIds, yieldToOthers: () => Promise<void>): Promise<Y.Doc> => {
  const doc = new Y.Doc({ gc: true })
  const isConversation = documentKind(name) === 'conversation'
  for (const [root, holder] of from.share) {
    if (isConversation && root === 'requests') continue
    // In a free document too: what a client id once wrote, nobody may write again under it.
    doc.clientID = isConversation && root === 'messages' ? ids.message : ids.transient
    await copyRoot(doc, holder, doc.get(root), yieldToOthers)
  }
  return doc
}

/** A transaction per slice: thousands of new items in a single one cost gigabytes. */
const copyRoot = async (doc: Y.Doc, from: Holder, to: Holder, yieldToOthers: () => Promise<void>): Promise<void> => {
  const items = liveItems(from)
  let left: Y.Item | null = null
  for (let start = 0; start < items.length; start += SLICE) {
    if (start > 0) await yieldToOthers()
    left = doc.transact(transaction => copyList(transaction, items.slice(start, start + SLICE), to, left))
  }
  doc.transact(transaction => copyEntries(transaction, from, to))
}

const copyList = (transaction: Y.Transaction, items: readonly Y.Item[], to: Holder, after: Y.Item | null): Y.Item | null => {
  let left = after
  for (const item of items) left = copyItem(transaction, item, to, left, null)
  return left
}

const copyEntries = (transaction: Y.Transaction, from: Holder, to: Holder): void => {
  for (const [key, item] of from._map) if (!item.deleted) copyItem(transaction, item, to, null, key)
}

const copyItem = (transaction: Y.Transaction, source: Y.Item, parent: Holder, left: Y.Item | null, key: string | null): Y.Item => {
  const { clientID, store } = transaction.doc
  const id = Y.createID(clientID, Y.getState(store, clientID))
  const item = new Y.Item(id, left, left && left.lastId, null, null, parent, key, source.content.copy())
  item.integrate(transaction, 0)
  if (source.content instanceof Y.ContentType && item.content instanceof Y.ContentType) {
    const { type: from } = source.content
    copyList(transaction, liveItems(from), item.content.type, null)
    copyEntries(transaction, from, item.content.type)
  }
  return item
}

const liveItems = (holder: Holder): Y.Item[] => {
  const items: Y.Item[] = []
  for (let item = holder._start; item !== null; item = item.right) if (!item.deleted) items.push(item)
  return items
}
