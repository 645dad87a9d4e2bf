/** What one update may cost: steps of walking that Yjs, or the gate on its behalf, would do to integrate it. */
import { SkeinError } from '../../shared/errors.ts'

/** One step is about what Yjs pays to pass one item while it looks for an insert position (some 50 ns). */
export const MAX_STEPS = 200_000

export class Budget {
  #left: number

  constructor(steps: number = MAX_STEPS) {
    this.#left = steps
  }

  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new SkeinError('too-expensive')
  }
}
