/**
 * How far apart the writes of a group commit are. Each one is an fsync, and wakes the threads that do it, before there is anything in it:
 * 120 µs of CPU. So where many write, writes are spaced: one begins as many milliseconds after the one before it as submissions were
 * written lately. Who writes after a quiet moment never waits; 200 a second wait for 4 ms on average; 500 a second share 50 writes.
 */

/** Latency: at most this, half of it on average (milliseconds). */
export const SPACE_MS = 20
/** Submissions are counted for so long (milliseconds). */
export const LATELY_MS = 40

export class WritePace {
  readonly #now: () => number
  /** The last write, and those that began less than {@link LATELY_MS} before it. */
  #lately: { began: number, submissions: number }[] = []
  /** Until then nobody waits. */
  #hastyUntil = -Infinity

  constructor(now: () => number) {
    this.#now = now
  }

  /** How long the next write has to wait (milliseconds); 0 or less: not at all. */
  patience(): number {
    const last = this.#lately.at(-1)
    if (!last) return 0
    const now = this.#now()
    if (now < this.#hastyUntil || now >= last.began + SPACE_MS) return 0
    let submissions = 0
    for (const write of this.#lately) if (write.began > now - LATELY_MS) submissions += write.submissions
    return last.began + Math.min(submissions, SPACE_MS) - now
  }

  /**
   * A write begins.
   * @param submissions that it carries, each counted as often as somebody brought something into it
   * @param waited when it carries one alone, the wait was in vain, as it is where somebody awaits each write before the next: then nobody
   *   waits for a while
   */
  begins(submissions: number, waited: boolean): void {
    const began = this.#now()
    this.#lately = this.#lately.filter(write => write.began > began - LATELY_MS)
    this.#lately.push({ began, submissions })
    if (waited && submissions === 1) this.#hastyUntil = began + LATELY_MS
  }
}
