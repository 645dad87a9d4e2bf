/** What failed is tried again by itself, each time after twice as long. */
import type { Timers } from '../../shared/timers.ts'

/** Milliseconds before the first time, and at most. */
export const FIRST_MS = 1_000
const MOST_MS = 5 * 60_000

export class BackOff {
  readonly #after: Timers['after']
  #waitMs = FIRST_MS
  #cancel: (() => void) | null = null

  constructor(after: Timers['after']) {
    this.#after = after
  }

  get isWaiting(): boolean {
    return this.#cancel !== null
  }

  again(run: () => void): void {
    this.#cancel?.()
    this.#cancel = this.#after(this.#waitMs, () => {
      this.#cancel = null
      run()
    })
    this.#waitMs = Math.min(2 * this.#waitMs, MOST_MS)
  }

  /** It succeeded, or is not to be tried again. */
  end(): void {
    this.#cancel?.()
    this.#cancel = null
    this.#waitMs = FIRST_MS
  }
}
