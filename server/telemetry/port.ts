/** What the server's parts need of a logger: one structured line per call. Fields hold ids, counts and times, never text of messages. */
import type { UserId } from '../../shared/ids.ts'

type Log = (fields: Readonly<Record<string, unknown>>, message: string) => void

export interface Logger {
  readonly debug: Log
  readonly info: Log
  readonly warn: Log
  readonly error: Log
}

/** What is kept an eye on: who got in, who was turned away, who may do what from now on. Named once, for whoever searches for it. */
export type AuditEventName =
  // The edge.
  | 'origin.refused' | 'rate.limited' | 'address.locked' | 'secret.rotated' | 'certificate.loaded'
  // Proofs: accounts, sessions, devices, tokens, tickets.
  | 'account.created' | 'account.deleted' | 'account.exported' | 'account.changed' | 'account.linked' | 'account.unlinked'
  | 'signed-in' | 'signed-out' | 'sign-in.failed' | 'password.reset' | 'password.changed' | 'address.confirmed' | 'budget.changed'
  | 'passkey.added' | 'passkey.removed' | 'invite-code.created' | 'invite-code.removed' | 'reset-link.created'
  | 'provider-key.set' | 'provider-key.removed'
  | 'device.added' | 'device.revoked' | 'session.revoked'
  | 'bot.registered' | 'bot.changed' | 'bot.deleted'
  | 'credential.refused' | 'token.created' | 'token.rotated' | 'token.revoked' | 'ticket.created'
  // Members of a document.
  | 'member.joined' | 'member.left' | 'member.removed' | 'member.role-changed' | 'owner.changed'
  | 'invitation.created' | 'invitation.revoked' | 'invitation.refused' | 'share-link.created' | 'share-link.revoked'

export interface AuditEvent {
  outcome: 'done' | 'refused' | 'failed'
  /** Who acted, when it is known. */
  principal?: UserId
  /** Id of the session, device, token or link that proved it; never the secret itself. */
  credential?: string
  /** Of the caller, after trusted proxies. */
  address?: string
  /** More that tells what it was about: ids, roles, codes, counts. Never a secret, never text of messages. */
  about?: Readonly<Record<string, string | number | boolean | null>>
}

/** Writes one line of the audit trail: a line of the log with `audit: true`. */
export type Audit = (name: AuditEventName, event: AuditEvent) => void

/** Like {@link Audit}, for what one caller can make happen thousands of times a second: each `key` is told once a minute, with a count. */
export type SampledAudit = (key: string, name: AuditEventName, event: AuditEvent) => void
