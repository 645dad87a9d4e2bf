/** Virtual time: events in the order of their time, and after each one every promise that waits for nothing but its turn. */

interface Event {
  at: number
  order: number
  /** Null: cancelled. */
  run: (() => void) | null
}

export class Clock {
  #now = 1_700_000_000_000
  #order = 0
  /** Latest first, so that the next one is popped. */
  readonly #events: Event[] = []

  /** Milliseconds since 1970. */
  readonly now = (): number => this.#now

  /** Calls `run` once after `ms`. @returns cancels it */
  readonly after = (ms: number, run: () => void): (() => void) => {
    const event: Event = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    let low = 0
    for (let high = this.#events.length; low < high;) {
      const middle = (low + high) >> 1
      if (this.#events[middle]!.at > event.at) low = middle + 1
      else high = middle
    }
    this.#events.splice(low, 0, event)
    return () => { event.run = null }
  }

  readonly wait = (ms: number): Promise<void> => new Promise(resolve => this.after(ms, resolve))

  /** Runs what is due within `ms`, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (let next = this.#events.at(-1); next && next.at <= end; next = this.#events.at(-1)) {
      this.#events.pop()
      if (next.run === null) continue
      this.#now = next.at
      next.run()
      await settled()
    }
    this.#now = end
  }
}

/** By the next turn of the event loop no promise is left that could go on by itself. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
