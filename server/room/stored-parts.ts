/**
 * A document as updates that are applied in order, each made ready once for all who lack it. Who has nothing gets every one of them; who
 * comes back gets those that it lacks, as they are, and the rest of the few that it has in part. So a thousand who join at once share
 * nearly all of what they are sent, and no answer is one long piece of work.
 *
 * What a part deletes in what somebody has already is not looked at: all deletions have to be in what is sent behind the parts.
 */
import * as Y from 'yjs'
import { encodeFrame } from '../../shared/wire/codec.ts'
import { clocksIn, joined } from './join-updates.ts'
import type { Clocks } from './join-updates.ts'
import { Outgoing } from './outgoing.ts'
import { sliceUpdate } from './slice-update.ts'

/** A larger update is cut. */
const LARGEST = 512 * 1024
/** Making ready, or walking over, this much takes some tenths of a millisecond. */
const LARGE = 64 * 1024
const EMPTY_UPDATE_LENGTH = 2

/** By client id, the clock from which on its structs are missing. */
export type Held = ReadonlyMap<number, number>

export interface Missing {
  /** At most. */
  bytes: number
  /** Made with pauses; to be asked for once, when it can be sent: what is made for one alone takes memory. */
  frames(): Promise<readonly Outgoing[]>
}

/** An update, ready to be sent. */
export class Part {
  readonly outgoing: Outgoing
  readonly update: Uint8Array
  readonly #type: 'update' | 'sync-step-2'
  #clocks: Clocks | null = null
  #deletions: Outgoing | null = null

  constructor(type: 'update' | 'sync-step-2', update: Uint8Array) {
    this.#type = type
    this.outgoing = new Outgoing(encodeFrame({ type, update }))
    // In memory once: made ready for the sockets, and the update is a piece of that.
    this.update = this.outgoing.wire.length > 0 ? this.outgoing.frames[0]!.subarray(-update.length) : update
  }

  get isWalked(): boolean {
    return this.#clocks !== null
  }

  /** How much of its structs somebody lacks. */
  lackedBy(held: Held): 'all' | 'some' | 'none' {
    let [all, none] = [true, true]
    for (const [client, { from, to }] of this.#clocks ??= clocksIn(this.update)) {
      const has = held.get(client) ?? 0
      if (has > from) all = false
      if (has < to) none = false
    }
    return none ? 'none' : all ? 'all' : 'some'
  }

  /** What somebody lacks of it, and all that it deletes. */
  missing(held: Held): Outgoing {
    switch (this.lackedBy(held)) {
      case 'all': return this.outgoing
      case 'none': return this.#deletions ??= this.#without(held)
      case 'some': return this.#without(held)
    }
  }

  #without(held: Held): Outgoing {
    return new Outgoing(encodeFrame({ type: this.#type, update: Y.diffUpdate(this.update, Y.encodeStateVector(new Map(held))) }))
  }
}

export class StoredParts {
  readonly #parts: readonly Part[]
  readonly #yieldToOthers: () => Promise<void>
  readonly bytes: number

  /**
   * @param updates in order; they are let go one after the other
   * @param large smaller ones go together in one frame
   */
  static async of(updates: Uint8Array[], yieldToOthers: () => Promise<void>, large = LARGE): Promise<StoredParts> {
    const parts: Part[] = []
    for (const update of together(updates, large)) {
      for (const part of update.length > LARGEST ? sliceUpdate(update) : [update]) {
        if (part) parts.push(new Part('update', part))
        if (!part || part.length >= LARGE) await yieldToOthers()
      }
    }
    return new StoredParts(parts, yieldToOthers)
  }

  private constructor(parts: readonly Part[], yieldToOthers: () => Promise<void>) {
    this.#parts = parts
    this.#yieldToOthers = yieldToOthers
    this.bytes = parts.reduce((sum, { update }) => sum + update.length, 0)
  }

  async missing(held: Held): Promise<Missing> {
    if (held.size === 0) return { bytes: this.bytes, frames: async () => this.#parts.map(({ outgoing }) => outgoing) }
    const lacked: { part: Part, whole: boolean }[] = []
    for (const part of this.#parts) {
      if (!part.isWalked && part.update.length >= LARGE) await this.#yieldToOthers()
      const lack = part.lackedBy(held)
      if (lack !== 'none') lacked.push({ part, whole: lack === 'all' })
    }
    return {
      bytes: lacked.reduce((sum, { part }) => sum + part.update.length, 0),
      frames: async () => {
        const frames: Outgoing[] = []
        for (const { part, whole } of lacked) {
          if (!whole && part.update.length >= LARGE) await this.#yieldToOthers()
          const outgoing = whole ? part.outgoing : part.missing(held)
          if (outgoing.bytes > EMPTY_FRAME_LENGTH) frames.push(outgoing)
        }
        return frames
      },
    }
  }
}

/** Updates of some size each. */
const together = function* (updates: Uint8Array[], large: number): Generator<Uint8Array> {
  let small: Uint8Array[] = []
  let bytes = 0
  const gathered = function* (): Generator<Uint8Array> {
    if (small.length > 0) yield joined(small)
    small = []
    bytes = 0
  }
  for (const [i, update] of updates.entries()) {
    updates[i] = nothing
    if (update.length >= large || bytes >= large) yield* gathered()
    if (update.length >= large) yield update
    else {
      small.push(update)
      bytes += update.length
    }
  }
  yield* gathered()
}

const nothing = new Uint8Array()
const EMPTY_FRAME_LENGTH = encodeFrame({ type: 'update', update: new Uint8Array(EMPTY_UPDATE_LENGTH) }).length
