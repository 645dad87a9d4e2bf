/** Identity: who a request comes from. */
import type { Principal } from '../../shared/principal.ts'

export interface Credentials {
  /** The request's `Cookie` header. */
  cookie: string | undefined
}

export interface Identity {
  /** Null: nobody that is known here. */
  authenticate(credentials: Credentials): Promise<Principal | null>
  /** A new guest with the `Set-Cookie` value that proves it from then on; null where guests are not a thing (`none`). */
  admitGuest(): Promise<{ principal: Principal, setCookie: string } | null>
}
