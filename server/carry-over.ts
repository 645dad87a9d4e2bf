/**
 * A guest becomes a person: the becoming is written down first, then its effects, each of which may be done again.
 *
 * 1. From the note on, the guest's own proof proves nobody, and what was the guest's counts as the person's (`Principal.aliases`): role,
 *    client ids, ledger, reactions, home document. So nothing has to be copied for the person to go on at once.
 * 2. Then the guest's connections end, and its memberships become the person's, so that nobody stands in a list of members twice.
 * 3. A request that had proved the guest before may still make it a member of something. So the memberships are looked through once more
 *    when all such requests are over; until then the note stands, and a start after a crash goes on from it.
 */
import type { Directory } from './directory/port.ts'
import { isGuestId } from './identity/aliases-port.ts'
import type { Aliases, CarryOver, CarryOvers } from './identity/aliases-port.ts'
import type { Logger } from './telemetry/port.ts'
import type { UserId } from '../shared/ids.ts'
import type { Timers } from '../shared/timers.ts'

export interface CarryOverPorts {
  aliases: Pick<Aliases, 'link' | 'unfinished' | 'carried'>
  directory: Pick<Directory, 'listOf' | 'moveMember'>
  /** Ends what goes on in the name of somebody who proves nobody any more. */
  revoke: (guest: UserId) => void
  timers: Timers
  logger: Pick<Logger, 'error'>
}

/** Longer than any request takes (milliseconds). */
export const SETTLED_AFTER_MS = 60_000

export const createCarryOvers = ({ aliases, directory, revoke, timers, logger }: CarryOverPorts): CarryOvers => {
  const waiting = new Set<() => void>()
  let closed = false

  const moveMemberships = async ({ guest, person, name }: CarryOver): Promise<void> => {
    for (const { name: document } of await directory.listOf(guest, '')) {
      await directory.moveMember(document, guest, { id: person, name })
    }
  }

  const settle = async (becoming: CarryOver): Promise<void> => {
    await moveMemberships(becoming)
    await aliases.carried(becoming.guest)
  }

  /** By their aliases the person has all of it already, whether this works now or later. */
  const orLater = (becoming: CarryOver, work: Promise<void>): Promise<void> => work.catch((error: unknown) => {
    logger.error({ guest: becoming.guest, err: error }, 'what was a guest\'s is not all moved to their account; it is tried again')
    later(becoming)
  })

  const later = (becoming: CarryOver): void => {
    if (closed) return
    const cancel = timers.after(SETTLED_AFTER_MS, () => {
      waiting.delete(cancel)
      void orLater(becoming, settle(becoming))
    })
    waiting.add(cancel)
  }

  return {
    begin: async (guest, { id, name }) => {
      // What an account owns is nobody else's, whoever asks for it.
      if (!isGuestId(guest)) return false
      const person = await aliases.link({ guest, person: id, name })
      if (person !== id) return false
      revoke(guest)
      const becoming = { guest, person, name }
      await orLater(becoming, moveMemberships(becoming).then(() => later(becoming)))
      return true
    },
    finish: async () => {
      for (const becoming of await aliases.unfinished()) await orLater(becoming, settle(becoming))
    },
    close: () => {
      closed = true
      for (const cancel of waiting) cancel()
    },
  }
}
