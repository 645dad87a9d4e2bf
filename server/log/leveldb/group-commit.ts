/**
 * Group commit: one write in flight, and whatever is submitted meanwhile goes together in the next one, so that an fsync is paid once for
 * everyone who waits for it.
 *
 * 1. Operations are written in the order of the calls to `submit`.
 * 2. A submission resolves when the write that carries it has ended, never earlier.
 * 3. When a write fails, every submission in it and every one behind it rejects with the same cause, and nothing of those behind is
 *    written: they may build on what is now unknown.
 * 4. `failed` is called before any of them hears of it, so that the owner is already in its new state when they ask again.
 */

interface Submission<Operation> {
  operations: readonly Operation[]
  resolve: () => void
  reject: (cause: unknown) => void
}

export class GroupCommit<Operation> {
  readonly #write: (operations: Operation[]) => Promise<void>
  readonly #failed: (cause: unknown) => void
  #queue: Submission<Operation>[] = []
  #writing = false

  constructor(write: (operations: Operation[]) => Promise<void>, failed: (cause: unknown) => void) {
    this.#write = write
    this.#failed = failed
  }

  /** An empty submission is a barrier: it resolves when all before it is written. */
  submit(operations: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ operations, resolve, reject })
      if (!this.#writing) void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    this.#writing = true
    while (this.#queue.length > 0) {
      const group = this.#queue
      this.#queue = []
      const operations = group.flatMap(submission => submission.operations)
      try {
        if (operations.length > 0) await this.#write(operations)
        for (const submission of group) submission.resolve()
      } catch (cause) {
        const behind = this.#queue
        this.#queue = []
        this.#failed(cause)
        for (const submission of [...group, ...behind]) submission.reject(cause)
      }
    }
    this.#writing = false
  }
}
