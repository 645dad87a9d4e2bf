/** A clock that moves when the test says so. */

export class ManualTime {
  #now: number
  #order = 0
  readonly #due: { at: number, order: number, run: () => void }[] = []

  /** @param start milliseconds since 1970 */
  constructor(start = 1_700_000_000_000) {
    this.#now = start
  }

  readonly now = (): number => this.#now

  /** Calls `run` once when the clock has moved by `ms`. @returns cancels it */
  readonly after = (ms: number, run: () => void): (() => void) => {
    const entry = { at: this.#now + ms, order: this.#order++, run }
    this.#due.push(entry)
    return () => {
      const index = this.#due.indexOf(entry)
      if (index >= 0) this.#due.splice(index, 1)
    }
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#due.length
  }

  /** Moves the clock, runs what is due on the way in order, and lets promises settle after each step. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (;;) {
      this.#due.sort((a, b) => a.at - b.at || a.order - b.order)
      const next = this.#due[0]
      if (!next || next.at > end) break
      this.#due.shift()
      this.#now = Math.max(this.#now, next.at)
      next.run()
      await settle()
    }
    this.#now = end
    await settle()
  }
}

/** Lets everything run that waits for nothing but its turn. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
}
