/** Identity of who embeds the server: a function of theirs says who a request comes from. */
import { parseUserId } from '../../shared/ids.ts'
import type { Principal, Scopes } from '../../shared/principal.ts'
import type { Credentials, Identity, Revocation } from './port.ts'

/** Who somebody is, as the embedder's function says it. */
export interface KnownPerson {
  /** 1–64 of `A–Z a–z 0–9 _ -`; the same person has the same one for ever. */
  id: string
  name: string
  kind?: 'user' | 'guest' | 'service'
  /** What this proof allows; everything that the person may do when left out. */
  scopes?: Scopes
  /** What `revoke` names to end what is open by it; not the proof itself. */
  credential?: string
  /** Milliseconds since 1970: what is open by it ends then. */
  expiresAt?: number
}

/** Null: nobody. When it rejects, the request fails and can be tried again; nobody is signed out by that. */
export type Authenticate = (credentials: Credentials) => KnownPerson | null | Promise<KnownPerson | null>

export class IdentityByFunction implements Identity {
  readonly #authenticate: Authenticate
  readonly #listeners = new Set<(gone: Revocation) => void>()

  constructor(authenticate: Authenticate) {
    this.#authenticate = authenticate
  }

  async authenticate(credentials: Credentials): Promise<Principal | null> {
    const person = await this.#authenticate(credentials)
    return person && principalOf(person)
  }

  async admitGuest(): Promise<null> {
    return null
  }

  onRevoked(listener: (gone: Revocation) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Ends all that is open by it; the function has to say null for it by now. */
  revoke(gone: Revocation): void {
    for (const listener of this.#listeners) listener(gone)
  }
}

/** A mistake in it is the embedder's to mend, so it is loud; somebody taken for somebody else would not be. */
const principalOf = ({ id, name, kind = 'user', scopes, credential, expiresAt }: KnownPerson): Principal => {
  const userId = typeof id === 'string' ? parseUserId(id) : null
  if (userId === null) throw new TypeError('authenticate: the id must be 1 to 64 letters, digits, - and _.')
  if (typeof name !== 'string' || name.trim() === '') throw new TypeError('authenticate: the name must be a text that is not empty.')
  if (expiresAt !== undefined && !Number.isFinite(expiresAt)) throw new TypeError('authenticate: expiresAt must be a number of milliseconds.')
  return {
    kind, id: userId, name,
    ...scopes && { scopes }, ...credential !== undefined && { credential }, ...expiresAt !== undefined && { expiresAt },
  }
}
