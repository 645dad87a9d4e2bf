/** Counts a socket's sync frames: which number may be reported as saved, given that frames finish out of order only by being parked. */
export class SavedFrames {
  #received = 0
  #reported = 0
  /** Those behind one that is not done; null: there never were any. */
  #done: Set<number> | null = null

  /** @returns the number of the frame that just arrived, from 1 */
  receive(): number {
    return ++this.#received
  }

  /** Frame `number` is on disk. @returns the new highest number before which everything is, or null when that has not grown */
  done(number: number): number | null {
    if (number !== this.#reported + 1) {
      if (number > this.#reported) (this.#done ??= new Set()).add(number)
      return null
    }
    this.#reported++
    while (this.#done?.delete(this.#reported + 1)) this.#reported++
    return this.#reported
  }
}
