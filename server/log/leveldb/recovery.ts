/**
 * What becomes of a database after a failed write. LevelDB refuses every other one until it was opened again, and nobody knows whether the
 * failed one will be there then.
 *
 *     open → reopening → open        the failure is mended at once
 *            reopening → broken      it cannot be (the disk is full): reading goes on
 *     broken → retrying → open       each write is refused and makes the next attempt, so no timer is needed
 *              retrying → broken
 *
 * `term` grows with each failure, and once more when a retry succeeds: what was read meanwhile may lack the failed write, and knows an old
 * generation. What was made since the last attempt belongs to a term that ends with the next: written later it would leave a gap before it.
 */
export type State = 'open' | 'reopening' | 'retrying' | 'broken'

export class Recovery {
  readonly #reopen: () => Promise<void>
  #state: State = 'open'
  #term = 0
  #ready: Promise<void> = Promise.resolve()

  /** @param reopen closes the database, opens it and stores a higher generation; rejects when that cannot be done */
  constructor(reopen: () => Promise<void>) {
    this.#reopen = reopen
  }

  get state(): State {
    return this.#state
  }

  /** Counts what may make untrue what was known of the database before. */
  get term(): number {
    return this.#term
  }

  /** While it is opened again: ends when that is done, or has failed. */
  get ready(): Promise<void> {
    return this.#ready
  }

  /** Whether a write may be put in line. */
  get mayWrite(): boolean {
    switch (this.#state) {
      case 'open':
      case 'reopening':
        return true
      case 'retrying':
      case 'broken':
        return false
    }
  }

  writeFailed(): void {
    this.#term++
    switch (this.#state) {
      case 'open':
        this.#begin('reopening', 0).catch(() => undefined)
        break
      case 'reopening':
      case 'retrying':
      case 'broken':
        // It waited for an attempt that failed: nothing was written.
    }
  }

  /** Resolves when the database can be written again; joins the attempt that is under way. */
  attempt(): Promise<void> {
    switch (this.#state) {
      case 'open':
      case 'reopening':
      case 'retrying':
        return this.#ready
      case 'broken':
        return this.#begin('retrying', 1)
    }
  }

  #begin(state: 'reopening' | 'retrying', termsWhenDone: number): Promise<void> {
    this.#state = state
    this.#ready = this.#reopen().then(() => {
      this.#term += termsWhenDone
      this.#state = 'open'
    }, (error: unknown) => {
      this.#state = 'broken'
      throw error
    })
    return this.#ready
  }
}
