/**
 * Bodies of calls, from the first byte until the call is answered: how many bytes of them the server holds, of one person (or of one
 * address, while nobody knows who calls), of one address, and of all. A minute's calls of one person, all at once and as long as they may
 * be, would be 300 MB.
 *
 * What counts is what has come, not what was announced: who says a megabyte and sends nothing keeps nobody out.
 */
import { SkeinError } from '../../shared/errors.ts'
import type { ServerLimits } from '../../shared/limits.ts'
import { limitKey } from '../../shared/rate-table.ts'
import { RateLimited } from './rate-limits.ts'

/** Milliseconds; bodies are held for some thousandths of that. */
const TRY_AGAIN_MS = 1000

/** The server as a whole has no more room. */
export class Crowded extends SkeinError {
  /** Whole seconds until it is worth trying again. */
  readonly retryAfter = TRY_AGAIN_MS / 1000
  constructor() {
    super('unavailable', 'The server is reading as much as it can at once, so nothing of this was stored. Try again in a moment.')
  }
}

export type HeldLimits = Pick<ServerLimits, 'bodyBytesPerPerson' | 'bodyBytesPerAddress' | 'bodyBytes'>

export class HeldBodies {
  readonly #limits: HeldLimits
  readonly #of = new Map<string, number>()
  #all = 0

  constructor(limits: HeldLimits) {
    this.#limits = limits
  }

  /** A body that begins to come. */
  open(address: string): HeldBody {
    return new HeldBody(this, limitKey(address))
  }

  /**
   * @param caller who it is, or where they call from as long as nobody knows
   * @throws SkeinError `rate-limited`, `unavailable`: nothing was counted
   */
  hold(caller: string, address: string, bytes: number): void {
    const { bodyBytesPerPerson, bodyBytesPerAddress, bodyBytes } = this.#limits
    const isTooMuch = (key: string, most: number): boolean => this.#bytesOf(key) + bytes > most
    if (isTooMuch(caller, bodyBytesPerPerson) || isTooMuch(address, bodyBytesPerAddress)) throw new RateLimited(TRY_AGAIN_MS)
    if (this.#all + bytes > bodyBytes) throw new Crowded()
    this.#add(caller, address, bytes)
  }

  release(caller: string, address: string, bytes: number): void {
    this.#add(caller, address, -bytes)
  }

  #bytesOf(key: string): number {
    return this.#of.get(key) ?? 0
  }

  #add(caller: string, address: string, bytes: number): void {
    this.#all += bytes
    for (const key of [caller, address]) {
      const left = this.#bytesOf(key) + bytes
      if (left > 0) this.#of.set(key, left)
      else this.#of.delete(key)
    }
  }
}

/** One of them. */
export class HeldBody {
  readonly #bodies: HeldBodies
  readonly #address: string
  #caller: string
  #bytes = 0

  constructor(bodies: HeldBodies, address: string) {
    this.#bodies = bodies
    this.#address = `from ${address}`
    this.#caller = `nobody ${address}`
  }

  /** Who calls is known from here on, before anything is read. */
  belongsTo(person: string): void {
    if (this.#bytes === 0) this.#caller = `of ${person}`
  }

  /** More of it has come. @throws SkeinError as {@link HeldBodies.hold} */
  grow(bytes: number): void {
    this.#bodies.hold(this.#caller, this.#address, bytes)
    this.#bytes += bytes
  }

  /** The call is answered. */
  release(): void {
    if (this.#bytes > 0) this.#bodies.release(this.#caller, this.#address, this.#bytes)
    this.#bytes = 0
  }
}
