/**
 * Several updates of one document, each going on where those before it ended, as one: their bytes side by side, and nothing is decoded.
 * Where they do not fit so simply (another program wrote them), Yjs merges them.
 *
 * The bytes are trusted: they come from our own log, behind a checksum. Source of the format: Yjs `src/utils/encoding.js`, `DeleteSet.js`.
 */
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { merged, readRanges } from './deletions.ts'
import type { Deletions, Range } from './deletions.ts'
import { encodeUpdate } from './encode-update.ts'
import type { Section } from './encode-update.ts'
import { KIND, SKIP, STRING, lettersIn, readHeader, skipContent } from './walk-update.ts'

export interface Joined {
  update: Uint8Array
  /** By client id, the clock at which its structs in these updates end. */
  ends: ReadonlyMap<number, number>
  deletions: Deletions
}

interface Run extends Section {
  end: number
}

/** Pauses after each update, so that others may work. */
export const joinUpdates = function* (updates: readonly Uint8Array[]): Generator<undefined, Joined> {
  const runs = new Map<number, Run>()
  const ranges = new Map<number, Range[]>()
  let fits = true
  for (const update of updates) {
    const input = decoding.createDecoder(update)
    for (let clients = decoding.readVarUint(input); clients > 0; clients--) fits = readRun(input, runs) && fits
    readRanges(input, ranges)
    yield undefined
  }
  const deletions = merged(ranges)
  const ends = new Map([...runs].map(([client, { end }]) => [client, end]))
  return { update: fits ? encodeUpdate(runs, deletions) : Y.mergeUpdates([...updates]), ends, deletions }
}

/** The same without pauses, of few. */
export const joined = (updates: readonly Uint8Array[]): Uint8Array => {
  const joining = joinUpdates(updates)
  for (;;) {
    const { done, value } = joining.next()
    if (done) return value.update
  }
}

/** By client id, the clock at which its structs in an update begin, and the one behind the last. */
export type Clocks = ReadonlyMap<number, { from: number, to: number }>

export const clocksIn = (update: Uint8Array): Clocks => {
  const runs = new Map<number, Run>()
  const input = decoding.createDecoder(update)
  for (let clients = decoding.readVarUint(input); clients > 0; clients--) readRun(input, runs)
  return new Map([...runs].map(([client, { clock, end }]) => [client, { from: clock, to: end }]))
}

/** @returns whether it goes on where that client's structs ended before */
const readRun = (input: decoding.Decoder, runs: Map<number, Run>): boolean => {
  const structs = decoding.readVarUint(input)
  const client = decoding.readVarUint(input)
  const clock = decoding.readVarUint(input)
  const from = input.pos
  let end = clock
  let isWhole = true
  for (let n = 0; n < structs; n++) {
    const info = decoding.readUint8(input)
    readHeader(input, info)
    const kind = info & KIND
    if (kind === SKIP) isWhole = false
    end += kind === STRING ? skipText(input) : skipContent(input, kind)
  }
  const run = runs.get(client) ?? { clock, end: clock, structs: 0, bytes: [] }
  const goesOn = run.end === clock
  runs.set(client, run)
  run.end = Math.max(run.end, end)
  run.structs += structs
  run.bytes.push(input.arr.subarray(from, input.pos))
  return goesOn && isWhole
}

const skipText = (input: decoding.Decoder): number => {
  const bytes = decoding.readVarUint(input)
  input.pos += bytes
  return lettersIn(input.arr, input.pos - bytes, input.pos)
}

