/**
 * How long to wait for the server to acknowledge edits before the connection is taken for dead: a dead network often gives no close
 * event. 5 s at first; twice as long after each time in vain (up to a minute), so that a slow server is not reconnected to for ever.
 */
import type { After } from './port.ts'

export const FIRST_PATIENCE = 5_000
const LONGEST_PATIENCE = 60_000

export interface Patience {
  /** Something was sent and is not acknowledged; does nothing when the wait has begun already. */
  begin: () => void
  /** The server acknowledged something. */
  answered: () => void
  /** There is no connection to wait for. */
  stop: () => void
}

/**
 * @param bufferedBytes what the socket has not handed to the network yet: as long as this shrinks, a slow upload is under way
 * @param giveUp reconnects
 */
export const createPatience = (after: After, bufferedBytes: () => number, giveUp: () => void): Patience => {
  let patience = FIRST_PATIENCE
  let cancel: (() => void) | null = null
  const stop = () => {
    cancel?.()
    cancel = null
  }
  const wait = (bufferedBefore: number) => {
    cancel = after(patience, () => {
      cancel = null
      const buffered = bufferedBytes()
      if (buffered > 0 && buffered < bufferedBefore) return wait(buffered)
      patience = Math.min(patience * 2, LONGEST_PATIENCE)
      giveUp()
    })
  }
  return {
    begin: () => {
      if (!cancel) wait(bufferedBytes())
    },
    answered: () => {
      stop()
      patience = FIRST_PATIENCE
    },
    stop
  }
}
