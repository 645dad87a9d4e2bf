/**
 * What one reader of an event stream is to be told of, by name. One writer at a time: while the reader does not take what it was sent,
 * heartbeats are left out and names are all that collects, so that each is told once, as it is by then.
 */

export class ToldInTurn<Name> {
  readonly #tell: (name: Name) => Promise<void>
  readonly #failed: (error: unknown) => void
  readonly #changed = new Set<Name>()
  #writing = false

  /** @param failed nothing can be told any more */
  constructor(tell: (name: Name) => Promise<void>, failed: (error: unknown) => void) {
    this.#tell = tell
    this.#failed = failed
  }

  add(name: Name): void {
    this.#changed.add(name)
    void this.write(async () => {})
  }

  /** @param first left out while something is written */
  async write(first: () => Promise<unknown>): Promise<void> {
    if (this.#writing) return
    this.#writing = true
    try {
      await first()
      for (const name of this.#changed) {
        this.#changed.delete(name)
        await this.#tell(name)
      }
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#writing = false
    }
  }
}
