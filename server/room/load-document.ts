/** Builds a `Y.Doc` from stored bytes without holding up the other rooms. */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { applyClientUpdate } from '../gate/apply.ts'

/**
 * Updates per slice. One transaction a slice: 10,000 un-merged pushes inside a single transaction took 0.5 GB, 30,000 took 3.8 GB.
 */
const SLICE = 100

/** @throws SkeinError `log-damaged` when the updates do not make a whole document */
export const loadDocument = async (
  name: DocumentName,
  updates: readonly Uint8Array[],
  yieldToOthers: () => Promise<void>,
): Promise<Y.Doc> => {
  const doc = new Y.Doc({ gc: true })
  for (let start = 0; start < updates.length; start += SLICE) {
    if (start > 0) await yieldToOthers()
    // As local changes: after remote ones Yjs tidies formats, and memory would then hold what the log does not.
    doc.transact(transaction => {
      for (const update of updates.slice(start, start + SLICE)) applyClientUpdate(transaction, doc, update)
    })
  }
  if (doc.store.pendingStructs || doc.store.pendingDs) {
    throw new SkeinError('log-damaged', `${name}: records that later ones build on are missing from the log.`)
  }
  return doc
}
