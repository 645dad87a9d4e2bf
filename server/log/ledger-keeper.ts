/**
 * Keeps the ledger from growing for ever: at the start, and once a day, entries go that are older than any device will ask about.
 *
 * A device that was offline longer than this and offers an old request again has it taken a second time, so the time is long, and never
 * less than a day. The work is done in pieces with turns for others between them, since a ledger may have millions of entries.
 */
import type { Timers } from '../../shared/timers.ts'

const DAY = 24 * 60 * 60 * 1000
export const KEEP_MS = 30 * DAY
const LEAST_MS = DAY
/** Entries that one piece of work looks at. */
const PIECE = 1000
const BETWEEN_PIECES_MS = 100

export interface TrimmedLedger {
  /**
   * Removes the entries among the next so many that were taken before a time (milliseconds since 1970).
   * @param after where the last piece ended, null to begin
   * @returns where this piece ended, null when it came to the end
   */
  trimLedger(before: number, most: number, after: LedgerPlace | null): Promise<LedgerPlace | null>
}

/** A place in the ledger; only the log knows what it means. */
export type LedgerPlace = readonly (string | number)[]

export interface KeeperPorts {
  log: TrimmedLedger
  /** Milliseconds since 1970. */
  now: () => number
  after: Timers['after']
  onError: (error: unknown) => void
  keepMs?: number
}

/**
 * @returns stops it
 * @throws RangeError when entries should be kept for less than a day
 */
export const keepLedgerTrimmed = ({ log, now, after, onError, keepMs = KEEP_MS }: KeeperPorts): (() => void) => {
  if (!(keepMs >= LEAST_MS)) throw new RangeError('Ledger entries are kept for a day at least: devices may ask about them.')
  let stopped = false
  let cancel = (): void => undefined
  const next = (ms: number, place: LedgerPlace | null): void => {
    if (!stopped) cancel = after(ms, () => void work(place))
  }
  const work = async (place: LedgerPlace | null): Promise<void> => {
    try {
      const end = await log.trimLedger(now() - keepMs, PIECE, place)
      next(end === null ? DAY : BETWEEN_PIECES_MS, end)
    } catch (error) {
      // What could not be written today goes tomorrow.
      if (!stopped) onError(error)
      next(DAY, null)
    }
  }
  next(0, null)
  return () => {
    stopped = true
    cancel()
  }
}
