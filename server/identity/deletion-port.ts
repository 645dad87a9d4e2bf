/** Deleting a person: what is written down of it until all is done. */
import type { UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export interface DeletionStore {
  /** Durably, before anything else. @param ids all that count as the person's, their own first */
  note(person: UserId, ids: readonly UserId[]): Promise<void>
  unfinished(): Promise<{ person: UserId, ids: UserId[] }[]>
  done(person: UserId): Promise<void>
}

/** See server/person-deletion.ts. */
export interface Deletions {
  /** Resolves when the person can no longer come in; their documents follow. */
  begin(person: Principal): Promise<void>
  /** What an earlier process did not finish; at every start, before anybody is let in. */
  finish(): Promise<void>
  /** Begins nothing again. */
  close(): void
}

/** What an identity does about people who leave for good. */
export interface Leaving {
  /** What it keeps of the person besides documents; by kind of line of an export. No secrets. */
  about(who: Principal): Promise<{ kind: string, [field: string]: unknown }[]>
  /** @throws SkeinError when who asks has not shown that they are the person: with a password, where they have one, or a fresh sign-in */
  confirm(who: Principal, password: string | undefined): Promise<void>
  /** Whatever proved the person proves nobody any more, durably, and what goes on in their name ends. Again changes nothing. */
  forget(person: UserId, ids: readonly UserId[]): Promise<void>
}
