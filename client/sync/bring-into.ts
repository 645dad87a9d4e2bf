/** Stores what the server sent of one document in a document store of this device that nobody has open. */
import * as Y from 'yjs'
import { latestOf } from './latest.ts'
import type { Latest } from './latest.ts'
import type { DocumentStore, StoredDocument } from './port.ts'
import { covers, stateVectorOf } from './update-state.ts'
import { decodeBase64 } from '../../shared/api/base64.ts'
import type { MissingUpdate } from '../../shared/api/schemas.ts'
import { visibleMessages } from '../../shared/conversation/branch.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { readMessages, readMeta, readReactions, readRedactions } from '../../shared/conversation/read.ts'
import { request as requestSchema } from '../../shared/conversation/schema.ts'
import { documentKind, parseRequestId } from '../../shared/ids.ts'

/** What a device holds of one document. */
export interface HeldState {
  epoch: string
  head: number
  stateVector: Uint8Array
}

/**
 * @param store is closed in the end
 * @param sent the state from which the update goes on; null: it is the whole document
 * @returns what the device now holds; null when the update does not fit what is stored (any more), and nothing was changed
 * @throws Error with the sentence to show when the store cannot be read or written
 */
export const bringInto = async (
  store: DocumentStore, missing: MissingUpdate, sent: Uint8Array | null
): Promise<HeldState | null> => {
  const failure = Promise.withResolvers<never>()
  const lost = Promise.withResolvers<null>()
  const unwatch = store.watch(problem => problem !== null && failure.reject(new Error(problem)))
  // A tab that had the document before and goes on only now writes nothing into what is brought, nor this into what a tab has since.
  store.claim?.(() => lost.resolve(null))
  try {
    return await Promise.race([failure.promise, lost.promise, bring(store, missing, sent)])
  } finally {
    unwatch()
    await store.close()
  }
}

const bring = async (store: DocumentStore, missing: MissingUpdate, sent: Uint8Array | null): Promise<HeldState | null> => {
  const { name, epoch, role, head } = missing
  const update = decodeBase64(missing.update)
  if (!update || !stateVectorOf([update])) return null
  let stored = await store.load()
  if (stored.epoch !== null && stored.epoch !== epoch) {
    if (sent) return null
    const isConversation = documentKind(name) === 'conversation'
    if (isConversation) await keepRequests(store, stored)
    await store.rebuild(epoch, mayHoldUnsent(stored, isConversation))
    stored = await store.load()
    if (stored.epoch !== null && stored.epoch !== epoch) return null
  }
  const before = stateVectorOf(stored.updates)
  if (!before || (sent && !covers(before, sent))) return null
  const isAll = stored.updates.length === 0
  const end = documentKind(name) === 'conversation' ? endOf(stored.updates, update) : null
  await Promise.all([
    store.append(update), store.setEpoch(epoch, role), isAll && store.markSaved?.(),
    end && store.keepLatest?.(end.latest), end && end.redacted.length > 0 && store.scrub?.(end.redacted)
  ])
  return { epoch, head, stateVector: stateVectorOf([...stored.updates, update])! }
}

/** What is painted when the conversation is opened, and the messages that the update took out. */
const endOf = (stored: readonly Uint8Array[], update: Uint8Array): { latest: Latest, redacted: string[] } | null => {
  const doc = new Y.Doc()
  const before = new Set<string>()
  try {
    for (const earlier of stored) Y.applyUpdate(doc, earlier)
    for (const id of openRoots(doc).redactions.keys()) before.add(id)
    Y.applyUpdate(doc, update)
  } catch {
    return null // Whoever opens it sets it aside.
  }
  const redactions = readRedactions(doc)
  const shown = visibleMessages(readMessages(doc), new Map(), redactions)
  const latest = latestOf(shown.map(entry => ({ ...entry, delivery: { state: 'saved' } })), readMeta(doc), readReactions(doc))
  doc.destroy()
  return { latest, redacted: [...redactions.keys()].filter(id => !before.has(id)) }
}

/** Besides requests, which are kept by themselves: in a conversation that is what the person wrote in shared drafts. */
const mayHoldUnsent = ({ updates, unsaved = true, writers = [] }: StoredDocument, isConversation: boolean): boolean =>
  updates.length > 0 && (isConversation ? writers.length > 0 : unsaved)

/**
 * A request whose entry could not be stored lies in the old document alone. It, and every entry that does not say where it was sent, may
 * have been sent to the server of the old lineage.
 */
const keepRequests = async (store: DocumentStore, { updates, outbox, epoch }: StoredDocument): Promise<void> => {
  const unnoted = outbox.filter(({ refusal, askedIn }) => refusal === null && askedIn === undefined)
  await Promise.all(unnoted.map(entry => store.putOutbox({ ...entry, askedIn: epoch })))
  if (!stateVectorOf(updates)) return
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  const known = new Set<string>(outbox.map(entry => entry.id))
  await Promise.all([...openRoots(doc).requests].map(async ([key, value]) => {
    const id = parseRequestId(key)
    const parsed = requestSchema.safeParse(value)
    if (!id || known.has(id) || !parsed.success) return
    await store.putOutbox({ id, request: parsed.data, stored: true, refusal: null, askedIn: epoch })
  }))
  doc.destroy()
}
