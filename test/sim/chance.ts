/** Seeded chance: one stream a purpose, so that a change in one place of a simulation leaves the others as they were. */
import { seededRandom } from '../rig/seed.ts'

export class Chance {
  readonly #seed: number
  readonly #next: () => number
  #streams = 0

  constructor(seed: number) {
    this.#seed = seed
    this.#next = seededRandom(seed)
  }

  /** A stream of its own, the same for the same order of calls. */
  stream(): Chance {
    return new Chance(Math.imul(this.#seed ^ (++this.#streams * 0x9e3779b1), 0x85ebca6b) >>> 0)
  }

  /** A whole number from `least` to `most`, both included. */
  readonly between = (least: number, most: number): number => least + Math.floor(this.#next() * (most - least + 1))

  readonly of = (probability: number): boolean => this.#next() < probability

  readonly pick = <T>(from: readonly T[]): T => {
    if (from.length === 0) throw new Error('There is nothing to pick from.')
    return from[Math.floor(this.#next() * from.length)]!
  }

  /** Of an empty list: undefined. */
  readonly maybe = <T>(from: readonly T[]): T | undefined => from.length === 0 ? undefined : this.pick(from)

  readonly uint32 = (): number => Math.floor(this.#next() * 2 ** 32)

  readonly fill = (bytes: Uint8Array): Uint8Array => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = Math.floor(this.#next() * 256)
    return bytes
  }

  /** Mostly short, now and then long (milliseconds): what networks and disks are like. */
  readonly delay = (usual: number, longest: number): number =>
    this.of(0.9) ? this.between(0, usual) : this.between(usual, longest)
}
