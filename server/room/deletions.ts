/** What an update deletes, as ranges of clocks by client id. Source of the format: Yjs `src/utils/DeleteSet.js`. */
import * as decoding from 'lib0/decoding'

export interface Range {
  clock: number
  length: number
}

/** By client id: sorted, and no two ranges touch. */
export type Deletions = ReadonlyMap<number, readonly Range[]>

/** Adds what stands at the end of an update to these. @throws Error when that is more than `most` ranges */
export const readRanges = (input: decoding.Decoder, into: Map<number, Range[]>, most = Infinity): void => {
  let room = most
  for (let clients = decoding.readVarUint(input); clients > 0; clients--) {
    const client = decoding.readVarUint(input)
    const ranges = into.get(client) ?? []
    for (let left = decoding.readVarUint(input); left > 0; left--) {
      if (room-- <= 0) throw new Error('The update has too many deletions.')
      ranges.push({ clock: decoding.readVarUint(input), length: decoding.readVarUint(input) })
    }
    if (ranges.length > 0) into.set(client, ranges)
  }
}

export const merged = (all: ReadonlyMap<number, readonly Range[]>): Map<number, Range[]> =>
  new Map([...all].map(([client, ranges]) => [client, apart(ranges)]))

const apart = (ranges: readonly Range[]): Range[] => {
  const each: Range[] = []
  for (const { clock, length } of ranges.toSorted((a, b) => a.clock - b.clock)) {
    const last = each.at(-1)
    if (last && clock <= last.clock + last.length) last.length = Math.max(last.length, clock + length - last.clock)
    else each.push({ clock, length })
  }
  return each
}

/** Whether one of the ranges holds all of this one: as they do not touch, none holds it otherwise. */
export const isDeleted = (deletions: Deletions, client: number, clock: number, length: number): boolean => {
  const ranges = deletions.get(client) ?? []
  let low = 0
  for (let high = ranges.length; low < high;) {
    const middle = (low + high) >> 1
    if (ranges[middle]!.clock <= clock) low = middle + 1
    else high = middle
  }
  const range = ranges[low - 1]
  return range !== undefined && clock + length <= range.clock + range.length
}
