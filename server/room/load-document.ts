/** Builds a `Y.Doc` from stored bytes without holding up the other rooms. */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { applyClientUpdate } from '../gate/apply.ts'
import { sliceUpdate } from './slice-update.ts'

/**
 * Updates per slice. One transaction a slice: 10,000 un-merged pushes inside a single transaction took 0.5 GB, 30,000 took 3.8 GB.
 */
const SLICE = 100
/** Small updates of a slice together; a larger one is cut. */
const BYTES = 128 * 1024

/** @throws SkeinError `log-damaged` when the updates do not make a whole document */
export const loadDocument = async (
  name: DocumentName,
  updates: readonly Uint8Array[],
  yieldToOthers: () => Promise<void>,
): Promise<Y.Doc> => {
  const doc = new Y.Doc({ gc: true })
  const slices = applyInSlices(doc, updates)
  while (!slices.next().done) await yieldToOthers()
  mustBeWhole(name, doc)
  return doc
}

/** Applies the updates in order; between its steps, of a few milliseconds each, others may work. */
export const applyInSlices = function* (doc: Y.Doc, updates: Iterable<Uint8Array>): Generator<undefined, void> {
  let small: Uint8Array[] = []
  let bytes = 0
  for (const update of updates) {
    if (small.length === SLICE || bytes + update.length > BYTES) {
      apply(doc, small)
      small = []
      bytes = 0
      yield undefined
    }
    if (update.length > BYTES) {
      for (const slice of sliceUpdate(update)) {
        if (slice) apply(doc, [slice])
        yield undefined
      }
    } else {
      small.push(update)
      bytes += update.length
    }
  }
  apply(doc, small)
}

/** As local changes: after remote ones Yjs tidies formats, and memory would then hold what the log does not. */
const apply = (doc: Y.Doc, updates: readonly Uint8Array[]): void => {
  if (updates.length === 0) return
  doc.transact(transaction => { for (const update of updates) applyClientUpdate(transaction, doc, new Uint8Array(update)) })
}

/** @throws SkeinError `log-damaged` */
export const mustBeWhole = (name: string, { store }: Y.Doc): void => {
  if (!store.pendingStructs && !store.pendingDs) return
  throw new SkeinError('log-damaged', `${name}: records that later ones build on are missing from the log.`)
}
