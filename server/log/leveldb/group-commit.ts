/**
 * Group commit: one write in flight, and whatever is submitted meanwhile goes together in the next one, so that an fsync is paid once for
 * everyone who waits for it.
 *
 * 1. Operations are written in the order of the calls to `submit`.
 * 2. A submission resolves when the write that carries it has ended, never earlier.
 * 3. When a write fails, every submission in it and every one behind it rejects with the same cause, and nothing of those behind is
 *    written: they may build on what is now unknown.
 * 4. Where many write, writes are spaced (see `pace-of-writes.ts`), and what has only to be ready by the next write is done then, all of
 *    it at once (`beforeWrite`).
 * 5. `failed` is called before any of them hears of it, so that the owner is already in its new state when they ask again.
 */
import { SPACE_MS, WritePace } from './pace-of-writes.ts'

export interface Clock {
  /** Milliseconds from any moment on. */
  now: () => number
  wait: (ms: number) => Promise<void>
  /** Lets everything that is ready run, what came over the network too. */
  turn: () => Promise<void>
}

const systemClock: Clock = {
  now: () => performance.now(),
  wait: ms => new Promise(resolve => setTimeout(resolve, ms)),
  turn: () => new Promise(resolve => setImmediate(resolve)),
}

interface Submission<Operation> {
  operations: readonly Operation[]
  resolve: () => void
  reject: (cause: unknown) => void
}

/** Of what is done before a write, so much is done without a pause (milliseconds). */
const WORK_MS = 10

export class GroupCommit<Operation> {
  readonly #write: (operations: Operation[]) => Promise<void>
  readonly #failed: (cause: unknown) => void
  readonly #clock: Clock
  readonly #pace: WritePace
  #queue: Submission<Operation>[] = []
  #writing = false
  /** To be done before the next write. */
  #actions: (() => void)[] = []
  /** That have asked to be done before the next write; several may become one submission. */
  #asked = 0
  /** Ends when the next write may begin; null: that is now. */
  #gathering: Promise<void> | null = null

  constructor(write: (operations: Operation[]) => Promise<void>, failed: (cause: unknown) => void, clock = systemClock) {
    this.#write = write
    this.#failed = failed
    this.#clock = clock
    this.#pace = new WritePace(clock.now)
  }

  /** An empty submission is a barrier: it resolves when all before it is written. */
  submit(operations: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ operations, resolve, reject })
      if (!this.#writing) void this.#drain()
    })
  }

  /** Runs the action when the next write may begin: at once where that is now. What it submits in that turn is in that write. */
  beforeWrite(action: () => void): void {
    this.#asked++
    if (!this.#gathering && this.#pace.patience() <= 0) return action()
    this.#actions.push(action)
    this.#gathering ??= this.#gather()
  }

  async #drain(): Promise<void> {
    this.#writing = true
    while (this.#queue.length > 0) {
      const waits = this.#gathering !== null || (this.#queue.some(writes) && this.#pace.patience() > 0)
      if (waits) await (this.#gathering ??= this.#gather())
      const group = this.#queue
      this.#queue = []
      const operations = group.flatMap(submission => submission.operations)
      try {
        if (operations.length > 0) {
          this.#pace.begins(Math.max(group.filter(writes).length, this.#asked), waits)
          this.#asked = 0
          await this.#write(operations)
        }
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

  async #gather(): Promise<void> {
    await this.#clock.wait(Math.max(0, this.#pace.patience()))
    let since = this.#clock.now()
    // Where more comes than can be done, the write begins all the same; the rest is done before the next one.
    const end = since + SPACE_MS
    while (this.#actions.length > 0 && since < end) {
      for (let action = this.#actions.shift(); action; action = this.#actions.shift()) {
        action()
        if (this.#clock.now() - since > WORK_MS) break
      }
      // What the actions do by promise is submitted then.
      await this.#clock.turn()
      since = this.#clock.now()
    }
    this.#gathering = this.#actions.length > 0 ? this.#gather() : null
  }
}

const writes = ({ operations }: Submission<unknown>): boolean => operations.length > 0
