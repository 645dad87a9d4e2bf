/** Identity: who a request comes from. */
import type { Principal } from '../../shared/principal.ts'

export interface Credentials {
  /** The request's `Cookie` header. */
  cookie: string | undefined
}

export interface Identity {
  /** Null: nobody that is known here. Never rejects because of what the credentials hold. */
  authenticate(credentials: Credentials): Promise<Principal | null>
  /**
   * The guest that these credentials prove, else a new one, with the `Set-Cookie` value that proves it from then on; asked once a page,
   * so that who comes back stays who they are. Null where guests are not a thing (`none`).
   * @param secure the page came over https, and the cookie must never travel otherwise
   */
  admitGuest(credentials: Credentials, secure: boolean): Promise<{ principal: Principal, setCookie: string } | null>
}
