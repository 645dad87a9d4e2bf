/** What is left of an update without the structs that are known: the ranges of bytes that stay, and the update that they make. */
import * as encoding from 'lib0/encoding'

/** A client's structs from the first one that stays; what is known stands before it, so nothing is missing in between. */
interface Kept {
  client: number
  clock: number
  count: number
  from: number
  to: number
}

export class KeptStructs {
  readonly #kept: Kept[] = []
  /** Bytes of what stays. */
  bytes = 0

  add(kept: Kept): void {
    this.#kept.push(kept)
    this.bytes += kept.to - kept.from
  }

  /** @param deletesFrom where the delete set begins in the bytes */
  write(bytes: Uint8Array, deletesFrom: number): Uint8Array {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, this.#kept.length)
    for (const { client, clock, count, from, to } of this.#kept) {
      encoding.writeVarUint(encoder, count)
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, clock)
      encoding.writeUint8Array(encoder, bytes.subarray(from, to))
    }
    encoding.writeUint8Array(encoder, bytes.subarray(deletesFrom))
    return encoding.toUint8Array(encoder)
  }
}
