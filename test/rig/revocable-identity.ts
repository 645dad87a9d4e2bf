/** People by name, each on devices whose access can be taken back: `Cookie: person=ada.laptop`. For tests of what follows when it is. */
import { createNoIdentity } from '../../server/identity/none.ts'
import type { Credentials, Identity, Revocation } from '../../server/identity/port.ts'
import { parseUserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'

export class RevocableIdentity implements Identity {
  readonly #listeners = new Set<(gone: Revocation) => void>()
  readonly #gone = new Set<string>()
  readonly #lifetime: (() => number) | null
  /** What `authenticate` waits for, once it has made up its mind. */
  hold: Promise<unknown> = Promise.resolve()

  /** @param lifetime tells when a proof that is shown now ends (milliseconds since 1970) */
  constructor(lifetime: (() => number) | null = null) {
    this.#lifetime = lifetime
  }

  async authenticate({ cookie = '' }: Pick<Credentials, 'cookie'>): Promise<Principal | null> {
    const [, person = '', device = ''] = /^person=([^.]*)\.(.*)$/.exec(cookie) ?? []
    const id = parseUserId(person)
    const credential = `${person}.${device}`
    const known = id !== null && !this.#gone.has(credential) && !this.#gone.has(id)
    await this.hold
    return known ? { kind: 'user', id, name: id, credential, ...this.#lifetime && { expiresAt: this.#lifetime() } } : null
  }

  readonly admitGuest = createNoIdentity().admitGuest

  onRevoked(listener: (gone: Revocation) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  revoke(gone: Revocation): void {
    this.#gone.add('user' in gone ? gone.user : gone.credential)
    for (const listener of this.#listeners) listener(gone)
  }
}
