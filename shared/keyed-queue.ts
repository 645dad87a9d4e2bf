/** Runs work under one key in the order of the calls, one after another; work under other keys goes on beside it. */
export class KeyedQueue<Key> {
  readonly #last = new Map<Key, Promise<unknown>>()

  run<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve()
    const result = before.then(work, work)
    this.#last.set(key, result)
    const over = (): void => {
      if (this.#last.get(key) === result) this.#last.delete(key)
    }
    result.then(over, over)
    return result
  }
}

export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

/** Runs all its work in the order of the calls, one after another; what fails holds up nothing behind it. */
export const oneAfterAnother = (): InTurn => {
  const queue = new KeyedQueue<null>()
  return work => queue.run(null, work)
}
