/**
 * Remembers what was used lately, in bounded memory. Two maps take turns: when the younger one is full, what was not set since it was begun
 * is forgotten at once. (A single map that drops its oldest entry each time is slow: V8 walks over the places of those dropped before.)
 */
export class RecentMap<V> {
  readonly #half: number
  #young = new Map<string, V>()
  #old = new Map<string, V>()

  /** @param capacity the most that is ever remembered; at least half of it is */
  constructor(capacity: number) {
    this.#half = Math.ceil(capacity / 2)
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: V): void {
    this.#old.delete(key)
    if (!this.#young.has(key) && this.#young.size >= this.#half) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }
}
