/** Tells others that the person types, and that they stopped, without a word per key. */
import type { WatchClock } from './connection-watch.ts'

/** Silence after which typing has ended. */
const PAUSE = 3_000

export class Typing {
  readonly #clock: Pick<WatchClock, 'after'>
  readonly #tell: (typing: boolean) => void
  #typing = false
  #cancel = () => {}

  constructor(clock: Pick<WatchClock, 'after'>, tell: (typing: boolean) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** @param hasText the composer is not empty after this key */
  keyPressed(hasText: boolean): void {
    this.#cancel()
    this.#set(hasText)
    if (hasText) this.#cancel = this.#clock.after(PAUSE, () => this.#set(false))
  }

  /** Nothing is told any more. */
  stop(): void {
    this.#cancel()
  }

  #set(typing: boolean): void {
    if (this.#typing === typing) return
    this.#typing = typing
    this.#tell(typing)
  }
}
