/**
 * Whoever has a document open has the role there that the directory gives them now, not the one that they came with.
 *
 * Opening takes several steps, and the directory may change between any two of them. So whoever opens a document enters here: from the
 * first step on every change is heard, and none slips through between reading the role and listening.
 */
import type { DocumentName, UserId } from '../../shared/ids.ts'
import { holderOf, idsOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { DirectoryEntry } from '../directory/port.ts'
import { memberRole, roleIn } from './access.ts'
import type { AccessPolicy } from './access.ts'

export interface LiveRole {
  /** As of now; null: the document is not for them any more. */
  readonly role: Role | null
  /** Calls `listener` at once with each change from now on. There is one such listener. */
  whenChanged(listener: (role: Role | null) => void): void
  /** What was open is closed. */
  leave(): void
}

export class LiveRoles {
  readonly #policy: AccessPolicy
  readonly #held = new Map<DocumentName, Set<HeldRole>>()
  readonly #stopListening: () => void

  constructor(policy: AccessPolicy) {
    this.#policy = policy
    this.#stopListening = policy.directory.onChanged((entry, ids) => this.#changed(entry, ids))
  }

  /**
   * As {@link roleIn}; not null: to be left when what is opened is closed.
   * @throws SkeinError `gone`
   */
  async enter(name: DocumentName, principal: Principal): Promise<LiveRole | null> {
    const held = new HeldRole(principal, () => this.#leave(name, held))
    this.#held.set(name, (this.#held.get(name) ?? new Set()).add(held))
    try {
      held.read(await roleIn(this.#policy, name, principal))
    } catch (error) {
      held.leave()
      throw error
    }
    if (held.role) return held
    held.leave()
    return null
  }

  /** Documents that somebody has open. */
  get size(): number {
    return this.#held.size
  }

  close(): void {
    this.#stopListening()
  }

  #changed(entry: DirectoryEntry, ids: readonly UserId[]): void {
    for (const held of [...this.#held.get(entry.name) ?? []]) {
      if (idsOf(holderOf(held.principal)).some(id => ids.includes(id))) held.hear(memberRole(entry, held.principal, this.#policy.openToAll))
    }
  }

  #leave(name: DocumentName, held: HeldRole): void {
    const others = this.#held.get(name)
    others?.delete(held)
    if (others?.size === 0) this.#held.delete(name)
  }
}

class HeldRole implements LiveRole {
  readonly principal: Principal
  readonly leave: () => void
  role: Role | null = null
  #heard = false
  #listener: (role: Role | null) => void = () => {}

  constructor(principal: Principal, leave: () => void) {
    this.principal = principal
    this.leave = leave
  }

  whenChanged(listener: (role: Role | null) => void): void {
    this.#listener = listener
  }

  /** What was read may be older than what was heard meanwhile. */
  read(role: Role | null): void {
    if (!this.#heard) this.role = role
  }

  hear(role: Role | null): void {
    const before = this.role
    this.#heard = true
    this.role = role
    if (role !== before) this.#listener(role)
  }
}
