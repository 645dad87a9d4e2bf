/** Tokens: what a person gives to bots and scripts, each limited to what it is for. Implemented beside the identity that checks them. */
import type { NewToken, Token } from '../../shared/api/token-schemas.ts'
import type { UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export interface IssuedToken {
  token: Token
  /** The token itself, known to nobody but whom it is given to: only its hash is stored. */
  secret: string
}

export interface Tokens {
  /**
   * @param person who makes it: a person, never a token
   * @throws SkeinError `too-many-tokens`
   */
  create(person: Principal, wanted: NewToken): Promise<IssuedToken>
  /** Those of a person, under whichever of their ids, that are neither revoked nor expired; newest first. */
  listOf(people: readonly UserId[]): Promise<Token[]>
  /**
   * The same token under a new secret, as long-lived as at first; the old one is good for nothing, and what was open by it ends.
   * @returns null: these people have no such token
   */
  rotate(people: readonly UserId[], id: string): Promise<IssuedToken | null>
  /** What was open by it ends. @returns false: these people have no such token */
  revoke(people: readonly UserId[], id: string): Promise<boolean>
}
