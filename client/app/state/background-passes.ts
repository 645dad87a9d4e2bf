/**
 * Work that goes on unseen: one pass at a time, and one more when it was asked for while one ran. A pass that fails is made up for
 * by the next: who has no network now asks again when there is one.
 */
export class BackgroundPasses {
  readonly #pass: (signal: AbortSignal) => Promise<void>
  readonly #stop = new AbortController()
  #asked = false
  #running = false

  constructor(pass: (signal: AbortSignal) => Promise<void>) {
    this.#pass = pass
  }

  request(): void {
    this.#asked = true
    if (!this.#running) void this.#run()
  }

  /** Ends the pass that is running; there will be no other. */
  stop(): void {
    this.#stop.abort()
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    this.#running = true
    while (this.#asked && !signal.aborted) {
      this.#asked = false
      try {
        await this.#pass(signal)
      } catch {
        continue // The network, or this device's storage: a conversation that is open shows it.
      }
    }
    this.#running = false
  }
}
