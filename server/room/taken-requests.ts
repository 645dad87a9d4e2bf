/** What became of requests: the log's ledger, and in memory what this room took and the log does not hold yet. */
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import { parseRequestId } from '../../shared/ids.ts'
import type { LedgerEntry, UpdateLog } from '../log/port.ts'

/** Entries of the requests that one update speaks of. */
export type KnownRequests = Map<RequestId, LedgerEntry>

export class TakenRequests {
  readonly #log: UpdateLog
  readonly #name: DocumentName
  readonly #notDurable: KnownRequests = new Map()

  constructor(log: UpdateLog, name: DocumentName) {
    this.#log = log
    this.#name = name
  }

  /**
   * Notes in `known` what became of these ids. Complete as long as no other update is taken meanwhile: an entry that becomes durable
   * while the ledger is read was noted before.
   */
  async prepare(ids: Iterable<string>, known: KnownRequests): Promise<void> {
    const toRead: RequestId[] = []
    for (const text of ids) {
      const id = parseRequestId(text)
      const entry = id && this.#notDurable.get(id)
      if (entry) known.set(id, entry)
      else if (id) toRead.push(id)
    }
    if (toRead.length === 0) return
    for (const [id, entry] of await this.#log.ledger(this.#name, toRead)) known.set(id, entry)
  }

  take(entries: readonly LedgerEntry[]): void {
    for (const entry of entries) this.#notDurable.set(entry.requestId, entry)
  }

  durable(entries: readonly LedgerEntry[]): void {
    for (const { requestId } of entries) this.#notDurable.delete(requestId)
  }
}
