/**
 * An update of a client that is too much for one, such as a stock client sends that was offline for long: it is cut, and each slice is
 * judged, taken and recorded as if the client had sent it by itself, while others, in this room too, have their turns.
 *
 * 1. A slice that is still too expensive is cut again; those after it are as small at first, and grow with each one that is taken.
 * 2. Pages that were open one after another, or in turn, wrote under client ids of which the order says nothing: what they ask for is
 *    taken in the order of the requests' ids, as within one update. A slice that builds on a later one all the same waits until all the
 *    others were taken.
 * 3. What one slice is refused for ends it: those before it stay, since they were right by themselves.
 */
import * as decoding from 'lib0/decoding'
import { limits } from '../../shared/limits.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { sliceUpdate } from './slice-update.ts'
import type { SliceSizes } from './slice-update.ts'
import type { Taken } from './take.ts'

/** What became of an update, or a slice of one. */
export type Outcome =
  | { kind: 'taken', results: readonly Taken[] }
  | { kind: 'parked' }
  | { kind: 'refused', code: ErrorCode, reason: string }
  /** Nobody needs an answer any more. */
  | { kind: 'ended' }

export interface SlicePorts {
  /** @param final it is not to be parked for a parent that nobody knows */
  receive: (slice: Uint8Array, final: boolean) => Promise<Outcome>
  yieldToOthers: () => Promise<void>
}

/** As a device cuts what it wrote offline (client/sync/split-update.ts): requests above all are bounded by their number. */
const MOST = { bytes: 256 * 1024, structs: 200, deletions: 2000 } as const
const LEAST = { bytes: 1024, structs: 1, deletions: 1 } as const
/** How often what waits for one another is gone through: so many client ids may each follow on from another one. */
const ROUNDS = 16
/**
 * Slices that are judged at most, each for up to 25 ms. Of as many structs as a document may have there are 600, and one more for each
 * client that an update may speak for.
 */
const SLICES = 2000
/** Slices that were too expensive and had to be cut again: who is honest offline for long has some, who wants to keep us busy has many. */
const DEAR = 40

type Refusal = Extract<Outcome, { kind: 'refused' }>

/** Whether an update may be taken in slices that is refused as a whole. */
export const isTooMuch = (outcome: Outcome): outcome is Refusal =>
  outcome.kind === 'refused' && (outcome.code === 'too-large' || outcome.code === 'too-expensive')

/**
 * @param whole what the update was refused for; that stands when it cannot be cut
 * @param final as for a slice
 */
export const takeInSlices = async (update: Uint8Array, whole: Refusal, final: boolean, ports: SlicePorts): Promise<Outcome> => {
  const clients = update.length > 0 ? decoding.readVarUint(decoding.createDecoder(update)) : 0
  return clients > limits.clientsPerUpdate ? whole : new InSlices(whole, ports).take(update, final)
}

class InSlices {
  readonly #whole: Refusal
  readonly #ports: SlicePorts
  readonly #sizes: SliceSizes = { ...MOST, byRequest: true }
  readonly #results: Taken[] = []
  readonly #parked: Uint8Array[] = []
  #judged = 0
  #dear = 0

  constructor(whole: Refusal, ports: SlicePorts) {
    this.#whole = whole
    this.#ports = ports
  }

  async take(update: Uint8Array, final: boolean): Promise<Outcome> {
    let ended = await this.#takeAll(sliceUpdate(update, this.#sizes, limits.deletionsPerUpdate), false)
    let isFinal = false
    for (let [round, before] = [1, Infinity]; !ended && this.#parked.length > 0; round++) {
      const waiting = this.#parked.splice(0)
      if (waiting.length >= before || round > ROUNDS) {
        if (isFinal || !final) return { kind: 'parked' }
        isFinal = true
      }
      before = waiting.length
      ended = await this.#takeAll(waiting.values(), isFinal)
    }
    return ended ?? { kind: 'taken', results: this.#results }
  }

  /** @returns what ends it before all of them were taken or wait */
  async #takeAll(slices: Iterator<Uint8Array | undefined>, final: boolean): Promise<Outcome | null> {
    for (;;) {
      await this.#ports.yieldToOthers()
      const next = this.#next(slices)
      if (next === null) return this.#whole
      if (next.done) return null
      const ended = next.value && await this.#takeOne(next.value, final)
      if (ended) return ended
    }
  }

  async #takeOne(slice: Uint8Array, final: boolean): Promise<Outcome | null> {
    if (++this.#judged > SLICES) return this.#whole
    const outcome = await this.#ports.receive(slice, final)
    switch (outcome.kind) {
      case 'taken':
        this.#results.push(...outcome.results)
        this.#grow()
        return null
      case 'parked':
        this.#parked.push(slice)
        return null
      case 'ended':
        return outcome
      case 'refused': {
        if (outcome.code !== 'too-expensive') return outcome
        if (++this.#dear > DEAR) return this.#whole
        const parts = this.#cutSmaller(slice)
        return parts ? this.#takeAll(parts.values(), final) : outcome
      }
    }
  }

  /** @returns null where the bytes are no update that can be cut */
  #next(slices: Iterator<Uint8Array | undefined>): IteratorResult<Uint8Array | undefined, unknown> | null {
    try {
      return slices.next()
    } catch {
      return null // it said so with an error: the bytes end too early, or structs wait for one another
    }
  }

  /** @returns null when it is one struct, or one deletion */
  #cutSmaller(slice: Uint8Array): Uint8Array[] | null {
    for (;;) {
      const { bytes, structs, deletions } = this.#sizes
      if (bytes <= LEAST.bytes && structs <= LEAST.structs && deletions <= LEAST.deletions) return null
      this.#resize(size => size / 2)
      const parts = [...sliceUpdate(slice, this.#sizes)].filter(part => part !== undefined)
      if (parts.length > 1) return parts
    }
  }

  #grow(): void {
    this.#resize(size => size * 5 / 4)
  }

  #resize(to: (size: number) => number): void {
    for (const key of ['bytes', 'structs', 'deletions'] as const) {
      this.#sizes[key] = Math.ceil(Math.max(LEAST[key], Math.min(MOST[key], to(this.#sizes[key]))))
    }
  }
}
