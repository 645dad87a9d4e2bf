/** What became of requests: the log's ledger, and in memory what this room took and may not be durable yet. */
import type { DocumentName, RequestId } from '../../shared/ids.ts'
import { parseRequestId } from '../../shared/ids.ts'
import type { LedgerEntry, UpdateLog } from '../log/port.ts'

/** Far more than can wait for the disk at one time, so that an entry is in the ledger long before it is forgotten here. */
const REMEMBERED = 10_000

export class TakenRequests {
  readonly #log: UpdateLog
  readonly #name: DocumentName
  readonly #entries = new Map<RequestId, LedgerEntry>()

  constructor(log: UpdateLog, name: DocumentName) {
    this.#log = log
    this.#name = name
  }

  /** Reads what the ledger knows of these ids, so that {@link get} can answer for them inside a transaction. */
  async prepare(ids: Iterable<string>): Promise<void> {
    const unknown: RequestId[] = []
    for (const text of ids) {
      const id = parseRequestId(text)
      if (id && !this.#entries.has(id)) unknown.push(id)
    }
    if (unknown.length === 0) return
    for (const entry of (await this.#log.ledger(this.#name, unknown)).values()) this.add(entry)
  }

  get(id: RequestId): LedgerEntry | undefined {
    return this.#entries.get(id)
  }

  add(entry: LedgerEntry): void {
    this.#entries.set(entry.requestId, entry)
    if (this.#entries.size > REMEMBERED) this.#entries.delete(this.#entries.keys().next().value!)
  }
}
