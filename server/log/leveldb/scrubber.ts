/**
 * Rewrites files so that what was deleted is gone from the disk too; LevelDB alone leaves it there for as long as it likes.
 *
 * 1. LevelDB flushes a value together with its own deletion and then leaves both. So the deletions are written once more, on top, which
 *    makes it merge them.
 * 2. One pass at a time; what is asked for meanwhile goes together in the next one, since a pass rewrites whole files.
 */
import type { KeyRange, Operation } from '../store-port.ts'

interface Asked {
  ranges: readonly KeyRange[]
  deleted: readonly Operation[]
  resolve: () => void
  reject: (cause: unknown) => void
}

export interface ScrubberPorts {
  /** Resolves when the deletions are on the disk. */
  commit: (deleted: readonly Operation[]) => Promise<void>
  /** Merges all that lies in the range. */
  compactRange: (range: KeyRange) => Promise<void>
}

export class Scrubber {
  readonly #ports: ScrubberPorts
  #asked: Asked[] = []
  #working = false

  constructor(ports: ScrubberPorts) {
    this.#ports = ports
  }

  /**
   * @param ranges where it lay
   * @param deleted the deletions, which are written already
   */
  scrub(ranges: readonly KeyRange[], deleted: readonly Operation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ ranges, deleted, resolve, reject })
      if (!this.#working) void this.#work()
    })
  }

  async #work(): Promise<void> {
    this.#working = true
    while (this.#asked.length > 0) {
      const asked = this.#asked
      this.#asked = []
      try {
        await this.#pass(asked)
        for (const { resolve } of asked) resolve()
      } catch (cause) {
        for (const { reject } of asked) reject(cause)
      }
    }
    this.#working = false
  }

  async #pass(asked: readonly Asked[]): Promise<void> {
    const ranges = new Map(asked.flatMap(({ ranges }) => ranges.map(range => [JSON.stringify(range), range])))
    for (const range of ranges.values()) await this.#ports.compactRange(range)
    await this.#ports.commit(asked.flatMap(({ deleted }) => deleted))
    for (const range of ranges.values()) await this.#ports.compactRange(range)
  }
}
