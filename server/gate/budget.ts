/**
 * What one update may cost, in steps of work: deterministic, so that the same update has the same answer on a slow and on a fast machine.
 *
 * A step is about 50 ns on one slow core: what Yjs pays to pass one item while it looks for an insert position. Each phase pays before
 * it works, and the judge pays for what Yjs will do when the update is applied. The prices were measured, and
 * `test/fuzz/worst-cases.test.ts` holds the dearest update of every kind that they let through against the clock.
 */
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'

export const price = {
  /** A struct that is read, decoded and compared or resolved. */
  struct: 65,
  /** A struct that is skipped because it is known. */
  skippedStruct: 4,
  /** A new struct, over and above: rehearsed, integrated by Yjs, audited, merged and written into the record. */
  newStruct: 122,
  /** A new struct at a key, over and above. */
  entry: 80,
  /**
   * A root of the document, for each new struct that names its root: Yjs looks through all of them when it writes the record, and makes a
   * fifth of a kilobyte for each that it passes until the engine has optimized that.
   */
  root: 16,
  /** A new struct that is a shared type, over and above: 2 kB of memory each. */
  type: 100,
  /** A struct that is deleted and tidied away: half a kilobyte. All that a text of 10,000 pieces holds can be deleted at once. */
  removed: 46,
  /** A deleted struct at a key, over and above. */
  removedEntry: 34,
  /** A deleted struct that is a shared type, over and above. */
  removedType: 94,
  /** A tombstone that is tidied away with what held it. */
  tidied: 30,
  /** An item that is passed while a place is looked for: Yjs keeps two sets of them. */
  passed: 18,
  /** Cutting a struct in two, and perhaps joining it again. */
  split: 57,
  /** A range of the delete set, known or not; a piece of a struct that is compared with ours. */
  range: 4,
  /** A value inside JSON, and one that takes memory of its own: a text or a number. */
  value: 2,
  valueOfOwn: 11,
  /** An array or object inside JSON. */
  container: 14,
  /** A key of an object; over and above, one that was not in the update before or that stands in an object of many: a new shape. */
  key: 12,
  newKey: 28,
} as const

/** Keys of an object from which on it has many. */
export const MANY_KEYS = 16
/** Bytes of content that one step reads, stores and writes again. */
export const BYTES_PER_STEP = 8
/** Values of an array that Yjs copies in one step when it cuts or joins structs. */
export const COPIES_PER_STEP = 2
/** Structs of one client that Yjs moves in memory in one step when it takes one out or puts one in. */
export const MOVES_PER_STEP = 128

export class Budget {
  #left: number
  readonly #keys = new Set<string>()

  constructor(steps: number = limits.workPerUpdate) {
    this.#left = steps
  }

  /** @throws SkeinError `too-expensive` */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new SkeinError('too-expensive')
  }

  /** Whether no object of the update had this key before. */
  isNewKey(key: string): boolean {
    const { size } = this.#keys
    return this.#keys.add(key).size > size
  }

  get left(): number {
    return this.#left
  }
}
