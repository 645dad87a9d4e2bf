/** Applies a judged update inside a transaction of the server without the two traps that Yjs sets there. */
import * as Y from 'yjs'
import './yjs-internals.ts'

/**
 * Must run inside `doc.transact`, and before the server writes anything in it.
 *
 * First trap: `applyUpdate` marks the whole transaction as remote. When the server then writes under its own client id in it, Yjs
 * believes that somebody else uses that id and changes `doc.clientID`. So the transaction is made local again. Second trap: only in
 * a remote transaction Yjs forgets the search markers of the changed types (positions it remembers to find indexes faster); kept
 * ones point elsewhere now, and the server's next edit by index lands there. So they are forgotten here.
 * @param bytes the document's from now on: its values may point into them for as long as it lives
 * @throws whatever Yjs throws, perhaps after it changed the document: then the document must be discarded
 */
export const applyClientUpdate = (transaction: Y.Transaction, doc: Y.Doc, bytes: Uint8Array): void => {
  const roots = new Set(doc.share.keys())
  Y.applyUpdate(doc, bytes, transaction.origin)
  transaction.local = true
  for (const type of transaction.changed.keys()) if (type._searchMarker) type._searchMarker.length = 0
  if (doc.share.size > roots.size) dropEmptyRoots(doc, roots)
}

/** Yjs creates each root that an update names, even for structs that it then skips; nothing of that would be in a fresh load. */
const dropEmptyRoots = (doc: Y.Doc, before: ReadonlySet<string>): void => {
  for (const [name, type] of doc.share) {
    if (!before.has(name) && type._start === null && type._map.size === 0) doc.share.delete(name)
  }
}
