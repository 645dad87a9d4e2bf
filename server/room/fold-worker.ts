/** The program of the thread that folds: gets a {@link FoldTask}, answers with what it comes to. */
import { parentPort } from 'node:worker_threads'
import * as Y from 'yjs'
import { snapshotOf } from './fold.ts'
import type { FoldTask } from './fold.ts'
import { applyInSlices, mustBeWhole } from './load-document.ts'

parentPort?.once('message', ({ name, updates }: FoldTask) => {
  const doc = new Y.Doc({ gc: true })
  const slices = applyInSlices(doc, updates)
  while (!slices.next().done);
  mustBeWhole(name, doc)
  const folded = snapshotOf(name, doc)
  parentPort?.postMessage(folded, [folded.update.buffer as ArrayBuffer])
})
