/**
 * What clients say while their document is not in memory: it waits in order and is judged by the live room alone, but for updates that
 * bring nothing, which every reader sends.
 */
import type { KeptBytes } from './kept-bytes.ts'
import type { Submission } from './session.ts'

export class ColdInbox {
  readonly #stored: KeptBytes
  readonly #warm: () => Promise<unknown>
  #waiting: Submission[] | null = null

  /** @param warm called when something is new: the live room is to {@link take} all that waits */
  constructor(stored: KeptBytes, warm: () => Promise<unknown>) {
    this.#stored = stored
    this.#warm = warm
  }

  get isEmpty(): boolean {
    return this.#waiting === null
  }

  add(submission: Submission): void {
    if (this.#waiting) return void this.#waiting.push(submission)
    this.#waiting = [submission]
    void this.#workOff(this.#waiting)
  }

  /** All that waits: somebody else's from here on. */
  take(): Submission[] {
    const waiting = this.#waiting ?? []
    this.#waiting = null
    return waiting
  }

  async #workOff(waiting: Submission[]): Promise<void> {
    for (;;) {
      const [next] = waiting
      if (this.#waiting !== waiting) return
      if (!next) {
        this.#waiting = null
        return
      }
      const isKnown = next.session.ended || (await this.#stored.get().catch(() => null))?.knows(next.bytes)
      if (this.#waiting !== waiting) return
      if (!isKnown) return void this.#warm().catch(() => {})
      waiting.shift()
      if (next.session.ended) continue
      next.applied()
      next.saved([])
    }
  }
}
