/**
 * Cuts what a device wrote in a long time offline into updates that the server takes one by one: it bounds what a single one may cost.
 *
 * 1. What a struct builds on comes before it, in the same piece or an earlier one.
 * 2. What deletes a struct comes with it: a request that was cancelled must not be live for a moment, or it would be taken.
 * 3. A new type stays together with what it was made of: a draft without its head is refused.
 */
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

type Struct = ReturnType<typeof Y.decodeUpdate>['structs'][number]

/** Smaller updates are sent as they are. */
const WHOLE_BYTES = 16 * 1024
/** Where a piece ends, when it may: see `requestsPerUpdate` and `workPerUpdate` among the limits. */
const PIECE_STRUCTS = 200
const PIECE_BYTES = 256 * 1024
const PIECE_RANGES = 2000

interface Section {
  from: number
  to: number
  structs: Struct[]
}

/** @returns updates to be sent in this order; the given one alone when it is small */
export const splitUpdate = (update: Uint8Array): Uint8Array[] => {
  if (update.length <= WHOLE_BYTES) return [update]
  const { structs, ds } = Y.decodeUpdate(update)
  const ordered = inOrder(structs)
  if (!ordered) return [update]
  const rest = new Deletions(ds)
  const pieces = cut(ordered).map(sections => write(sections, rest.takeWithin(sections)))
  for (const part of rest.takeAll()) pieces.push(write(new Map(), part))
  return pieces
}

/** @returns null when structs wait for one another, which no Yjs writes */
const inOrder = (structs: readonly Struct[]): Struct[] | null => {
  const queues = new Map<number, { structs: Struct[], next: number }>()
  for (const struct of structs) {
    const queue = queues.get(struct.id.client)
    if (queue) queue.structs.push(struct)
    else queues.set(struct.id.client, { structs: [struct], next: 0 })
  }
  const isThere = (reference: unknown): boolean => {
    if (!(reference instanceof Y.ID)) return true
    const queue = queues.get(reference.client)
    return queue?.structs[queue.next] === undefined || reference.clock < queue.structs[queue.next]!.id.clock
  }
  const isReady = (struct: Struct | undefined): struct is Struct => struct !== undefined &&
    (!(struct instanceof Y.Item) || [struct.origin, struct.rightOrigin, struct.parent].every(isThere))
  const ordered: Struct[] = []
  for (let before = -1; before < ordered.length && ordered.length < structs.length;) {
    before = ordered.length
    for (const queue of queues.values()) {
      for (let struct = queue.structs[queue.next]; isReady(struct); struct = queue.structs[queue.next]) {
        ordered.push(struct)
        queue.next++
      }
    }
  }
  return ordered.length === structs.length ? ordered : null
}

const cut = (structs: readonly Struct[]): Map<number, Section>[] => {
  const pieces: Map<number, Section>[] = []
  let piece = new Map<number, Section>()
  let count = 0
  let bytes = 0
  for (const struct of structs) {
    const belongsToType = struct instanceof Y.Item && (struct.parent as unknown) instanceof Y.ID
    if ((count >= PIECE_STRUCTS || bytes >= PIECE_BYTES) && !belongsToType) {
      pieces.push(piece)
      piece = new Map()
      count = bytes = 0
    }
    const { client, clock } = struct.id
    const section = piece.get(client) ?? { from: clock, to: clock, structs: [] }
    piece.set(client, section)
    section.structs.push(struct)
    section.to = clock + struct.length
    count++
    bytes += sizeOf(struct)
  }
  if (count > 0) pieces.push(piece)
  return pieces
}

/** Bytes of the struct, about. */
const sizeOf = (struct: Struct): number => {
  const encoder = new Y.UpdateEncoderV1()
  struct.write(encoder, 0)
  return encoding.length(encoder.restEncoder)
}

type Range = readonly [clock: number, length: number]
type Ranges = ReadonlyMap<number, readonly Range[]>

/** The delete set of the update, as far as no piece has it yet. */
class Deletions {
  readonly #left = new Map<number, Range[]>()

  constructor({ clients }: ReturnType<typeof Y.decodeUpdate>['ds']) {
    for (const [client, ranges] of clients) this.#left.set(client, ranges.map(({ clock, len }) => [clock, len] as const))
  }

  takeWithin(sections: ReadonlyMap<number, Section>): Ranges {
    const taken = new Map<number, Range[]>()
    for (const [client, { from, to }] of sections) {
      const within: Range[] = []
      const outside: Range[] = []
      for (const [clock, length] of this.#left.get(client) ?? []) {
        const end = clock + length
        add(within, Math.max(clock, from), Math.min(end, to))
        add(outside, clock, Math.min(end, from))
        add(outside, Math.max(clock, to), end)
      }
      if (within.length > 0) taken.set(client, within)
      this.#left.set(client, outside)
    }
    return taken
  }

  * takeAll(): Generator<Ranges> {
    for (const [client, ranges] of this.#left) {
      for (let at = 0; at < ranges.length; at += PIECE_RANGES) yield new Map([[client, ranges.slice(at, at + PIECE_RANGES)]])
    }
    this.#left.clear()
  }
}

const add = (ranges: Range[], from: number, to: number): void => {
  if (from < to) ranges.push([from, to - from])
}

const write = (sections: ReadonlyMap<number, Section>, deletions: Ranges): Uint8Array => {
  const encoder = new Y.UpdateEncoderV1()
  const number = (value: number): void => encoding.writeVarUint(encoder.restEncoder, value)
  number(sections.size)
  for (const [client, { from, structs }] of sections) {
    for (const value of [structs.length, client, from]) number(value)
    for (const struct of structs) struct.write(encoder, 0)
  }
  number(deletions.size)
  for (const [client, ranges] of deletions) {
    for (const value of [client, ranges.length, ...ranges.flat()]) number(value)
  }
  return encoder.toUint8Array()
}
