/**
 * A document as the log holds it, served without being decoded: the snapshot goes out byte for byte, and of the records after it (few,
 * since they are folded) only ids and deletions are looked at. Nothing here builds a `Y.Doc`.
 */
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import { encodeFrame } from '../../shared/wire/codec.ts'
import type { SnapshotFacts, StoredDocument } from '../log/port.ts'
import { isDeleted, joinUpdates } from './join-updates.ts'
import type { Deletions, Joined } from './join-updates.ts'
import { Outgoing } from './outgoing.ts'

/** Records that are looked at before other rooms get their turn. */
const SLICE = 100
/** More than this without a snapshot is decoded as a whole instead, once; then it has one. */
const LONGEST_TAIL_BYTES = 4 * 1024 * 1024

const nothing: SnapshotFacts = {
  schema: null, tombstones: 0, stateVector: Y.encodeStateVector(new Map()), deletions: Y.encodeStateAsUpdate(new Y.Doc()),
}

export class ColdDocument {
  /** Null: it never had one, or nobody knows yet. */
  readonly schema: number | null
  readonly tombstones: number
  /** By client id, the clock from which on its structs are missing. */
  readonly clocks: ReadonlyMap<number, number>
  readonly stateVector: Uint8Array
  readonly #snapshot: { update: Uint8Array, clocks: ReadonlyMap<number, number> } | null
  /** The records after the snapshot, and all deletions. */
  readonly #rest: Uint8Array
  readonly #deletions: Deletions
  #whole: Outgoing | null = null

  /** @returns null when nobody can say what the records hold without decoding them */
  static async of(name: DocumentName, stored: StoredDocument | null, yieldToOthers: () => Promise<void>): Promise<ColdDocument | null> {
    if (!stored) return new ColdDocument(nothing, null, { update: nothing.deletions, ends: new Map(), deletions: new Map() })
    const { facts, updates, head, owesScrub } = stored
    const isWhole = head === updates.length - 1
    // The records may hold what was redacted.
    if (owesScrub || (!facts && !isWhole)) return null
    const tail = facts ? updates.slice(1) : updates
    if (tail.reduce((bytes, update) => bytes + update.length, 0) > LONGEST_TAIL_BYTES) return null
    const joining = joinUpdates([(facts ?? nothing).deletions, ...tail])
    for (let n = 1; ; n++) {
      const { done, value } = joining.next()
      if (!done) {
        if (n % SLICE === 0) await yieldToOthers()
      } else if (facts) return new ColdDocument(facts, updates[0]!, value)
      else return new ColdDocument({ ...nothing, schema: documentKind(name) === 'conversation' ? schemaIn(tail) : null }, null, value)
    }
  }

  private constructor(facts: SnapshotFacts, snapshot: Uint8Array | null, { update, ends, deletions }: Joined) {
    const known = Y.decodeStateVector(facts.stateVector)
    this.schema = facts.schema
    this.tombstones = facts.tombstones
    this.clocks = new Map([...known, ...ends])
    this.stateVector = Y.encodeStateVector(new Map(this.clocks))
    this.#snapshot = snapshot && { update: snapshot, clocks: known }
    this.#rest = update
    this.#deletions = deletions
  }

  /**
   * What brings a client up to date. The step 2, after which clients believe that they have everything, comes last. Who has nothing gets
   * the same bytes as everybody else who has nothing.
   */
  answer(held: ReadonlyMap<number, number>): Outgoing {
    const snapshot = this.#snapshot
    if (held.size > 0) {
      const stateVector = Y.encodeStateVector(new Map(held))
      const isMissing = snapshot && !covers(held, snapshot.clocks)
      return outgoing(isMissing ? Y.diffUpdate(snapshot.update, stateVector) : undefined, Y.diffUpdate(this.#rest, stateVector))
    }
    if (!this.#whole) {
      this.#whole = outgoing(snapshot?.update, this.#rest)
      // In memory once: made ready for the sockets, and the snapshot is a part of that.
      if (snapshot && this.#whole.wire.length > 0) snapshot.update = this.#whole.frames[0]!.subarray(-snapshot.update.length)
    }
    return this.#whole
  }

  /** Whether an update brings nothing but deletions that are known, as the step 2 of a client that only reads does. */
  knows(update: Uint8Array): boolean {
    try {
      const input = decoding.createDecoder(update)
      if (decoding.readVarUint(input) > 0) return false
      for (let clients = decoding.readVarUint(input); clients > 0; clients--) {
        const client = decoding.readVarUint(input)
        for (let ranges = decoding.readVarUint(input); ranges > 0; ranges--) {
          const [clock, length] = [decoding.readVarUint(input), decoding.readVarUint(input)]
          if (!isDeleted(this.#deletions, client, clock, length)) return false
        }
      }
      return !decoding.hasContent(input)
    } catch {
      return false // cut short: the gate says so
    }
  }
}

const outgoing = (snapshot: Uint8Array | undefined, rest: Uint8Array): Outgoing => {
  const last = encodeFrame({ type: 'sync-step-2', update: rest })
  return snapshot ? new Outgoing(encodeFrame({ type: 'update', update: snapshot }), last) : new Outgoing(last)
}

/** The first record of a conversation says which schema it has; who changes it later takes a snapshot at once. */
const schemaIn = (records: readonly Uint8Array[]): number | null => {
  for (const record of records) {
    for (const struct of Y.decodeUpdate(record).structs) {
      if (!(struct instanceof Y.Item) || struct.parentSub !== 'schema' || (struct.parent as unknown) !== 'meta') continue
      const [value] = struct.content.getContent() as unknown[]
      if (typeof value === 'number') return value
    }
  }
  return null
}

const covers = (held: ReadonlyMap<number, number>, clocks: ReadonlyMap<number, number>): boolean => {
  for (const [client, clock] of clocks) if ((held.get(client) ?? 0) < clock) return false
  return true
}
