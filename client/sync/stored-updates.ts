/** What the device's store holds of a document, put into a `Y.Doc` and compared with one. */
import * as Y from 'yjs'

/** Origin of updates that come from the store, so that they are not stored again. */
export const FROM_STORE = Symbol('from the store')

/** @returns whether they are updates; the document is of no use when not */
export const applyAll = (doc: Y.Doc, updates: readonly Uint8Array[]): boolean => {
  try {
    for (const update of updates) Y.applyUpdate(doc, update, FROM_STORE)
    return true
  } catch {
    return false
  }
}

/** @returns what the document has and these updates do not bring; null when nothing */
export const missingIn = (updates: readonly Uint8Array[], doc: Y.Doc): Uint8Array | null => {
  const stored = new Y.Doc()
  const known = applyAll(stored, updates) ? Y.decodeStateVector(Y.encodeStateVector(stored)) : null
  const lacks = known && [...doc.store.clients.keys()].some(client => Y.getState(doc.store, client) > (known.get(client) ?? 0))
  const missing = lacks ? Y.encodeStateAsUpdate(doc, Y.encodeStateVector(stored)) : null
  stored.destroy()
  return missing
}

export const isEmpty = (doc: Y.Doc): boolean => doc.store.clients.size === 0 && doc.store.pendingStructs === null
