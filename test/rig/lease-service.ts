/** One service of leases for several processes; a lease passes on when the test says so, and its holder may or may not notice. */
import type { RunLeases } from '../../server/agents/leases.ts'
import type { RunId } from '../../shared/ids.ts'

export class LeaseService {
  readonly #holders = new Map<RunId, { lost: AbortController }>()

  /** What one process sees of it. */
  client(): RunLeases {
    return {
      acquire: async runId => {
        if (this.#holders.has(runId)) return null
        const holder = { lost: new AbortController() }
        this.#holders.set(runId, holder)
        return { lost: holder.lost.signal, release: () => { if (this.#holders.get(runId) === holder) this.#holders.delete(runId) } }
      }
    }
  }

  expire(noticed: boolean): void {
    for (const { lost } of this.#holders.values()) if (noticed) lost.abort()
    this.#holders.clear()
  }
}
