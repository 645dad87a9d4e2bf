/**
 * Writes an update of structs that are bytes already, as Yjs writes it (V1): clients with higher ids first, on which its merging relies.
 * Source of the format: Yjs `src/utils/encoding.js`, `DeleteSet.js`.
 */
import * as encoding from 'lib0/encoding'
import type { Range } from './deletions.ts'

/** One client's structs, one after another. */
export interface Section {
  clock: number
  structs: number
  /** Parts of other updates, and headers between them. */
  bytes: Uint8Array[]
}

export const encodeUpdate = (sections: ReadonlyMap<number, Section>, deletions: ReadonlyMap<number, readonly Range[]>): Uint8Array => {
  const output = encoding.createEncoder()
  encoding.writeVarUint(output, sections.size)
  for (const [client, { structs, clock, bytes }] of descending(sections)) {
    for (const number of [structs, client, clock]) encoding.writeVarUint(output, number)
    for (const part of bytes) encoding.writeUint8Array(output, part)
  }
  encoding.writeVarUint(output, deletions.size)
  for (const [client, ranges] of descending(deletions)) {
    for (const number of [client, ranges.length]) encoding.writeVarUint(output, number)
    for (const { clock, length } of ranges) {
      encoding.writeVarUint(output, clock)
      encoding.writeVarUint(output, length)
    }
  }
  return encoding.toUint8Array(output)
}

const descending = <T>(byClient: ReadonlyMap<number, T>): [number, T][] => [...byClient].sort(([a], [b]) => b - a)
