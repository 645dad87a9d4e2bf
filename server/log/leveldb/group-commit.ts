/**
 * Group commit: one write in flight, and whatever is submitted meanwhile goes together in the next one, so that an fsync is paid once for
 * everyone who waits for it.
 *
 * 1. Operations are written in the order of the calls to `submit`.
 * 2. A submission resolves when the write that carries it has ended, never earlier.
 * 3. When a write fails, every submission in it and every one behind it rejects with the same cause, and nothing of those behind is
 *    written: they may build on what is now unknown.
 * 4. A write that follows one which carried several submissions begins {@link GATHER_MS} after that one began, at the earliest: where many
 *    write, half the writes cost half as much. Who writes alone never waits.
 * 5. `failed` is called before any of them hears of it, so that the owner is already in its new state when they ask again.
 */

/** Each write is an fsync, and wakes the threads that do it. Latency: at most this, half of it on average (milliseconds). */
export const GATHER_MS = 4

export interface Clock {
  /** Milliseconds from any moment on. */
  now: () => number
  wait: (ms: number) => Promise<void>
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wait: ms => new Promise(resolve => setTimeout(resolve, ms)),
}

interface Submission<Operation> {
  operations: readonly Operation[]
  resolve: () => void
  reject: (cause: unknown) => void
}

export class GroupCommit<Operation> {
  readonly #write: (operations: Operation[]) => Promise<void>
  readonly #failed: (cause: unknown) => void
  readonly #clock: Clock
  #queue: Submission<Operation>[] = []
  #writing = false
  /** Before then the next write does not begin. */
  #notBefore = -Infinity

  constructor(write: (operations: Operation[]) => Promise<void>, failed: (cause: unknown) => void, clock = systemClock) {
    this.#write = write
    this.#failed = failed
    this.#clock = clock
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
      const patience = this.#patience()
      if (patience > 0) await this.#clock.wait(patience)
      const group = this.#queue
      this.#queue = []
      this.#notBefore = group.filter(writes).length > 1 ? this.#clock.now() + GATHER_MS : -Infinity
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

  /** How long the next write has to wait (milliseconds). */
  #patience(): number {
    return this.#queue.some(writes) ? this.#notBefore - this.#clock.now() : 0
  }
}

const writes = ({ operations }: Submission<unknown>): boolean => operations.length > 0
