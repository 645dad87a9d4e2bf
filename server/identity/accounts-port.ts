/** What an operator decides about accounts. */

/** `invite`: with a code of the admin's; `closed`: who has an account signs in, nobody makes one. */
export type SignUpPolicy = 'open' | 'invite' | 'closed'

/** Where people can sign in with an account that they have elsewhere: OpenID Connect, found by discovery. */
export interface OidcProvider {
  /** As in `SKEIN_OIDC_<NAME>_…`, in small letters; part of the address of the callback. */
  id: string
  /** On the button. */
  name: string
  /** Without a slash at its end. */
  issuer: string
  clientId: string
  /** Null: a public client, which PKCE alone protects. */
  clientSecret: string | null
}

export interface SmtpConfig {
  /** `smtp://` or `smtps://`, with name and password where the server wants them. */
  url: string
  from: string
}

export interface AccountsConfig {
  signUp: SignUpPolicy
  /** A Postgres; null: a file in the data folder. */
  url: string | null
  /** Null: the server sends no mail. */
  smtp: SmtpConfig | null
  providers: readonly OidcProvider[]
}
