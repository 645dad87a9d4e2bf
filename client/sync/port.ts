/** What the SDK needs from its surroundings: a place to keep a document and its outbox, a clock, random bytes, a timer. */
import type { Latest } from './latest.ts'
import type { OutboxEntry } from './view.ts'
import type { DocumentName, RandomBytes } from '../../shared/ids.ts'
import { systemTimers } from '../../shared/timers.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Role } from '../../shared/wire/frame.ts'

/** What this device holds of one document. */
export interface StoredDocument {
  /** Which life of the document on this device this is; another's content is never merged with it. Absent: no other tab uses the store. */
  generation?: string
  /** In y-indexeddb's format; each may be applied by itself, in this order. */
  updates: Uint8Array[]
  /** Lineage of the server's content among them; null: nothing of the server's is among them. */
  epoch: string | null
  /** Role that the server last told. */
  role: Role | null
  outbox: OutboxEntry[]
  /** Ids of requests that were let go of lately: taken back, or done. Absent: nobody noted. */
  gone?: string[]
  /** Something written here was not confirmed by the server when it was stored. Absent: nobody noted. */
  unsaved?: boolean
  /** Yjs client ids under which this person wrote here in shared drafts; see {@link DocumentStore.noteWriter}. */
  writers?: number[]
}

/** An earlier life of a document, which this device left with edits that the server may not hold. */
export interface KeptGeneration {
  generation: string
  updates: Uint8Array[]
  writers: number[]
  /** As in {@link StoredDocument}. */
  unsaved?: boolean
}

export interface KeptGenerations {
  list(): Promise<KeptGeneration[]>
  /**
   * Keeps this with what is kept of that generation, if anything is.
   * @param update complete by itself
   * @param writer the client id under which this person wrote in it
   */
  add(generation: string, update: Uint8Array, writer: number): Promise<void>
  /** Removes it from the device. */
  remove(generation: string): Promise<void>
}

/**
 * Where one document is kept on this device. A promise of a write resolves when the write is complete in the store, and never
 * rejects: a write that fails stays queued and is tried again, and the watchers are told.
 */
export interface DocumentStore {
  /**
   * To be called before {@link load}: from that on this store alone writes the document. Stores that claimed it before change nothing any
   * more, however late what they had to write is carried out; such a write never resolves.
   * @param lost another store has claimed it since, and something was not written here
   */
  claim?(lost: () => void): void
  /** Resolves to nothing stored when the store cannot be read; then nothing is written either, so that lineages never mix. */
  load(): Promise<StoredDocument>
  /** @param own it was written here: {@link StoredDocument.unsaved} until {@link markSaved} */
  append(update: Uint8Array, own?: boolean): Promise<void>
  /** The server has confirmed all that was appended until now. */
  markSaved?(): Promise<void>
  /** What the server said it holds and who we are there; written in order with the updates. */
  setEpoch(epoch: string, role: Role): Promise<void>
  /**
   * Remembers with the document that this client id is this person's; written in order with the updates. A store that cannot leaves
   * what was written here before a reload without an author: it does not come back as a draft when somebody sent without it.
   */
  noteWriter?(clientId: number): Promise<void>
  putOutbox(entry: OutboxEntry): Promise<void>
  /** For good: an entry of this id that comes later is not kept. */
  deleteOutbox(id: string): Promise<void>
  /** Keeps the end of the conversation as plain data, to be shown before the document is read; written in order with the updates. */
  keepLatest?(latest: Latest): Promise<void>
  /**
   * Makes the store forget what the updates so far deleted from the document; in one write with the updates of the same tick.
   * @param redacted messages that go from the generations that are kept as well
   */
  scrub?(redacted: readonly string[]): Promise<void>
  /**
   * Begins a new generation: an empty document of this epoch, or the one that another tab has begun already: call {@link load} next.
   * The outbox stays; of its open requests, those that do not say where they were sent may have been sent anywhere from now on. All that
   * and what was put into the outbox before is one write, strictly durable. Where it fails, the document is empty in memory and the old one
   * stays stored until the write succeeds.
   * @param epoch null while it is not known yet
   * @param keepOld the old generation holds edits that the server may not hold: do not remove it
   */
  rebuild(epoch: string | null, keepOld: boolean): Promise<void>
  /** What was left with {@link rebuild} and kept. A store without it loses at a new beginning what the server never got. */
  readonly kept?: KeptGenerations
  /** Tells the sentence to show while writes fail, and null when they work again. Returns how to stop. */
  watch(listener: (problem: string | null) => void): () => void
  /** Writes what is queued, once, and lets go of the store. */
  close(): Promise<void>
}

/** Runs the task once after so many milliseconds; returns how to cancel it. */
export type After = Timers['after']

/** Runs the task soon, once: at the end of the tick, or before the next frame is painted. */
export type Schedule = (task: () => void) => void

export interface Surroundings {
  /** Milliseconds since 1970. */
  now: () => number
  random: RandomBytes
  after: After
  schedule: Schedule
  /** Tells `online` when the device has a network again; null where nobody tells. */
  network: Pick<EventTarget, 'addEventListener' | 'removeEventListener'> | null
}

/** Those of the browser or Node. */
export const realSurroundings: Surroundings = {
  now: Date.now,
  random: target => crypto.getRandomValues(target as Uint8Array<ArrayBuffer>),
  after: systemTimers.after,
  schedule: task => queueMicrotask(task),
  network: 'addEventListener' in globalThis ? globalThis : null
}

/** Opens the place of one document on this device. */
export type OpenStore = (name: DocumentName) => DocumentStore
