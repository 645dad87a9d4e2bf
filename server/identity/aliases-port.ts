/**
 * Aliases: which guest has become which person, for ever. What a guest owned, wrote and asked for counts as the person's from then on,
 * and the guest's own proof proves nobody any more.
 *
 * A person is an account, or the guest of another device to which this one was added: when that guest becomes an account, all who were
 * its aliases go along. One contract suite (`test/contract/aliases.ts`) holds for every adapter.
 */
import type { UserId } from '../../shared/ids.ts'

/** How the ids of guests begin; no account has one of this form. */
export const GUEST_ID = 'guest-'
export const isGuestId = (id: UserId): boolean => id.startsWith(GUEST_ID)

/** Who somebody is who is no more: no account and no guest has this id. */
export const NOBODY = 'nobody' as UserId

/** A guest's becoming that was written down, and whose effects may not all stand yet. */
export interface CarryOver {
  guest: UserId
  person: UserId
  /** The person's name, as members see it. */
  name: string
}

export interface Aliases {
  /** Who this guest has become; null: nobody but themself. {@link NOBODY} of whom {@link forget} was told, guest or not. */
  personOf(guest: UserId): Promise<UserId | null>
  /** Who this person was. The same array for as long as the process lives: it grows with each guest that becomes them. */
  aliasesOf(person: UserId): Promise<readonly UserId[]>
  /**
   * Writes down, durably and before anything else, that the guest has become this person, with a {@link CarryOver} that stands until
   * {@link carried}. Again changes nothing.
   * @returns who the guest is: this person (or who that one has become), or another whom it became before
   */
  link(becoming: CarryOver): Promise<UserId>
  /** What is to be gone on with, after a crash too. */
  unfinished(): Promise<CarryOver[]>
  /** All effects stand. */
  carried(guest: UserId): Promise<void>
  /** The person is no more, nor was any of these ids: no cookie that was given out for one of them proves anybody. */
  forget(person: UserId, ids: readonly UserId[]): Promise<void>
}

/** What a becoming comes with: see server/carry-over.ts. */
export interface CarryOvers {
  /**
   * @returns whether the guest is this person from now on; false: it became another one before, or is no guest, and nothing of it is taken
   * @throws SkeinError when the disk failed: nothing is known to have happened, and the guest's proof must be kept to try again
   */
  begin(guest: UserId, person: { id: UserId, name: string }): Promise<boolean>
  /** What an earlier process did not finish; at every start, before anybody is let in. */
  finish(): Promise<void>
  /** Begins nothing again. */
  close(): void
}
