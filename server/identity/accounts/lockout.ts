/**
 * How often passwords may be tried: a few times freely, then after ever longer waits, for each account from each address; and so often an
 * hour from one address, whatever accounts it tries, and for one account from all the addresses that one customer may have. Somebody
 * else's attempts elsewhere lock nobody out. Only wrong passwords count here; how often anybody calls at all, right or wrong, is the
 * matter of `server/edge/rate-limits.ts`, which every call has passed before.
 *
 * Counted in memory: a start forgets it, which an attacker cannot cause, and every attempt costs a scrypt beside it.
 */
import { accountLimits as limits } from '../../../shared/limits.ts'
import { limitKey, networkKey } from '../../../shared/rate-table.ts'

interface Tries {
  /** Since the last success. */
  failed: number
  /** Milliseconds since 1970. */
  lockedUntil: number
  lastAt: number
}

/** Accounts and addresses that are remembered; past that, who was not heard of for longest is forgotten. */
const REMEMBERED = 20_000
const HOUR = 3_600_000

export interface Attempt {
  /** The password was right: what was counted is forgotten. */
  succeeded(): void
}

export type Admission = { attempt: Attempt } | { waitSeconds: number }

/** @param now milliseconds since 1970 */
export const createLockout = (now: () => number): ((account: string, address: string) => Admission) => {
  const perAccount = new Map<string, Tries>()
  const perAddress = new Map<string, Tries>()
  const perNetwork = new Map<string, Tries>()

  /** Counts one more against so many an hour. @returns takes it back */
  const countHourly = (known: Map<string, Tries>, key: string, { failed }: Tries, most: number, at: number): (() => void) => {
    note(known, key, { failed: failed + 1, lockedUntil: failed + 1 >= most ? at + HOUR : 0, lastAt: at })
    return () => {
      const rest = known.get(key)
      if (rest) note(known, key, { ...rest, failed: Math.max(0, rest.failed - 1), lockedUntil: 0 })
    }
  }

  return (account, from) => {
    const at = now()
    const address = limitKey(from)
    const key = `${account} ${address}`
    const network = networkKey(from)
    const wideKey = network === null ? null : `${account} ${network}`
    const own = recall(perAccount, key, at, limits.attemptsForgottenHours * HOUR)
    const all = recall(perAddress, address, at, HOUR)
    const wide = recall(perNetwork, wideKey ?? '', at, HOUR)
    const lockedUntil = Math.max(own.lockedUntil, all.lockedUntil, wide.lockedUntil)
    if (lockedUntil > at) return { waitSeconds: Math.ceil((lockedUntil - at) / 1000) }
    // Counted before the password is looked at: a burst of attempts at once is as many attempts.
    note(perAccount, key, { failed: own.failed + 1, lockedUntil: at + lockMs(own.failed + 1), lastAt: at })
    const takeBack = [countHourly(perAddress, address, all, limits.failedSignInsPerAddressPerHour, at)]
    if (wideKey !== null) takeBack.push(countHourly(perNetwork, wideKey, wide, limits.failedSignInsPerAccountPerNetworkPerHour, at))
    return {
      attempt: {
        succeeded: () => {
          perAccount.delete(key)
          for (const take of takeBack) take()
        },
      },
    }
  }
}

/** How long nobody is listened to after so many failures: 30 s, 1 min, 2 min, … 15 min. */
const lockMs = (failed: number): number => failed < limits.freeAttempts
  ? 0
  : 1000 * Math.min(limits.longestLockSeconds, limits.firstLockSeconds * 2 ** (failed - limits.freeAttempts))

const recall = (known: Map<string, Tries>, key: string, at: number, forgottenAfter: number): Tries => {
  const tries = known.get(key)
  return tries && at - tries.lastAt < forgottenAfter ? tries : { failed: 0, lockedUntil: 0, lastAt: at }
}

const note = (known: Map<string, Tries>, key: string, tries: Tries): void => {
  known.delete(key)
  if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
  known.set(key, tries)
}
