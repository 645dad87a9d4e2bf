/** Ids of what is made on this device: after all that it has made before, even if its clock was set back since. */
import { createUuidV7 } from '../../shared/ids.ts'
import type { RandomBytes, RequestId } from '../../shared/ids.ts'

export class OwnIds {
  readonly next: () => string
  #after = 0

  constructor(now: () => number, random: RandomBytes) {
    this.next = createUuidV7(() => Math.max(now(), this.#after), random)
  }

  /** These were made before. */
  follow(ids: readonly RequestId[]): void {
    this.#after = Math.max(this.#after, ...ids.map(id => timeOf(id) + 1))
  }
}

/** Milliseconds since 1970 when a UUIDv7 was made. */
const timeOf = (id: RequestId): number => parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
