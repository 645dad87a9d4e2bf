/**
 * What waits for the disk: actions in the order in which they were computed, each run once every change up to its moment is durable.
 * Changes are numbered by themselves: several may share a record of the log (last-record.ts).
 * Nothing leaves a room except through here; that is how "the document may run ahead of the disk, nothing that leaves it may" holds.
 */
import type { SkeinError } from '../../shared/errors.ts'

interface Waiting {
  at: number
  run: () => void
  abandon: (error: SkeinError) => void
}

export class ReleaseQueue {
  #durable: number
  #issued: number
  #broken: SkeinError | null = null
  readonly #waiting: Waiting[] = []

  /** @param first what the changes are counted from */
  constructor(first: number) {
    this.#durable = first
    this.#issued = first
  }

  /** Number of the newest change that was handed to the log, durable or not. */
  get issued(): number {
    return this.#issued
  }

  /** Everything issued is durable and was released. */
  get isSettled(): boolean {
    return this.#broken === null && this.#durable === this.#issued && this.#waiting.length === 0
  }

  /** Why nothing is released any more; null: it still is. */
  get broken(): SkeinError | null {
    return this.#broken
  }

  /** Numbers the next change. */
  issue(): number {
    return ++this.#issued
  }

  /** Runs the action as soon as everything issued so far is durable: at once when it is. */
  whenDurable(run: () => void, abandon: (error: SkeinError) => void = () => {}): void {
    if (this.#broken) abandon(this.#broken)
    else if (this.#durable === this.#issued) run()
    else this.#waiting.push({ at: this.#issued, run, abandon })
  }

  /** This change is durable. */
  durable(change: number): void {
    this.#durable = Math.max(this.#durable, change)
    while (!this.#broken && this.#waiting[0] && this.#waiting[0].at <= this.#durable) this.#waiting.shift()!.run()
  }

  /** An append failed: nothing that waits may ever be released. */
  break(error: SkeinError): void {
    if (this.#broken) return
    this.#broken = error
    for (const waiting of this.#waiting.splice(0)) waiting.abandon(error)
  }
}
