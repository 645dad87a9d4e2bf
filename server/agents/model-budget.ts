/**
 * How many replies of language models may be asked for in a day, so that nobody spends the operator's model key unasked: per guest, per
 * person, all guests together, so that whoever makes guests without end takes nothing from the people, and everybody together. What goes
 * on after a crash was counted when it began.
 */
import { oneAfterAnother } from '../../shared/keyed-queue.ts'
import type { ServerLimits } from '../../shared/limits.ts'

export type ModelLimits = Pick<ServerLimits, 'repliesPerDayPerGuest' | 'repliesPerDayPerPerson' | 'repliesPerDayOfGuests' | 'repliesPerDay'>

/** Whose share is used up, and in how many milliseconds there is a new one; null: the reply may be asked for. */
export type Spent = { whose: 'guest' | 'person' | 'guests' | 'server', againInMs: number } | null

export interface ModelBudget {
  /** Takes one reply from each share that it counts against, durably; nothing from any when one is used up. */
  spend(askedBy: string, at: number): Promise<Spent>
}

/** Counts by day (days since 1970, UTC) and name, durable before `write` resolves. */
export interface CountStore {
  read(day: number, name: string): Promise<number>
  write(day: number, counts: ReadonlyMap<string, number>): Promise<void>
}

const DAY_MS = 24 * 60 * 60 * 1000
/** No ids of people: those have no space. */
const SERVER = 'the server'
const GUESTS = 'all guests'

export const createModelBudget = (store: CountStore, limits: ModelLimits): ModelBudget => {
  /** One after another: a count that is read is the last one that was written. */
  const inTurn = oneAfterAnother()
  const spendNow = async (askedBy: string, at: number): Promise<Spent> => {
    const day = Math.floor(at / DAY_MS)
    const shares = askedBy.startsWith('guest-')
      ? [
          { whose: 'guest', name: askedBy, most: limits.repliesPerDayPerGuest },
          { whose: 'guests', name: GUESTS, most: limits.repliesPerDayOfGuests },
        ] as const
      : [{ whose: 'person', name: askedBy, most: limits.repliesPerDayPerPerson }] as const
    const counts = new Map<string, number>()
    for (const { whose, name, most } of [...shares, { whose: 'server', name: SERVER, most: limits.repliesPerDay } as const]) {
      const spent = await store.read(day, name)
      if (spent >= most) return { whose, againInMs: (day + 1) * DAY_MS - at }
      counts.set(name, spent + 1)
    }
    await store.write(day, counts)
    return null
  }
  return {
    spend: (askedBy, at) => inTurn(() => spendNow(askedBy, at)),
  }
}

const HOUR_MS = 60 * 60 * 1000
const WHOSE = {
  guest: 'You have asked for all the replies of language models that a guest may ask for in a day. Your message is saved: sign in, or try again',
  person: 'You have asked for all the replies of language models that one may ask for in a day. Your message is saved: try again',
  guests: 'This server has given all the replies of language models that it gives to guests in a day. Your message is saved: sign in, or try again',
  server: 'This server has given all the replies of language models that it gives in a day. Your message is saved: try again',
} as const

/** What a person reads in the place of the reply. */
export const sayWhatIsSpent = ({ whose, againInMs }: NonNullable<Spent>): string => {
  const hours = Math.ceil(againInMs / HOUR_MS)
  return `${WHOSE[whose]} in ${hours === 1 ? 'an hour' : `${hours} hours`}.`
}
