/**
 * Cuts a Yjs update (V1) into small ones that make the same document when they are applied one after another, with turns for others in
 * between: `Y.applyUpdate` of 50 MB holds a process for seconds, and what one update of a client may cost is bounded.
 *
 * 1. What is applied never waits for what comes later: before a struct come those that it names (origins, parent), from whichever client.
 * 2. A struct that is itself large (Yjs merges what one client wrote in a row: all messages of a conversation are one) is cut between its
 *    values or letters, as Yjs does when something is put between them. The value of a key is whole.
 * 3. What deletes a struct comes with it: a request that was cancelled must not be live for a moment, or it would be taken.
 * 4. A type stays together with its first entries: a draft without its head is refused.
 *
 * The bytes need not be trusted: they are walked to the end first, and what is wrong with them then is wrong with a slice. Source of the
 * format: Yjs `src/utils/encoding.js`, `src/structs`.
 */
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { CutDeletions } from './cut-deletions.ts'
import { merged, readRanges } from './deletions.ts'
import type { Range } from './deletions.ts'
import { encodeUpdate } from './encode-update.ts'
import type { Section } from './encode-update.ts'
import {
  ANY, HAS_KEY, HAS_LEFT, HAS_RIGHT, KIND, STRING, endOfLetter, lettersIn, readHeader, readRequestId, skipAny, skipContent,
} from './walk-update.ts'
import type { Id } from './walk-update.ts'

/** A slice ends when it has so many bytes or structs; of deletions that are not of its own structs it has so many. */
export interface SliceSizes {
  bytes: number
  structs: number
  deletions: number
  /** Clients take turns in the order of their requests' ids, which is that of time: what builds on another request comes after it. */
  byRequest?: boolean
}

/** A few milliseconds of work. */
export const loadSizes: Readonly<SliceSizes> = { bytes: 128 * 1024, structs: 1000, deletions: 5000 }

/** Structs that are passed over before others get their turn. */
const WALK = 20_000
/** First entries of types that a slice has at most beyond its size: a draft has a head and parts. */
const KEPT_TOGETHER = 16

const NONE = new Map<number, never>()

/** The structs of one client that are not in a slice yet. */
interface Cursor {
  readonly client: number
  /** Clock of the next struct, or of the rest of one that was cut. */
  clock: number
  structs: number
  /** Where the next struct stands, or the next value of the one that is being cut. */
  at: number
  /** Requests that are not in a slice yet: the id, and how many structs follow. The next one is the last. */
  readonly requests: { id: string, follow: number }[]
  cut: { info: number, right: Uint8Array, values: number, bytes: number } | null
}

/**
 * @param sizes looked at anew for each slice
 * @param mostDeletions ranges that it may have in all
 * @returns slices; undefined where there is none yet, so that whoever follows can let others work
 * @throws Error when the bytes end too early, or structs wait for one another
 */
export const sliceUpdate = function* (
  update: Uint8Array, sizes: Readonly<SliceSizes> = loadSizes, mostDeletions = Infinity,
): Generator<Uint8Array | undefined, void> {
  const input = decoding.createDecoder(update)
  const cursors = yield* findCursors(input, sizes.byRequest === true)
  const ranges = new Map<number, Range[]>()
  readRanges(input, ranges, mostDeletions)
  if (decoding.hasContent(input)) throw new Error('Bytes follow behind the end of the update.')
  const deletions = new CutDeletions(merged(ranges))
  yield* new Slicer(update, cursors, deletions, sizes).slices()
  for (const part of deletions.others(() => sizes.deletions)) yield encodeUpdate(NONE, part)
}

const findCursors = function* (input: decoding.Decoder, byRequest: boolean): Generator<undefined, Map<number, Cursor>> {
  const cursors = new Map<number, Cursor>()
  let walked = 0
  for (let clients = decoding.readVarUint(input); clients > 0; clients--) {
    const structs = decoding.readVarUint(input)
    const client = decoding.readVarUint(input)
    const clock = decoding.readVarUint(input)
    if (cursors.has(client)) throw new Error('A client is named twice.')
    const requests: Cursor['requests'] = []
    cursors.set(client, { client, clock, structs, at: input.pos, requests, cut: null })
    for (let n = 0; n < structs; n++) {
      const info = decoding.readUint8(input)
      const id = byRequest ? readRequestId(input, info) : null
      if (id !== null) requests.push({ id, follow: structs - n - 1 })
      readHeader(input, info)
      skipContent(input, info & KIND)
      if (++walked % WALK === 0) yield undefined
    }
    requests.reverse()
  }
  return cursors
}

class Slicer {
  readonly #update: Uint8Array
  readonly #input: decoding.Decoder
  readonly #cursors: Map<number, Cursor>
  /** Those that have structs left, and perhaps some that have not. */
  readonly #unfinished: Set<Cursor>
  readonly #deletions: CutDeletions
  readonly #sizes: Readonly<SliceSizes>
  #sections = new Map<number, Section>()
  #bytes = 0
  #structs = 0
  /** Structs since it was full. */
  #beyond = 0

  constructor(update: Uint8Array, cursors: Map<number, Cursor>, deletions: CutDeletions, sizes: Readonly<SliceSizes>) {
    this.#update = update
    this.#input = decoding.createDecoder(update)
    this.#cursors = cursors
    this.#unfinished = new Set(cursors.values())
    this.#deletions = deletions
    this.#sizes = sizes
  }

  * slices(): Generator<Uint8Array> {
    for (let first = this.#first(); first; first = this.#first()) {
      /** Clients whose structs are waited for: up to which clock, and how many are left then. */
      const waiting = [{ cursor: first, until: Infinity, left: nextRequest(first)?.follow ?? 0 }]
      for (let last = waiting.at(-1); last; last = waiting.at(-1)) {
        const { cursor, until, left } = last
        if (cursor.structs <= left || cursor.clock > until) {
          waiting.pop()
          continue
        }
        if (this.#isFull && !this.#mayStay(cursor)) yield this.#slice()
        const missing = this.#take(cursor)
        const before = missing && this.#cursors.get(missing.client)
        if (before && !waiting.some(({ cursor }) => cursor === before)) waiting.push({ cursor: before, until: missing.clock, left: 0 })
        else if (missing) throw new Error(`The structs of client ${cursor.client} and of client ${missing.client} wait for one another.`)
      }
    }
    if (this.#structs > 0) yield this.#slice()
  }

  /** Whose turn it is: who asks for nothing more may have written what others ask for. */
  #first(): Cursor | undefined {
    let first: Cursor | undefined
    let lowest = ''
    for (const cursor of this.#unfinished) {
      if (cursor.structs === 0) {
        this.#unfinished.delete(cursor)
        continue
      }
      const id = nextRequest(cursor)?.id
      if (id === undefined) return cursor
      if (first && id >= lowest) continue
      first = cursor
      lowest = id
    }
    return first
  }

  get #isFull(): boolean {
    return this.#bytes >= this.#sizes.bytes || this.#structs >= this.#sizes.structs
  }

  /** Whether the next struct of a client stays with the type before it although the slice is full. */
  #mayStay({ at, cut }: Cursor): boolean {
    if (cut || ++this.#beyond > KEPT_TOGETHER) return false
    this.#input.pos = at
    return readHeader(this.#input, decoding.readUint8(this.#input)).inType
  }

  /** @returns what has to come before it, when it was not taken for that reason */
  #take(cursor: Cursor): Id | null {
    const input = this.#input
    input.pos = cursor.at
    if (cursor.cut) return this.#cutOff(cursor, cursor.cut, [])
    const info = decoding.readUint8(input)
    const kind = info & KIND
    const { right, named } = readHeader(input, info)
    const missing = named.find(id => id.client !== cursor.client && this.#isToCome(id))
    if (missing) return missing
    if ((kind === ANY && !(info & HAS_KEY)) || kind === STRING) {
      const header = this.#update.subarray(cursor.at, input.pos)
      const size = decoding.readVarUint(input)
      const [values, bytes] = kind === ANY ? [size, 0] : [0, size]
      const cut = { info: kind | HAS_LEFT | (info & (HAS_RIGHT | HAS_KEY)), right, values, bytes }
      return this.#cutOff(cursor, cut, [header])
    }
    const length = skipContent(input, kind)
    this.#add(cursor, length, [this.#update.subarray(cursor.at, input.pos)])
    cursor.at = input.pos
    cursor.structs--
    return null
  }

  /** Takes as much of a struct as fits into a slice. */
  #cutOff(cursor: Cursor, cut: NonNullable<Cursor['cut']>, header: Uint8Array[]): null {
    const input = this.#input
    const from = input.pos
    const most = from + Math.max(1, this.#sizes.bytes - this.#bytes)
    const size = encoding.createEncoder()
    let length = 0
    if ((cut.info & KIND) === ANY) {
      for (; cut.values > 0 && input.pos < most; cut.values--, length++) skipAny(input)
      encoding.writeVarUint(size, length)
    } else {
      const end = endOfLetter(this.#update, Math.min(most, from + cut.bytes), from + cut.bytes)
      cut.bytes -= end - from
      length = lettersIn(this.#update, from, end)
      input.pos = end
      encoding.writeVarUint(size, end - from)
    }
    const own = header.length > 0 ? header : [rest(cut, cursor)]
    this.#add(cursor, length, [...own, encoding.toUint8Array(size), this.#update.subarray(from, input.pos)])
    cursor.at = input.pos
    const over = cut.values === 0 && cut.bytes === 0
    cursor.cut = over ? null : cut
    if (over) cursor.structs--
    return null
  }

  #isToCome({ client, clock }: Id): boolean {
    const cursor = this.#cursors.get(client)
    return cursor !== undefined && cursor.structs > 0 && clock >= cursor.clock
  }

  #add(cursor: Cursor, length: number, bytes: Uint8Array[]): void {
    const section = this.#sections.get(cursor.client) ?? { clock: cursor.clock, structs: 0, bytes: [] }
    this.#sections.set(cursor.client, section)
    section.structs++
    section.bytes.push(...bytes)
    cursor.clock += length
    this.#structs++
    for (const part of bytes) this.#bytes += part.length
  }

  #slice(): Uint8Array {
    const deletions = new Map<number, Range[]>()
    for (const [client, { clock }] of this.#sections) {
      const within = this.#deletions.within(client, clock, this.#cursors.get(client)!.clock)
      if (within.length > 0) deletions.set(client, within)
    }
    const slice = encodeUpdate(this.#sections, deletions)
    this.#sections = new Map()
    this.#bytes = this.#structs = this.#beyond = 0
    return slice
  }
}

const nextRequest = ({ requests, structs }: Cursor): { id: string, follow: number } | undefined => {
  while (requests.length > 0 && requests.at(-1)!.follow >= structs) requests.pop()
  return requests.at(-1)
}

/** The header of a struct that goes on where another one was cut off. */
const rest = ({ info, right }: { info: number, right: Uint8Array }, { client, clock }: Id): Uint8Array => {
  const output = encoding.createEncoder()
  encoding.writeUint8(output, info)
  encoding.writeVarUint(output, client)
  encoding.writeVarUint(output, clock - 1)
  encoding.writeUint8Array(output, right)
  return encoding.toUint8Array(output)
}
