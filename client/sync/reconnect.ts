/**
 * When to connect again after a connection was lost: exponential back-off with full jitter (AWS Architecture Blog, "Exponential Backoff and
 * Jitter", 2015), so that the clients of a server that was restarted do not come back in step, and at once when the network returns.
 */
import type { Surroundings } from './port.ts'

export const FIRST_BACKOFF_MS = 500
export const LONGEST_BACKOFF_MS = 10_000

export interface Reconnect {
  /** The connection was lost, or could not be made. */
  lost: () => void
  /** It was made and of use: the next loss is the first one again. */
  succeeded: () => void
  /** The server is about to stop; whoever comes back shall do so at a moment of its own within this time. */
  draining: (afterMs: number) => void
  /** Nobody wants a connection any more. */
  stop: () => void
}

/** @param connect called once after each loss */
export const createReconnect = ({ after, random, network }: Pick<Surroundings, 'after' | 'random' | 'network'>, connect: () => void): Reconnect => {
  let losses = 0
  let drainsWithin: number | null = null
  let cancel: (() => void) | null = null
  const stop = (): void => {
    cancel?.()
    cancel = null
    network?.removeEventListener('online', now)
  }
  const now = (): void => {
    stop()
    connect()
  }
  return {
    lost: () => {
      stop()
      const within = drainsWithin ?? Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** losses)
      drainsWithin = null
      losses = Math.min(losses + 1, 30)
      network?.addEventListener('online', now)
      cancel = after(Math.floor(within * fraction(random)), now)
    },
    succeeded: () => { losses = 0 },
    draining: afterMs => { drainsWithin = Math.max(afterMs, FIRST_BACKOFF_MS) },
    stop
  }
}

/** @returns a number in [0, 1) */
const fraction = (random: Surroundings['random']): number => {
  const [a = 0, b = 0, c = 0] = random(new Uint8Array(3))
  return (a * 65_536 + b * 256 + c) / 2 ** 24
}
