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
  const never = new AbortController().signal
  return {
    acquire: async runId => {
      if (held.has(runId)) return null
      held.add(runId)
      return { lost: never, release: () => held.delete(runId) }
    }
  }
}
