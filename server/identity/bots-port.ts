/**
 * Bots: programs of a person's, registered under names of their own, that speak in conversations by a token that acts as them. One
 * contract suite (`test/contract/bots.ts`) holds for every adapter.
 */
import type { BotId, UserId } from '../../shared/ids.ts'

export interface Bot {
  id: BotId
  /** Whose it is: the id that they registered it under. */
  owner: UserId
  /** As `parseBotName` gives it. */
  name: string
  /** What its person says of it; may be empty. */
  description: string
  /** Milliseconds since 1970. */
  createdAt: number
}

export type BotFields = Pick<Bot, 'name' | 'description'>

export interface Bots {
  /**
   * @param people all ids of the person who registers it, their own first
   * @throws SkeinError `too-many-bots`; `name-taken` when another bot of theirs has a name like it
   */
  register(people: readonly UserId[], fields: BotFields): Promise<Bot>
  find(id: BotId): Promise<Bot | null>
  /** Those of a person, under whichever of their ids; the oldest first. */
  listOf(people: readonly UserId[]): Promise<Bot[]>
  /**
   * It is the first of these ids' from then on, whichever of them it was registered under: what a guest registered is the account's that
   * they have become.
   * @returns false: these people have no such bot
   * @throws SkeinError `name-taken`
   */
  adopt(people: readonly UserId[], id: BotId): Promise<boolean>
  /**
   * Changes it, and {@link adopt}s it by that.
   * @returns null: these people have no such bot
   * @throws SkeinError `name-taken`
   */
  change(people: readonly UserId[], id: BotId, fields: Partial<BotFields>): Promise<Bot | null>
  /** Its id never comes back. @returns false: these people have no such bot */
  remove(people: readonly UserId[], id: BotId): Promise<boolean>
}
