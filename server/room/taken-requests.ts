/**
 * What became of requests: the log's ledger, and in memory what this room took and the log does not hold yet.
 *
 * Almost every id that is asked about is new, and to ask the disk costs more than all else that a message costs. So the room remembers
 * the greatest ids of the ledger, and from which id on it knows all of them: of a greater one that it does not remember nothing is stored.
 * Ids begin with the time at which they were made, so that what people write now is greater.
 */
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import { parseRequestId } from '../../shared/ids.ts'
import type { LedgerEntry, UpdateLog } from '../log/port.ts'

/** Entries of the requests that one update speaks of. */
export type KnownRequests = Map<RequestId, LedgerEntry>

/** Ids that a room remembers at least, where there are so many; at most twice as many (20 kB). */
export const REMEMBERED = 128

/** The greatest ids of the ledger: all that are not less than `since`. */
interface Newest {
  ids: Set<RequestId>
  since: string
}

export class TakenRequests {
  readonly #log: Pick<UpdateLog, 'ledger' | 'newestTaken'>
  readonly #name: DocumentName
  readonly #notDurable: KnownRequests = new Map()
  /** Undefined: nobody asked yet. Null: they could not be read, so each id is looked up by itself. */
  #newest: Newest | null | undefined

  constructor(log: Pick<UpdateLog, 'ledger' | 'newestTaken'>, name: DocumentName) {
    this.#log = log
    this.#name = name
  }

  /**
   * Notes in `known` what became of these ids. Complete as long as no other update is taken meanwhile: an entry that becomes durable
   * while the ledger is read was noted before.
   */
  async prepare(ids: Iterable<string>, known: KnownRequests): Promise<void> {
    if (this.#newest === undefined) this.#newest = await this.#readNewest()
    const toRead: RequestId[] = []
    for (const text of ids) {
      const id = parseRequestId(text)
      const entry = id && this.#notDurable.get(id)
      if (entry) known.set(id, entry)
      else if (id && this.#mayBeStored(id)) toRead.push(id)
    }
    if (toRead.length === 0) return
    for (const [id, entry] of await this.#log.ledger(this.#name, toRead)) known.set(id, entry)
  }

  /** Only between a {@link prepare} and the next one. */
  take(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) {
      this.#notDurable.set(entry.requestId, entry)
      this.#newest?.ids.add(entry.requestId)
    }
    if (this.#newest && this.#newest.ids.size > 2 * REMEMBERED) this.#newest = newestOf(this.#newest.ids)
  }

  durable(entries: readonly LedgerEntry[]): void {
    for (const { requestId } of entries) this.#notDurable.delete(requestId)
  }

  #mayBeStored(id: RequestId): boolean {
    return !this.#newest || id < this.#newest.since || this.#newest.ids.has(id)
  }

  async #readNewest(): Promise<Newest | null> {
    try {
      const ids = await this.#log.newestTaken(this.#name, REMEMBERED)
      return ids.length < REMEMBERED ? { ids: new Set(ids), since: '' } : newestOf(ids)
    } catch (_damaged) {
      // One entry that cannot be read shall not keep all requests out.
      return null
    }
  }
}

const newestOf = (ids: Iterable<RequestId>): Newest => {
  const kept = [...ids].sort().slice(-REMEMBERED)
  return { ids: new Set(kept), since: kept[0]! }
}
