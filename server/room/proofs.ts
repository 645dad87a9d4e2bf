/**
 * What is open by somebody's proof, socket or stream, ends with the proof: at once when it is revoked, by itself when it expires.
 *
 * Opening takes several steps, and the proof may be revoked between any two of them. So whoever opens something enters here instead of
 * asking the identity: from the first step on it is told, and nothing slips through between the check and the listening.
 */
import { botLabel } from '../../shared/bot-label.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import { holderOf } from '../../shared/principal.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Timers } from '../../shared/timers.ts'
import type { Credentials, Identity, Renamed, Revocation } from '../identity/port.ts'

export interface ProofsOptions {
  identity: Pick<Identity, 'authenticate' | 'onRevoked' | 'onRenamed' | 'watch'>
  /** Milliseconds since 1970. */
  now: () => number
  after: Timers['after']
}

export interface Proof {
  /** As they are called now. */
  readonly principal: Principal
  /** Calls `go` with whom it proves each time that they are called otherwise. There is one such listener. */
  whenRenamed(go: (principal: Principal) => void): void
  /** Calls `end` once, when the proof has ended or has done so already. There is one such listener. */
  whenEnded(end: (code: ErrorCode) => void): void
  /** What was open is closed. */
  leave(): void
}

/** Node's timers hold 31 bits of milliseconds and run at once past that. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000

export class Proofs {
  readonly #options: ProofsOptions
  readonly #held = new Set<HeldProof>()
  /** What was revoked and renamed while somebody was being asked for. */
  readonly #asking = new Set<{ gone: Revocation[], renamed: Renamed[] }>()
  readonly #stopListening: () => void
  readonly #stopHearing: () => void
  readonly #stopWatching: () => void

  constructor(options: ProofsOptions) {
    this.#options = options
    this.#stopListening = options.identity.onRevoked(gone => this.#revoke(gone))
    this.#stopHearing = options.identity.onRenamed?.(renamed => this.#rename(renamed)) ?? (() => {})
    this.#stopWatching = options.identity.watch?.(() => this.#held.values().map(({ principal }) => principal)) ?? (() => {})
  }

  /** @returns null: nobody that is known here. Otherwise to be left when what is opened by it is closed. */
  async enter(credentials: Credentials): Promise<Proof | null> {
    const meanwhile = { gone: [] as Revocation[], renamed: [] as Renamed[] }
    this.#asking.add(meanwhile)
    try {
      const principal = await this.#options.identity.authenticate(credentials)
      if (!principal || meanwhile.gone.some(gone => concerns(gone, principal))) return null
      const proof = new HeldProof(principal, this.#options, () => this.#held.delete(proof))
      this.#held.add(proof)
      for (const renamed of meanwhile.renamed) proof.rename(renamed)
      proof.watchTime()
      return proof
    } finally {
      this.#asking.delete(meanwhile)
    }
  }

  /** How many are held. */
  get size(): number {
    return this.#held.size
  }

  close(): void {
    this.#stopListening()
    this.#stopHearing()
    this.#stopWatching()
    for (const proof of [...this.#held]) proof.leave()
  }

  #revoke(gone: Revocation): void {
    for (const { gone: each } of this.#asking) each.push(gone)
    for (const proof of [...this.#held]) if (concerns(gone, proof.principal)) proof.end('signed-out')
  }

  #rename(renamed: Renamed): void {
    for (const { renamed: each } of this.#asking) each.push(renamed)
    for (const proof of this.#held) proof.rename(renamed)
  }
}

/** A guest who became an alias is revoked without the account that it belongs to now; with a person their bots. */
const concerns = (gone: Revocation, principal: Principal): boolean =>
  'user' in gone ? gone.user === holderOf(principal).id : gone.credential === principal.credential

class HeldProof implements Proof {
  principal: Principal
  readonly #clock: Pick<ProofsOptions, 'now' | 'after'>
  readonly #forget: () => void
  #renamed: (principal: Principal) => void = () => {}
  #ended: ErrorCode | null = null
  #listener: ((code: ErrorCode) => void) | null = null
  #cancel: () => void = () => {}

  constructor(principal: Principal, clock: Pick<ProofsOptions, 'now' | 'after'>, forget: () => void) {
    this.principal = principal
    this.#clock = clock
    this.#forget = forget
  }

  /** Ends by itself when it expires; at once when it has since it was looked at. */
  watchTime(): void {
    const { expiresAt } = this.principal
    if (expiresAt === undefined) return
    const left = expiresAt - this.#clock.now()
    if (left <= 0) this.end('sign-in-expired')
    else this.#cancel = this.#clock.after(Math.min(left, LONGEST_WAIT_MS), () => this.watchTime())
  }

  whenEnded(end: (code: ErrorCode) => void): void {
    if (this.#ended) end(this.#ended)
    else this.#listener = end
  }

  whenRenamed(go: (principal: Principal) => void): void {
    this.#renamed = go
  }

  rename({ bot: id, name }: Renamed): void {
    const { bot } = this.principal
    if (bot?.id !== id) return
    this.principal = { ...this.principal, name: botLabel(name, bot.of.name), bot: { ...bot, name } }
    this.#renamed(this.principal)
  }

  leave(): void {
    this.#cancel()
    this.#listener = null
    this.#renamed = () => {}
    this.#forget()
  }

  end(code: ErrorCode): void {
    if (this.#ended) return
    this.#ended = code
    const listener = this.#listener
    this.leave()
    listener?.(code)
  }
}
