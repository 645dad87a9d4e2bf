/**
 * Frames of one socket that build on something that has not arrived. They wait for the client's answer to the server's state vector,
 * which brings what is missing: the answer to the question of its join, or else to one more. What that one lacks will never come.
 */
import { limits } from '../../shared/limits.ts'

export interface SyncFrame {
  /** Counted from 1 per socket. */
  number: number
  bytes: Uint8Array
  /** A step 2: the client's answer to the state vector that we sent. */
  answersUs: boolean
}

export class ParkedFrames {
  #frames: SyncFrame[] = []
  /** Times that the server's state vector was sent and not yet answered by a step 2. */
  #asked = 0
  /** The one extra question after what was missing had been asked for at the join. */
  #askedAgain = false

  /** The server's state vector is on its way. */
  asks(): void {
    this.#asked++
  }

  /** It is not, after all. */
  asksNot(): void {
    this.#asked--
  }

  /** A step 2 has come: nothing that it does not bring will. */
  get isLastAnswer(): boolean {
    return this.#askedAgain && this.#asked <= 1
  }

  /** No answer is on its way. */
  get isAnswered(): boolean {
    return this.#asked === 0
  }

  /** A step 2 was worked off. @returns what may have waited for it */
  answered(): SyncFrame[] {
    this.#asked = Math.max(0, this.#asked - 1)
    return this.#frames.splice(0)
  }

  /**
   * @param final the last answer has come
   * @returns whether the client is to be asked, beside the question that every join asks; null: there is no use in waiting
   */
  park(frame: SyncFrame, final: boolean): { ask: boolean } | null {
    this.#frames.push({ ...frame, answersUs: false })
    const bytes = this.#frames.reduce((sum, parked) => sum + parked.bytes.length, 0)
    if (final || this.#frames.length > limits.parkedFrames || bytes > limits.parkedBytes) return null
    if (this.#asked > 0) return { ask: false }
    if (this.#askedAgain) return null
    this.#askedAgain = true
    this.#asked++
    return { ask: true }
  }
}
