/** How often somebody may do something: so many times on average, and as many at once after a quiet time. */
import { RecentMap } from './recent-map.ts'

/** Callers of one table that are remembered; past that, those that were quiet longest are forgotten, and begin anew. */
const REMEMBERED = 20_000

/** The generic cell rate algorithm: for each caller one number, the time at which it will have paid for all it did. */
export class RateTable {
  readonly #most: number
  readonly #ms: number
  readonly #now: () => number
  readonly #paidAt = new RecentMap<number>(REMEMBERED)

  /**
   * @param most times in so many milliseconds
   * @param now milliseconds since 1970
   */
  constructor(most: number, ms: number, now: () => number) {
    this.#most = most
    this.#ms = ms
    this.#now = now
  }

  /** @returns 0, and it is counted; else how many milliseconds too early it came, and it is not */
  spend(key: string): number {
    const now = this.#now()
    const paidAt = Math.max(now, this.#paidAt.get(key) ?? 0)
    const each = this.#ms / this.#most
    const early = paidAt + each - this.#ms - now
    // Half a thousandth of a millisecond is rounding.
    if (early > 0.0005) return early
    this.#paidAt.set(key, paidAt + each)
    return 0
  }
}

/**
 * Who counts as one caller: an IPv4 address, or the 64 bits of an IPv6 one that a household or a server gets as a whole.
 * @param address in its one spelling
 */
export const limitKey = (address: string): string => address.includes(':') ? `${groupsOf(address).slice(0, 4).join(':')}::/64` : address

/** The most of IPv6 that one customer usually gets (RFC 6177); null: an IPv4 address, or none. */
export const networkKey = (address: string): string | null => address.includes(':') ? `${groupsOf(address).slice(0, 3).join(':')}::/48` : null

const groupsOf = (address: string): string[] => {
  const [head = '', tail] = address.split('::')
  const [before, after] = [head.split(':').filter(Boolean), (tail ?? '').split(':').filter(Boolean)]
  return tail === undefined ? before : [...before, ...Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0'), ...after]
}
