/**
 * Holds back what a connection sends of the document until it may leave: not before the server's lineage was found to be ours, and not
 * before this device has noted which requests are about to be sent there. A page that dies in between would send them again to a server
 * that began anew.
 */
import type { After } from './port.ts'

/** A storage that neither writes nor fails within this time holds nothing back (milliseconds). */
export const NOTE_WITHIN = 3_000

export class FrameGate {
  readonly #after: After
  #agreement = Promise.withResolvers<void>()
  #agreed = false
  readonly #holds = new Map<Promise<void>, () => void>()

  constructor(after: After) {
    this.#after = after
  }

  /** What has to happen before anything may leave; null: nothing. */
  get first(): Promise<unknown> | null {
    if (!this.#agreed) return this.#agreement.promise
    return this.#holds.size > 0 ? Promise.all(this.#holds.keys()) : null
  }

  get isAgreed(): boolean {
    return this.#agreed
  }

  agree(): void {
    this.#agreed = true
    this.#agreement.resolve()
  }

  /** Another connection begins. */
  begin(): void {
    if (!this.#agreed) return
    this.#agreed = false
    this.#agreement = Promise.withResolvers()
  }

  hold(noted: Promise<unknown>): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    const open = (): void => {
      cancel()
      this.#holds.delete(promise)
      resolve()
    }
    const cancel = this.#after(NOTE_WITHIN, open)
    this.#holds.set(promise, open)
    void noted.then(open)
  }

  /** The storage fails: words that reach the server are worth more than what this device would note of them. */
  release(): void {
    for (const open of [...this.#holds.values()]) open()
  }
}
