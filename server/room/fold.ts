/** Folds the stored records of a large document into one snapshot, beside the live rooms: the work is a worker thread's. */
import { Worker, isMarkedAsUntransferable } from 'node:worker_threads'
import * as Y from 'yjs'
import type { DocumentName } from '../../shared/ids.ts'
import type { Snapshot } from '../log/port.ts'
import { loadSizes, sliceUpdate } from './slice-update.ts'
import { factsOf } from './snapshot-facts.ts'

/**
 * Writes into memory that is there from the start, and hands out just that: an encoder that grows has the document three times when it is
 * done, half of it empty.
 */
class RoomyEncoder extends Y.UpdateEncoderV1 {
  constructor(bytes: number) {
    super()
    this.restEncoder.cbuf = new Uint8Array(bytes)
  }

  override toUint8Array(): Uint8Array {
    const { bufs, cbuf, cpos } = this.restEncoder
    return bufs.length === 0 ? cbuf.subarray(0, cpos) : super.toUint8Array()
  }
}

/** The records of a document as one snapshot. */
export type Folded = Pick<Snapshot, 'update' | 'rest' | 'stateVector' | 'facts'>

/** A larger snapshot is handed to the log in parts of about so many bytes. */
const PART_BYTES = 256 * 1024

export const snapshotOf = (name: DocumentName, doc: Y.Doc): Folded => {
  const facts = factsOf(name, doc)
  return { update: Y.encodeStateAsUpdate(doc), stateVector: facts.stateVector, facts }
}

/** @param bytes that it takes, rather more than less */
export const largeSnapshotOf = (name: DocumentName, doc: Y.Doc, bytes: number): Folded => {
  const facts = factsOf(name, doc)
  return { update: Y.encodeStateAsUpdateV2(doc, undefined, new RoomyEncoder(bytes)), stateVector: facts.stateVector, facts }
}

/** Of a large document; takes as long as {@link snapshotOf}. No part shares its memory. */
export const snapshotInParts = (folded: Folded): Folded => {
  if (folded.update.length <= PART_BYTES) return { ...folded, update: folded.update.slice() }
  const parts = sliceUpdate(folded.update, { ...loadSizes, bytes: PART_BYTES })
  const [update = folded.update, ...rest] = [...parts].filter(part => part !== undefined)
  return { ...folded, update, ...rest.length > 0 && { rest } }
}

/** What a worker is given. The updates are its own from then on. */
export interface FoldTask {
  name: DocumentName
  updates: Uint8Array[]
}

export interface Folding {
  /**
   * One at a time, since each takes as much memory as a document that is open. Nothing is stored.
   * @throws Error when the records make no whole document, the thread ended, or it was stopped by the signal or by `close`
   */
  fold(name: DocumentName, updates: readonly Uint8Array[], signal: AbortSignal): Promise<Folded>
  /** Ends the thread; whatever was to be folded rejects. */
  close(): void
}

/** What a thread allots for what it will throw away at once; without a bound it takes tens of megabytes more. */
const YOUNG_MB = 8

const WORKER = new URL('./fold-worker.ts', import.meta.url)

/** @param program of the thread; another one in tests that let it end */
export const foldInWorkers = (program: URL = WORKER): Folding => {
  const closed = new AbortController()
  let last: Promise<unknown> = Promise.resolve()
  return {
    fold(name, updates, signal) {
      const stopped = AbortSignal.any([signal, closed.signal])
      const folded = last.then(() => runWorker(program, { name, updates: [...updates] }, stopped))
      last = folded.catch(() => undefined)
      return folded
    },
    close: () => closed.abort(new Error('The server stops.')),
  }
}

const runWorker = async (program: URL, task: FoldTask, signal: AbortSignal): Promise<Folded> => {
  signal.throwIfAborted()
  const worker = new Worker(program, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } })
  const { promise, resolve, reject } = Promise.withResolvers<Folded>()
  worker.once('message', resolve)
  worker.once('error', reject)
  worker.once('exit', code => reject(new Error(`The thread that folds records ended with ${code} before it was done.`)))
  const stop = (): void => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  try {
    worker.postMessage(task, transferable(task.updates))
    return await promise
  } finally {
    signal.removeEventListener('abort', stop)
    await worker.terminate()
  }
}

/** Memory that can change hands without a copy: what belongs to one update alone. */
const transferable = (updates: readonly Uint8Array[]): ArrayBuffer[] =>
  [...new Set(updates.filter(({ buffer, byteLength }) => byteLength === buffer.byteLength).map(({ buffer }) => buffer))]
    .filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer))
