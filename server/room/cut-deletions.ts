/** The deletions of an update that is cut into slices: those of a slice's own structs go with it, all others come last. */
import type { Range } from './deletions.ts'

export class CutDeletions {
  readonly #ranges: ReadonlyMap<number, Range[]>
  /** Of each client, the first range that nobody has asked for. */
  readonly #next = new Map<number, number>()
  /** Of what is not in the update. */
  readonly #others = new Map<number, Range[]>()

  /** @param ranges sorted and apart; they are cut here */
  constructor(ranges: ReadonlyMap<number, Range[]>) {
    this.#ranges = ranges
  }

  /** Those within these clocks; of each client they are asked for in ascending order. */
  within(client: number, from: number, to: number): Range[] {
    const ranges = this.#ranges.get(client) ?? []
    const within: Range[] = []
    let next = this.#next.get(client) ?? 0
    for (let range = ranges[next]; range && range.clock < to; range = ranges[++next]) {
      const end = range.clock + range.length
      this.#leave(client, range.clock, Math.min(end, from))
      add(within, Math.max(range.clock, from), Math.min(end, to))
      if (end <= to) continue
      ranges[next] = { clock: to, length: end - to }
      break
    }
    this.#next.set(client, next)
    return within
  }

  /** All that nobody asked for, in parts. @param most ranges of a part, asked for at each */
  * others(most: () => number): Generator<Map<number, Range[]>> {
    for (const [client, ranges] of this.#ranges) {
      for (const { clock, length } of ranges.slice(this.#next.get(client) ?? 0)) this.#leave(client, clock, clock + length)
    }
    let part = new Map<number, Range[]>()
    let count = 0
    for (const [client, ranges] of this.#others) {
      for (let at = 0; at < ranges.length;) {
        const taken = ranges.slice(at, at + Math.max(1, most() - count))
        part.set(client, taken)
        at += taken.length
        count += taken.length
        if (count < most()) continue
        yield part
        part = new Map()
        count = 0
      }
    }
    if (count > 0) yield part
  }

  #leave(client: number, from: number, to: number): void {
    const others = this.#others.get(client) ?? []
    add(others, from, to)
    if (others.length > 0) this.#others.set(client, others)
  }
}

const add = (ranges: Range[], from: number, to: number): void => {
  if (from < to) ranges.push({ clock: from, length: to - from })
}
