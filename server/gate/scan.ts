/**
 * The first look at an update: a total walk over its bytes before Yjs sees them.
 *
 * Yjs's decoder trusts its input: a count makes it allocate, a V2 update can keep it busy for ever, a struct of length 0 makes a
 * document that cannot be loaded again. This walk refuses all that in one pass, without recursion, with memory bounded by the bytes.
 * It reads exactly what Yjs's V1 decoder reads; where Yjs is lenient (flags without meaning, clients given twice), it is strict,
 * because Yjs has two readers (`decodeUpdate` and `applyUpdate`) that differ there.
 */
import * as Y from 'yjs'
import { limits } from '../../shared/limits.ts'
import { ByteReader, Malformed } from './byte-reader.ts'
import { contentRef, scanContent, scanLength, scanName } from './scan-content.ts'
import type { Judged } from './verdict.ts'

export type DecodedUpdate = ReturnType<typeof Y.decodeUpdate>

export type Scan =
  | { ok: true, decoded: DecodedUpdate }
  | { ok: false, code: 'malformed' | 'too-large', reason: string }

/** Structs in one update, known ones included, which a client's store may replay; 4,000,000 fit in a frame and take 100 bytes each. */
export const MAX_STRUCTS = 250_000
/** Deleted ranges in one update. An honest one carries all tombstones of the document, so there are many; each costs 40 bytes of memory. */
export const MAX_DELETIONS = 500_000

/** Nobody types so much under one client id, and implementations of Yjs in other languages count clocks in 32 bits. */
const MAX_CLOCK = 2 ** 32 - 1

/** First byte of a struct: five bits of content reference, then which of its references follow. */
const flag = { ref: 0x1f, parentSub: 0x20, rightOrigin: 0x40, origin: 0x80 } as const

class TooLarge extends Error {}

/** @returns the decoded update, or why its bytes are refused; never throws */
export const scan = (bytes: Uint8Array, kind: Judged): Scan => {
  if (bytes.length > limits.frameBytes) return { ok: false, code: 'too-large', reason: 'The update is larger than a frame may be.' }
  try {
    const reader = new ByteReader(bytes)
    scanStructs(reader, kind)
    scanDeleteSet(reader)
    if (reader.remaining > 0) throw new Malformed('Bytes follow behind the end of the update.')
  } catch (error) {
    if (error instanceof Malformed) return { ok: false, code: 'malformed', reason: error.message }
    if (error instanceof TooLarge) return { ok: false, code: 'too-large', reason: error.message }
    throw error
  }
  return decode(bytes)
}

/** An exact copy is decoded: a caller's buffer may be a view into a larger one, and be reused while the values still point into it. */
const decode = (bytes: Uint8Array): Scan => {
  try {
    return { ok: true, decoded: Y.decodeUpdate(new Uint8Array(bytes)) }
  } catch {
    return { ok: false, code: 'malformed', reason: 'Yjs cannot decode the update.' }
  }
}

const scanStructs = (reader: ByteReader, kind: Judged): void => {
  // A client's block takes at least a count, an id, a clock and a struct of two bytes.
  const clients = reader.readCount(5)
  if (clients > limits.clientsPerUpdate) throw new TooLarge('The update speaks for too many clients.')
  const seen = new Set<number>()
  let total = 0
  for (let i = 0; i < clients; i++) {
    const count = reader.readCount(2)
    if (count === 0) throw new Malformed('A client is named without structs.')
    if ((total += count) > MAX_STRUCTS) throw new TooLarge('The update has too many structs.')
    addOnce(seen, reader.readNumber())
    let clock = reader.readNumber()
    for (let j = 0; j < count; j++) clock = advance(clock, scanStruct(reader, kind))
  }
}

const scanStruct = (reader: ByteReader, kind: Judged): number => {
  const info = reader.readByte()
  const ref = info & flag.ref
  if (ref === contentRef.gc || ref === contentRef.skip) {
    if (info !== ref) throw new Malformed('A struct without content has references.')
    return scanLength(reader)
  }
  const hasOrigin = (info & flag.origin) !== 0
  const hasRightOrigin = (info & flag.rightOrigin) !== 0
  if (hasOrigin) scanId(reader)
  if (hasRightOrigin) scanId(reader)
  if (!hasOrigin && !hasRightOrigin) {
    scanParent(reader)
    if ((info & flag.parentSub) !== 0) scanName(reader)
  }
  return scanContent(reader, ref, kind)
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
const scanDeleteSet = (reader: ByteReader): void => {
  const clients = reader.readCount(4)
  const seen = new Set<number>()
  let total = 0
  for (let i = 0; i < clients; i++) {
    addOnce(seen, reader.readNumber())
    const count = reader.readCount(2)
    if (count === 0) throw new Malformed('A client is named without deletions.')
    if ((total += count) > MAX_DELETIONS) throw new TooLarge('The update has too many deletions.')
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
