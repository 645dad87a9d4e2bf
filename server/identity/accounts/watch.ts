/**
 * What another server on the same database ended, by a new password or a disabled account: what is open here by it ends soon after.
 *
 * It is looked up, not told: a message would be lost to whoever cannot be reached just then.
 */
import type { UserId } from '../../../shared/ids.ts'
import { holderOf, isInPerson } from '../../../shared/principal.ts'
import type { Principal } from '../../../shared/principal.ts'
import type { Timers } from '../../../shared/timers.ts'
import { GUEST_ID } from '../aliases-port.ts'
import type { Revocation } from '../port.ts'
import type { Engine } from './engine.ts'

export interface WatchOptions {
  context: () => Engine['$context']
  /** Ends what is open by it in this process. */
  revoked: (gone: Revocation) => void
  after: Timers['after']
  /** It could not be looked up; that is tried again, and told once until it works. */
  failed: (error: unknown) => void
}

/** From the end of one look to the next. */
const EVERY_MS = 2000
/** Ids in one question. */
const AT_ONCE = 500

/**
 * @param held whom something is open by in this process
 * @returns how to stop
 */
export const watchEndings = ({ context, revoked, after, failed }: WatchOptions, held: () => Iterable<Principal>): (() => void) => {
  let cancel = (): void => {}
  let isOver = false
  let isFailing = false
  const lookAgain = (): void => {
    cancel = after(EVERY_MS, () => void look().then(() => { isFailing = false }, tell).then(() => { if (!isOver) lookAgain() }))
  }
  const tell = (error: unknown): void => {
    if (!isFailing) failed(error)
    isFailing = true
  }
  const look = async (): Promise<void> => {
    const [sessions, people] = [new Set<string>(), new Set<string>()]
    for (const principal of held()) {
      const { id } = holderOf(principal)
      // Of guests, their bots and readers by a link nobody knows anything there.
      if (principal.kind === 'guest' || id.startsWith(GUEST_ID)) continue
      people.add(id)
      // Of a token, which this server alone knows, the person counts.
      if (principal.credential !== undefined && isInPerson(principal)) sessions.add(principal.credential)
    }
    for (const credential of await missing('session', sessions)) revoked({ credential })
    for (const user of await missing('user', people)) revoked({ user: user as UserId })
  }
  const missing = async (model: 'session' | 'user', ids: Set<string>): Promise<string[]> => {
    const { adapter } = await context()
    const all = [...ids]
    const gone: string[] = []
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const value = all.slice(from, from + AT_ONCE)
      const where = [{ field: 'id', operator: 'in' as const, value }]
      const rows = await adapter.findMany<{ id: string, disabledAt?: Date | null }>({ model, where, limit: AT_ONCE })
      const found = new Set(rows.filter(({ disabledAt }) => !disabledAt).map(({ id }) => id))
      gone.push(...value.filter(id => !found.has(id)))
    }
    return gone
  }
  lookAgain()
  return () => {
    isOver = true
    cancel()
  }
}
