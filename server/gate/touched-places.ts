/** Places by root and key: few of them, asked for by every struct. */
import { touchedKey } from './locate.ts'
import type { Place } from './locate.ts'
import type { Touched } from './verdict.ts'

export class TouchedPlaces {
  readonly #keys = new Map<string, Set<string | null>>()

  constructor(touched: readonly Touched[] = []) {
    for (const { root, key } of touched) this.#ofRoot(root).add(key)
  }

  add(place: Place): void {
    this.#ofRoot(place.holder.root).add(touchedKey(place))
  }

  has(place: Place): boolean {
    return this.#keys.get(place.holder.root)?.has(touchedKey(place)) ?? false
  }

  list(): Touched[] {
    return [...this.#keys].flatMap(([root, keys]) => [...keys].map(key => ({ root, key })))
  }

  #ofRoot(root: string): Set<string | null> {
    let keys = this.#keys.get(root)
    if (!keys) this.#keys.set(root, keys = new Set())
    return keys
  }
}
