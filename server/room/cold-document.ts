/**
 * A document as the log holds it, served without being decoded: the snapshot goes out byte for byte, and of the records after it (few,
 * since they are folded) only ids and deletions are looked at. Nothing here builds a `Y.Doc`.
 */
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { documentKind } from '../../shared/ids.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { SnapshotFacts, StoredDocument } from '../log/port.ts'
import { isDeleted } from './deletions.ts'
import type { Deletions } from './deletions.ts'
import { encodeUpdate } from './encode-update.ts'
import { joinUpdates } from './join-updates.ts'
import type { Joined } from './join-updates.ts'
import type { Outgoing } from './outgoing.ts'
import { Recent } from './recent.ts'
import { Part, StoredParts } from './stored-parts.ts'
import type { Held, Missing } from './stored-parts.ts'

/** Records that are looked at before other rooms get their turn. */
const SLICE = 100
/** More than this without a snapshot is decoded as a whole instead, once; then it has one. */
const LONGEST_TAIL_BYTES = 4 * 1024 * 1024
/** Records of more bytes than this are served in parts, as a snapshot is. */
const LARGE_TAIL = 128 * 1024
/** Answers to who comes back that are kept for the next one who has the same. */
const ANSWERS = 4

const nothing: SnapshotFacts = {
  schema: null, tombstones: 0, stateVector: Y.encodeStateVector(new Map()), deletions: Y.encodeStateAsUpdate(new Y.Doc()),
}

const nothingJoined: Joined = { update: nothing.deletions, ends: new Map(), deletions: new Map() }

export class ColdDocument {
  /** Null: it never had one, or nobody knows yet. */
  readonly schema: number | null
  readonly tombstones: number
  /** By client id, the clock from which on its structs are missing. */
  readonly clocks: ReadonlyMap<number, number>
  readonly stateVector: Uint8Array
  /** All but deletions, and records that are few; those are in the step 2, after which clients believe that they have everything. */
  readonly #updates: Uint8Array[]
  readonly #last: Part
  readonly #deletions: Deletions
  readonly #yieldToOthers: () => Promise<void>
  #parts: Promise<StoredParts> | null = null
  readonly #answers = new Recent<Promise<readonly Outgoing[]>>(ANSWERS)

  /** @returns null when nobody can say what the records hold without decoding them */
  static async of(name: DocumentName, stored: StoredDocument | null, yieldToOthers: () => Promise<void>): Promise<ColdDocument | null> {
    if (!stored) return new ColdDocument(nothing, [], [], nothingJoined, yieldToOthers)
    const { facts, updates, snapshotParts = 1, head, owesScrub } = stored
    const isWhole = head === updates.length - 1
    // The records may hold what was redacted.
    if (owesScrub || (!facts && !isWhole)) return null
    const tail = facts ? updates.slice(snapshotParts) : updates
    if (tail.reduce((bytes, update) => bytes + update.length, 0) > LONGEST_TAIL_BYTES) return null
    const joining = joinUpdates([(facts ?? nothing).deletions, ...tail])
    for (let n = 1; ; n++) {
      const { done, value } = joining.next()
      if (!done) {
        if (n % SLICE === 0) await yieldToOthers()
        continue
      }
      if (facts) return new ColdDocument(facts, updates.slice(0, snapshotParts), tail, value, yieldToOthers)
      const schema = documentKind(name) === 'conversation' ? schemaIn(tail) : null
      return new ColdDocument({ ...nothing, schema }, [], tail, value, yieldToOthers)
    }
  }

  /** @param joined of the tail, and all deletions */
  private constructor(
    facts: SnapshotFacts, snapshot: Uint8Array[], tail: Uint8Array[], joined: Joined, yieldToOthers: () => Promise<void>,
  ) {
    const { update, ends, deletions } = joined
    this.schema = facts.schema
    this.tombstones = facts.tombstones
    this.clocks = new Map([...Y.decodeStateVector(facts.stateVector), ...ends])
    this.stateVector = Y.encodeStateVector(new Map(this.clocks))
    const isLarge = update.length > LARGE_TAIL
    this.#updates = isLarge ? [...snapshot, ...tail] : snapshot
    this.#last = new Part('sync-step-2', isLarge ? encodeUpdate(new Map(), deletions) : update)
    this.#deletions = deletions
    this.#yieldToOthers = yieldToOthers
  }

  /** What brings a client up to date. The step 2 comes last. */
  async missing(held: Held): Promise<Missing> {
    const parts = await (this.#parts ??= StoredParts.of(this.#updates, this.#yieldToOthers))
    const stateVector = Y.encodeStateVector(new Map(held))
    const { bytes, frames } = await parts.missing(held)
    const last = (): Outgoing => held.size === 0 ? this.#last.outgoing : this.#last.missing(held)
    const all = async (): Promise<readonly Outgoing[]> => [...await frames(), last()]
    return {
      bytes: bytes + this.#last.update.length,
      frames: () => this.#answers.get(stateVector) ?? this.#answers.set(stateVector, all()),
    }
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
