/**
 * Writes in order, one batch at a time: what is pushed while a batch is being written goes into the next one. A batch that fails stays
 * at the front of the queue and is tried again, with the next push or after a while: nothing is lost as long as the page lives.
 */
import type { After } from '../port.ts'

export const RETRY_AFTER = 3_000

export interface WriteQueueOptions<T> {
  /** Writes all or nothing; rejects when nothing was written. */
  write: (items: readonly T[]) => Promise<void>
  /** The error of the last attempt, null when it succeeded. */
  onProblem: (error: unknown) => void
  after: After
}

export class WriteQueue<T> {
  readonly #options: WriteQueueOptions<T>
  #waiting: { item: T, written: () => void }[] = []
  #running: Promise<void> | null = null
  #cancelRetry: (() => void) | null = null
  #failing = false
  #closed = false
  #last: Promise<void> = Promise.resolve()

  constructor(options: WriteQueueOptions<T>) {
    this.#options = options
  }

  /** Resolves when the item is written; never rejects. */
  push(item: T): Promise<void> {
    this.#last = new Promise(resolve => {
      this.#waiting.push({ item, written: resolve })
      void this.#run()
    })
    return this.#last
  }

  /** Resolves when everything pushed so far is written, however often that takes. */
  get written(): Promise<void> {
    return this.#last
  }

  /** Resolves when everything pushed so far was tried once more. */
  async flush(): Promise<void> {
    while (this.#running) await this.#running
    if (this.#waiting.length > 0) await this.#run()
  }

  /** Tries once more and stops trying. */
  async close(): Promise<void> {
    await this.flush()
    this.#closed = true
    this.#cancelRetry?.()
  }

  #run(): Promise<void> {
    this.#running ??= this.#drain()
    return this.#running
  }

  async #drain(): Promise<void> {
    this.#cancelRetry?.()
    this.#cancelRetry = null
    await Promise.resolve() // What the same tick pushes belongs to the same batch.
    while (this.#waiting.length > 0 && await this.#writeBatch());
    // In the same step as the last look at the queue, so that no push can fall in between.
    this.#running = null
  }

  async #writeBatch(): Promise<boolean> {
    const batch = this.#waiting
    this.#waiting = []
    try {
      await this.#options.write(batch.map(({ item }) => item))
    } catch (error) {
      this.#waiting = [...batch, ...this.#waiting]
      this.#fail(error)
      return false
    }
    if (this.#failing) this.#options.onProblem(null)
    this.#failing = false
    for (const { written } of batch) written()
    return true
  }

  #fail(error: unknown): void {
    this.#failing = true
    this.#options.onProblem(error)
    if (!this.#closed) this.#cancelRetry = this.#options.after(RETRY_AFTER, () => void this.#run())
  }
}
