/**
 * The first look at an update: a total walk over its bytes before Yjs sees them.
 *
 * Yjs's decoder trusts its input: a count makes it allocate, a V2 update can keep it busy for ever, a struct of length 0 makes a
 * document that cannot be loaded again. This walk refuses all that in one pass, without recursion, with memory bounded by the bytes.
 * It reads exactly what Yjs's V1 decoder reads; where Yjs is lenient (flags without meaning, clients given twice), it is strict,
 * because Yjs has two readers (`decodeUpdate` and `applyUpdate`) that differ there.
 */
import * as Y from 'yjs'
import { SkeinError } from '../../shared/errors.ts'
import { limits } from '../../shared/limits.ts'
import { Budget, price } from './budget.ts'
import { ByteReader, Malformed } from './byte-reader.ts'
import { KeptStructs } from './kept-structs.ts'
import { contentRef, scanContent, scanLength, scanName } from './scan-content.ts'
import type { Judged } from './verdict.ts'

export type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>

export interface Scanned {
  decoded: DecodedUpdate
  /** The bytes that were decoded, which nobody else holds: the frame's, or of a large one what is not known. */
  bytes: Uint8Array
  /** Steps of work that are left for the judge, see `budget.ts`. */
  steps: number
}

export type Scan =
  | { ok: true } & Scanned
  | { ok: false, code: 'malformed' | 'too-large' | 'too-expensive', reason: string }

/** The first clock of a client that the document does not know. */
export type StateOf = (client: number) => number

/** Nobody types so much under one client id, and implementations of Yjs in other languages count clocks in 32 bits. */
const MAX_CLOCK = 2 ** 32 - 1

/** First byte of a struct: five bits of content reference, then which of its references follow. */
const flag = { ref: 0x1f, parentSub: 0x20, rightOrigin: 0x40, origin: 0x80 } as const

/**
 * @param stateOf of the live document
 * @returns the decoded update, or why its bytes are refused; never throws
 */
export const scan = (bytes: Uint8Array, kind: Judged, stateOf: StateOf): Scan => {
  if (bytes.length > limits.frameBytes) return { ok: false, code: 'too-large', reason: 'The update is larger than a frame may be.' }
  const isCompared = bytes.length <= limits.comparedBytes
  try {
    const reading = { reader: new ByteReader(bytes), kind, budget: new Budget(), stateOf: isCompared ? () => 0 : stateOf }
    const kept = scanStructs(reading)
    const deletesFrom = reading.reader.position
    scanDeleteSet(reading)
    if (reading.reader.remaining > 0) throw new Malformed('Bytes follow behind the end of the update.')
    if (kept.bytes > limits.updateBytes) throw new SkeinError('too-large')
    return decode(isCompared ? new Uint8Array(bytes) : kept.write(bytes, deletesFrom), reading.budget.left)
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, code: 'malformed', reason: error.message }
    if (error instanceof SkeinError) return { ok: false, code: error.code === 'too-large' ? 'too-large' : 'too-expensive', reason: error.message }
    throw error
  }
}

const decode = (bytes: Uint8Array, steps: number): Scan => {
  try {
    return { ok: true, decoded: Y.decodeUpdate(bytes), bytes, steps }
  } catch {
    return { ok: false, code: 'malformed', reason: 'Yjs cannot decode the update.' }
  }
}

interface Reading {
  reader: ByteReader
  kind: Judged
  budget: Budget
  stateOf: StateOf
}

const scanStructs = (reading: Reading): KeptStructs => {
  const { reader, stateOf } = reading
  // A client's block takes at least a count, an id, a clock and a struct of two bytes.
  const clients = reader.readCount(5)
  if (clients > limits.clientsPerUpdate) throw new SkeinError('too-large', 'The update speaks for too many clients.')
  const seen = new Set<number>()
  const keptOfAll = new KeptStructs()
  for (let i = 0; i < clients; i++) {
    const count = reader.readCount(2)
    if (count === 0) throw new Malformed('A client is named without structs.')
    const client = reader.readNumber()
    addOnce(seen, client)
    const known = stateOf(client)
    let clock = reader.readNumber()
    let kept: { client: number, clock: number, count: number, from: number } | null = null
    for (let j = 0; j < count; j++) {
      const from = reader.position
      const next = advance(clock, scanStruct(reading, known - clock))
      if (next > known) kept ??= { client, clock, count: count - j, from }
      clock = next
    }
    if (kept) keptOfAll.add({ ...kept, to: reader.position })
  }
  return keptOfAll
}

/** @param known clocks from the struct's first one on that the document knows; zero or less: none */
const scanStruct = ({ reader, kind, budget }: Reading, known: number): number => {
  const info = reader.readByte()
  const ref = info & flag.ref
  let length: number
  if (ref === contentRef.gc || ref === contentRef.skip) {
    if (info !== ref) throw new Malformed('A struct without content has references.')
    length = scanLength(reader)
  } else {
    const hasOrigin = (info & flag.origin) !== 0
    const hasRightOrigin = (info & flag.rightOrigin) !== 0
    if (hasOrigin) scanId(reader)
    if (hasRightOrigin) scanId(reader)
    if (!hasOrigin && !hasRightOrigin) {
      scanParent(reader)
      if ((info & flag.parentSub) !== 0) scanName(reader)
    }
    length = scanContent(reader, ref, kind, budget, known)
  }
  budget.spend(length > known ? price.struct : price.skippedStruct)
  return length
}

const scanId = (reader: ByteReader): void => {
  reader.readNumber()
  reader.readNumber()
}

/** 1: a root by name, 0: the item that holds the type. Yjs takes every other number for 0. */
const scanParent = (reader: ByteReader): void => {
  switch (reader.readNumber()) {
    case 0:
      scanId(reader)
      break
    case 1:
      scanName(reader)
      break
    default:
      throw new Malformed('An item has a parent of an unknown kind.')
  }
}

/** Ranges of one client must be in order and apart, as Yjs writes them: overlapping ones make every reader walk the same structs again. */
const scanDeleteSet = ({ reader, budget }: Reading): void => {
  const clients = reader.readCount(4)
  const seen = new Set<number>()
  let total = 0
  for (let i = 0; i < clients; i++) {
    addOnce(seen, reader.readNumber())
    const count = reader.readCount(2)
    if (count === 0) throw new Malformed('A client is named without deletions.')
    if ((total += count) > limits.deletionsPerUpdate) throw new SkeinError('too-large', 'The update has too many deletions.')
    budget.spend(count * price.range)
    let end = 0
    for (let j = 0; j < count; j++) {
      const clock = reader.readNumber()
      if (clock < end) throw new Malformed('Deletions overlap or are out of order.')
      end = advance(clock, scanLength(reader))
    }
  }
}

const addOnce = (seen: Set<number>, client: number): void => {
  if (seen.has(client)) throw new Malformed('A client is named twice.')
  seen.add(client)
}

const advance = (clock: number, length: number): number => {
  const next = clock + length
  if (next > MAX_CLOCK) throw new Malformed('A clock is larger than 32 bits hold.')
  return next
}
