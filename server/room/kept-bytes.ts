/** What the log holds of a document, kept in memory for a moment: read once for all who ask, and again for who comes much later. */
import type { Timers } from '../../shared/timers.ts'
import type { ColdDocument } from './cold-document.ts'

/** How long bytes are kept for the next reader (milliseconds). */
const KEEP_MS = 5_000

export class KeptBytes {
  readonly #read: () => Promise<ColdDocument | null>
  readonly #after: Timers['after']
  /** Null: not in memory. */
  #kept: Promise<ColdDocument | null> | null = null
  #cancelDrop: () => void = () => {}

  /** @param read null when that has to be decoded */
  constructor(read: () => Promise<ColdDocument | null>, after: Timers['after']) {
    this.#read = read
    this.#after = after
  }

  /** Not to be called while a live room writes: what is read then would pass for what the log holds when the document has left memory. */
  get(): Promise<ColdDocument | null> {
    return this.keep(this.#kept ?? this.#read())
  }

  keep(bytes: Promise<ColdDocument | null>): Promise<ColdDocument | null> {
    this.#cancelDrop()
    this.#kept = bytes
    this.#cancelDrop = this.#after(KEEP_MS, () => this.drop())
    bytes.catch(() => { if (this.#kept === bytes) this.drop() })
    return bytes
  }

  drop(): void {
    this.#cancelDrop()
    this.#kept = null
  }
}
