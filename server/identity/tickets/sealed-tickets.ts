/**
 * Tickets that need no store: who they are for stands in them, sealed under the server's secret.
 *
 * A browser's WebSocket shows a ticket where it can send no header, so it may end up in addresses that somebody writes down. It is good for
 * a minute, and many times in it: stock clients come back with the address that they have. What it says is encrypted (AES-256-GCM), not
 * just signed, because an id and a name are nobody's business who reads a log later.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import type { DocumentName, RandomBytes } from '../../../shared/ids.ts'
import { limits } from '../../../shared/limits.ts'
import { holderOf } from '../../../shared/principal.ts'
import type { Principal } from '../../../shared/principal.ts'
import type { Identity, Revocation } from '../port.ts'
import type { Tickets } from '../ticket-port.ts'

export interface TicketsOptions {
  secret: Uint8Array
  random: RandomBytes
  /** Milliseconds since 1970. */
  now: () => number
  /** Who the principal is by now. */
  renew: NonNullable<Identity['renew']>
}

/** What stands in a ticket. Nobody but this server can have written it. */
interface Content {
  principal: Principal
  document: DocumentName | null
  issuedAt: number
}

const LIFETIME_MS = limits.ticketSeconds * 1000
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Changes with the form of {@link Content}, so that a server of another version reads none wrong. */
const PURPOSE = 'skein ticket 1'

export class SealedTickets implements Tickets {
  readonly #options: TicketsOptions
  readonly #key: Uint8Array
  /** Of the last minute: a ticket may be older than the revocation of what it was made with. */
  #revoked: { gone: Revocation, at: number }[] = []

  constructor(options: TicketsOptions) {
    this.#options = options
    this.#key = new Uint8Array(hkdfSync('sha256', options.secret, '', PURPOSE, 32))
  }

  issue(principal: Principal, document: DocumentName | null): { ticket: string, expiresAt: number } | null {
    const { scopes } = principal
    if (document !== null && scopes?.documents?.includes(document) === false) return null
    const issuedAt = this.#options.now()
    return { ticket: this.#seal({ principal, document, issuedAt }), expiresAt: issuedAt + LIFETIME_MS }
  }

  /** @returns who it is for, no further than it goes; null: it is none, or is over, or what it was made with is */
  async authenticate(ticket: string): Promise<Principal | null> {
    const content = this.#open(ticket)
    if (!content || !this.#isFresh(content)) return null
    const principal = await this.#options.renew(content.principal)
    // What happened while that was looked up counts too.
    return principal && this.#isFresh(content) ? within(principal, content.document) : null
  }

  /** To be called with all that is revoked anywhere. */
  revoked(gone: Revocation): void {
    const at = this.#options.now()
    this.#revoked = [...this.#revoked.filter(each => each.at > at - LIFETIME_MS), { gone, at }]
  }

  #isFresh({ issuedAt, principal }: Content): boolean {
    const { credential, expiresAt = Infinity } = principal
    const { id } = holderOf(principal)
    const now = this.#options.now()
    if (now >= issuedAt + LIFETIME_MS || now >= expiresAt) return false
    return !this.#revoked.some(({ gone, at }) => at >= issuedAt && ('user' in gone ? gone.user === id : gone.credential === credential))
  }

  #seal(content: Content): string {
    const nonce = this.#options.random(new Uint8Array(NONCE_BYTES))
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES })
    const sealed = [cipher.update(JSON.stringify(content), 'utf8'), cipher.final()]
    return Buffer.concat([nonce, ...sealed, cipher.getAuthTag()]).toString('base64url')
  }

  #open(ticket: string): Content | null {
    if (ticket.length > limits.credentialLength || !/^[A-Za-z0-9_-]+$/.test(ticket)) return null
    const bytes = Buffer.from(ticket, 'base64url')
    // One ticket has one spelling: the bits that base64 leaves over are not looked at by whoever decodes it.
    if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString('base64url') !== ticket) return null
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    try {
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      return JSON.parse(text) as Content
    } catch {
      return null // not sealed by us: final() throws
    }
  }
}

/** Bound to one document, it stands for the principal there and nowhere else. */
const within = (principal: Principal, document: DocumentName | null): Principal => {
  if (document === null) return principal
  const { scopes = { read: true, write: true, manage: true } } = principal
  return { ...principal, scopes: { ...scopes, documents: scopes.documents?.includes(document) === false ? [] : [document] } }
}
