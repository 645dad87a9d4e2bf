/** The program of the thread that folds: gets a {@link FoldTask}, answers with what it comes to. */
import { parentPort } from 'node:worker_threads'
import * as Y from 'yjs'
import { snapshotInParts, snapshotOf } from './fold.ts'
import type { FoldTask, Folded } from './fold.ts'
import { applyInSlices, mustBeWhole } from './load-document.ts'

/** Returns the whole alone, so that the document is out of memory before it is cut. */
const fold = ({ name, updates }: FoldTask): Folded => {
  const doc = new Y.Doc({ gc: true })
  const slices = applyInSlices(doc, taken(updates))
  while (!slices.next().done);
  mustBeWhole(name, doc)
  return snapshotOf(name, doc)
}

/** One after the other, and each is let go. */
const taken = function* (updates: Uint8Array[]): Generator<Uint8Array> {
  updates.reverse()
  for (let update = updates.pop(); update; update = updates.pop()) yield update
}

parentPort?.once('message', (task: FoldTask) => {
  const folded = snapshotInParts(fold(task))
  const parts = [folded.update, ...folded.rest ?? []]
  parentPort?.postMessage(folded, [...new Set(parts.map(({ buffer }) => buffer as ArrayBuffer))])
})
