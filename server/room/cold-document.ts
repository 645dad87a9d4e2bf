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
import { isDeleted } from './deletions.ts'
import type { Deletions } from './deletions.ts'
import { joinUpdates } from './join-updates.ts'
import type { Joined } from './join-updates.ts'
import { Outgoing } from './outgoing.ts'

/** Records that are looked at before other rooms get their turn. */
const SLICE = 100
/** More than this without a snapshot is decoded as a whole instead, once; then it has one. */
const LONGEST_TAIL_BYTES = 4 * 1024 * 1024

/** Copying or comparing this much takes about a millisecond. */
const LARGE_PART = 64 * 1024
const EMPTY_UPDATE_LENGTH = 2

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
  /** A large one lies in parts, in the order in which they are applied. */
  readonly #snapshot: { parts: Uint8Array[], clocks: ReadonlyMap<number, number> } | null
  /** The records after the snapshot, and all deletions. */
  readonly #rest: Uint8Array
  readonly #deletions: Deletions
  readonly #yieldToOthers: () => Promise<void>
  #whole: Promise<Outgoing[]> | null = null

  /** @returns null when nobody can say what the records hold without decoding them */
  static async of(name: DocumentName, stored: StoredDocument | null, yieldToOthers: () => Promise<void>): Promise<ColdDocument | null> {
    if (!stored) return new ColdDocument(nothing, null, { update: nothing.deletions, ends: new Map(), deletions: new Map() }, yieldToOthers)
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
      if (facts) return new ColdDocument(facts, updates.slice(0, snapshotParts), value, yieldToOthers)
      const schema = documentKind(name) === 'conversation' ? schemaIn(tail) : null
      return new ColdDocument({ ...nothing, schema }, null, value, yieldToOthers)
    }
  }

  private constructor(
    facts: SnapshotFacts, snapshot: Uint8Array[] | null, { update, ends, deletions }: Joined, yieldToOthers: () => Promise<void>,
  ) {
    const known = Y.decodeStateVector(facts.stateVector)
    this.schema = facts.schema
    this.tombstones = facts.tombstones
    this.clocks = new Map([...known, ...ends])
    this.stateVector = Y.encodeStateVector(new Map(this.clocks))
    this.#snapshot = snapshot && { parts: snapshot, clocks: known }
    this.#rest = update
    this.#deletions = deletions
    this.#yieldToOthers = yieldToOthers
  }

  /**
   * What brings a client up to date. The step 2, after which clients believe that they have everything, comes last. Who has nothing gets
   * the same bytes as everybody else who has nothing. Each part of a snapshot is a frame by itself; between two, others may work.
   */
  async answer(held: ReadonlyMap<number, number>): Promise<readonly Outgoing[]> {
    if (held.size === 0) return this.#whole ??= this.#answerWhole()
    const stateVector = Y.encodeStateVector(new Map(held))
    const { parts, clocks } = this.#snapshot ?? nowhere
    const answer: Outgoing[] = []
    for (const part of covers(held, clocks) ? [] : parts) {
      const missing = Y.diffUpdate(part, stateVector)
      if (missing.length > EMPTY_UPDATE_LENGTH) answer.push(new Outgoing(encodeFrame({ type: 'update', update: missing })))
      await this.#yieldAfter(part)
    }
    answer.push(new Outgoing(encodeFrame({ type: 'sync-step-2', update: Y.diffUpdate(this.#rest, stateVector) })))
    return answer
  }

  async #answerWhole(): Promise<Outgoing[]> {
    const { parts } = this.#snapshot ?? nowhere
    const whole: Outgoing[] = []
    for (const [i, part] of parts.entries()) {
      const outgoing = new Outgoing(encodeFrame({ type: 'update', update: part }))
      // In memory once: made ready for the sockets, and the part is a piece of that.
      if (outgoing.wire.length > 0) parts[i] = outgoing.frames[0]!.subarray(-part.length)
      whole.push(outgoing)
      await this.#yieldAfter(part)
    }
    whole.push(new Outgoing(encodeFrame({ type: 'sync-step-2', update: this.#rest })))
    return whole
  }

  #yieldAfter({ length }: Uint8Array): Promise<void> | undefined {
    return length < LARGE_PART ? undefined : this.#yieldToOthers()
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

const nowhere: { parts: Uint8Array[], clocks: ReadonlyMap<number, number> } = { parts: [], clocks: new Map() }

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
