/**
 * How many replies of language models may be asked for in a day, so that nobody spends the operator's model key unasked: per guest, per
 * person, and all together. What goes on after a crash was counted when it began.
 */
import { oneAfterAnother } from '../../shared/keyed-queue.ts'
import type { ServerLimits } from '../../shared/limits.ts'

export type ModelLimits = Pick<ServerLimits, 'repliesPerDayPerGuest' | 'repliesPerDayPerPerson' | 'repliesPerDay'>

/** Whose share is used up, and in how many milliseconds there is a new one; null: the reply may be asked for. */
export type Spent = { whose: 'guest' | 'person' | 'server', againInMs: number } | null

export interface ModelBudget {
  /** Takes one reply from the shares of the person and the server, durably; nothing from either when one is used up. */
  spend(askedBy: string, at: number): Promise<Spent>
}

/** Counts by day (days since 1970, UTC) and name, durable before `write` resolves. */
export interface CountStore {
  read(day: number, name: string): Promise<number>
  write(day: number, counts: ReadonlyMap<string, number>): Promise<void>
}

const DAY_MS = 24 * 60 * 60 * 1000
/** No id of a person: those have no space. */
const SERVER = 'the server'

export const createModelBudget = (store: CountStore, limits: ModelLimits): ModelBudget => {
  /** One after another: a count that is read is the last one that was written. */
  const inTurn = oneAfterAnother()
  const spendNow = async (askedBy: string, at: number): Promise<Spent> => {
    const day = Math.floor(at / DAY_MS)
    const [own, all] = [await store.read(day, askedBy), await store.read(day, SERVER)]
    const againInMs = (day + 1) * DAY_MS - at
    const isGuest = askedBy.startsWith('guest-')
    const share = isGuest ? limits.repliesPerDayPerGuest : limits.repliesPerDayPerPerson
    if (own >= share) return { whose: isGuest ? 'guest' : 'person', againInMs }
    if (all >= limits.repliesPerDay) return { whose: 'server', againInMs }
    await store.write(day, new Map([[askedBy, own + 1], [SERVER, all + 1]]))
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
  server: 'This server has given all the replies of language models that it gives in a day. Your message is saved: try again',
} as const

/** What a person reads in the place of the reply. */
export const sayWhatIsSpent = ({ whose, againInMs }: NonNullable<Spent>): string => {
  const hours = Math.ceil(againInMs / HOUR_MS)
  return `${WHOSE[whose]} in ${hours === 1 ? 'an hour' : `${hours} hours`}.`
}
