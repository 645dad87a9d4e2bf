/**
 * Remembers what was used lately, in bounded memory. Two maps take turns: when the younger one is full, what was not set since it was begun
 * is forgotten at once. (A single map that drops its oldest entry each time is slow: V8 walks over the places of those dropped before.)
 */
export class RecentMap<V> {
  readonly #half: number
  readonly #weigh: (value: V) => number
  #young = new Map<string, V>()
  #old = new Map<string, V>()
  /** Of the young one. */
  #weight = 0

  /**
   * @param capacity the most that is ever remembered; at least half of it is
   * @param weigh what a value, which does not change, takes of it; what takes more than half is not remembered
   */
  constructor(capacity: number, weigh: (value: V) => number = () => 1) {
    this.#half = Math.ceil(capacity / 2)
    this.#weigh = weigh
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: string): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: string, value: V): void {
    this.#old.delete(key)
    const before = this.#young.get(key)
    if (before !== undefined) {
      this.#weight -= this.#weigh(before)
      this.#young.delete(key)
    }
    const weight = this.#weigh(value)
    if (weight > this.#half) return
    if (this.#weight + weight > this.#half) {
      this.#old = this.#young
      this.#young = new Map()
      this.#weight = 0
    }
    this.#weight += weight
    this.#young.set(key, value)
  }
}
