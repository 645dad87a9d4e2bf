/**
 * Leases: who may work on a run. A lease keeps it to one attempt at a time; it may be lost without its holder noticing at once (a process
 * that stood still), so what an attempt may write, its fence decides (see attempt.ts), never the lease.
 */
import type { RunId } from '../../shared/ids.ts'

export interface RunLease {
  /** Aborts when it is lost: somebody else may work on the run now. */
  readonly lost: AbortSignal
  release(): void
}

export interface RunLeases {
  /** Null: somebody else works on the run. */
  acquire(runId: RunId): Promise<RunLease | null>
}

/** For a server that is one process: its leases end with it, and are not lost before. */
export const createProcessLeases = (): RunLeases => {
  const held = new Set<RunId>()
  return {
    acquire: async runId => {
      if (held.has(runId)) return null
      held.add(runId)
      // A signal of its own: what others are made of it would hang on one of the server for as long as that lives.
      return { lost: new AbortController().signal, release: () => held.delete(runId) }
    }
  }
}
