/** When the deltas of a reply are written: the pure decision behind the stream of an agent's draft. */

/** About 25 writes a second is as smooth as eyes can tell; 20 deltas bound a record when a model is fast. */
export const bundleLimits = {
  deltas: 20,
  ms: 40,
  /** What gathers while the disk is behind; past either the model is read no further. Some seconds of a fast model. */
  gatheredDeltas: 1000,
  gatheredLength: 16 * 1024,
} as const

export interface Gathered {
  /** Deltas that no bundle has taken yet. */
  deltas: number
  /** When the oldest of them arrived (milliseconds). */
  since: number
  /** The wait that an earlier decision asked for is over; counts more than the clock, which may step back. */
  waited: boolean
  /** No bundle was written before: the reader waits for a first sign, so it goes at once. */
  first: boolean
  /** A bundle is on its way to the disk; the next one gathers until it is durable. */
  inFlight: boolean
}

export type BundleDecision = { kind: 'write' } | { kind: 'wait', ms: number } | { kind: 'idle' }

export const decideBundle = (gathered: Gathered, now: number): BundleDecision => {
  if (gathered.inFlight || gathered.deltas === 0) return { kind: 'idle' }
  if (gathered.first || gathered.waited || gathered.deltas >= bundleLimits.deltas) return { kind: 'write' }
  const left = gathered.since + bundleLimits.ms - now
  return left <= 0 ? { kind: 'write' } : { kind: 'wait', ms: Math.min(left, bundleLimits.ms) }
}
