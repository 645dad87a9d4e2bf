/** The program of the thread that folds: gets a {@link FoldTask}, answers with what it comes to. */
import { parentPort } from 'node:worker_threads'
import * as Y from 'yjs'
import { largeSnapshotOf, snapshotInParts } from './fold.ts'
import type { FoldTask, Folded } from './fold.ts'
import { applyInSlices, mustBeWhole } from './load-document.ts'

const MARGIN_BYTES = 64 * 1024
/** Updates that are let go before their memory is given back, which takes some tens of milliseconds. */
const COLLECT_BYTES = 16 * 1024 * 1024

/** Returns the whole alone, so that the document is out of memory before it is cut. */
const fold = ({ name, updates }: FoldTask): Folded => {
  const doc = new Y.Doc({ gc: true })
  // What is folded is hardly ever larger than what it was.
  const bytes = updates.reduce((sum, { length }) => sum + length, MARGIN_BYTES)
  const slices = applyInSlices(doc, taken(updates))
  while (!slices.next().done);
  mustBeWhole(name, doc)
  return largeSnapshotOf(name, doc, bytes)
}

/** One after the other, and each is let go. */
const taken = function* (updates: Uint8Array[]): Generator<Uint8Array> {
  updates.reverse()
  let bytes = 0
  for (let update = updates.pop(); update; update = updates.pop()) {
    bytes += update.length
    yield update
    if (bytes < COLLECT_BYTES) continue
    collect()
    bytes = 0
  }
}

/** What is let go of stays in memory until V8 thinks that its heap is full, which for a thread that lives for a second is never. */
const collect = (): void => void globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })

parentPort?.once('message', (task: FoldTask) => {
  const whole = fold(task)
  if (whole.update.length >= COLLECT_BYTES) collect()
  const folded = snapshotInParts(whole)
  const parts = [folded.update, ...folded.rest ?? []]
  parentPort?.postMessage(folded, [...new Set(parts.map(({ buffer }) => buffer as ArrayBuffer))])
})
