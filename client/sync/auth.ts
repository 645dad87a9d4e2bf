/** Accounts as the app needs them: sign-up and sign-in in every way that the server has, and what belongs to an account. */
import { createAsk, nothing, post, withBody } from './ask.ts'
import type { AuthChannel } from './auth-channel.ts'
import { realSurroundings } from './port.ts'
import type { After } from './port.ts'
import { makePasskey, usePasskey } from './web-authn.ts'
import * as schemas from '../../shared/api/account-schemas.ts'
import type { Account, AuthOptions, Passkey, ResetDone, Session, SignedUp, SignUp } from '../../shared/api/account-schemas.ts'
import { routes } from '../../shared/api/routes.ts'

export interface AuthClientOptions {
  /** `https://host`; empty for the page's own server. */
  origin?: string
  fetch?: typeof fetch
  channel: AuthChannel
  after?: After
}

/** Methods reject with SkeinError: with the server's code, or `unavailable` where it cannot be reached. */
export interface Auth {
  options: () => Promise<AuthOptions>
  /** The account is made; nobody is signed in by that. */
  signUp: (who: SignUp) => Promise<SignedUp>
  signIn: (email: string, password: string) => Promise<void>
  /** @param signal breaks off the waiting for the passkey */
  signInByPasskey: (signal?: AbortSignal) => Promise<void>
  /** @returns the page of the provider, where the browser has to go */
  providerPage: (provider: string, how: { code?: string, link?: boolean }) => Promise<string>
  /** It lets nobody into this account any more. */
  removeProvider: (provider: string) => Promise<void>
  signOut: () => Promise<void>
  askForNewPassword: (email: string) => Promise<void>
  /**
   * @param everything also what else lets somebody in, or acts as the person, is to end
   * @returns whether it has
   */
  setNewPassword: (token: string, password: string, everything?: boolean) => Promise<ResetDone>
  askForConfirmation: (email: string) => Promise<void>
  confirmAddress: (token: string, password: string) => Promise<void>
  account: () => Promise<Account>
  rename: (name: string) => Promise<void>
  /** Ends all other sessions. */
  changePassword: (current: string, password: string) => Promise<void>
  sessions: () => Promise<Session[]>
  endSession: (id: string) => Promise<void>
  passkeys: () => Promise<Passkey[]>
  /** @param signal breaks off the waiting for the passkey */
  addPasskey: (name: string, signal?: AbortSignal) => Promise<void>
  removePasskey: (id: string) => Promise<void>
}

const { auth } = routes

export const createAuth = ({ origin = '', fetch: send = fetch, channel, after = realSurroundings.after }: AuthClientOptions): Auth => {
  const ask = createAsk(origin, send)
  const tell = async (path: string, init: RequestInit): Promise<void> => void await ask(nothing, path, init)
  /** All tabs hear of it. */
  const change = (path: string, body: unknown): Promise<void> => tell(path, post(body)).then(channel.changed)
  const remove = (path: string): Promise<void> => tell(path, { method: 'DELETE' })
  return {
    options: () => ask(schemas.authOptions, auth.options()),
    signUp: who => ask(schemas.signedUp, auth.signUp(), post(who)),
    signIn: (email, password) => change(auth.signIn(), { email, password }),
    signInByPasskey: async signal => {
      const options = await ask(schemas.webAuthnOptions, auth.passkeySignInOptions(), post({}))
      await change(auth.passkeySignIn(), { response: await usePasskey(options, { signal, after }) })
    },
    providerPage: async (provider, how) => (await ask(schemas.elsewhere, auth.provider(provider), post(how))).url,
    removeProvider: provider => remove(auth.provider(provider)),
    signOut: () => change(auth.signOut(), {}),
    askForNewPassword: email => tell(auth.resetMail(), post({ email })),
    setNewPassword: async (token, password, everything = false) => {
      const done = await ask(schemas.resetDone, auth.reset(), post({ token, password, everything }))
      channel.changed()
      return done
    },
    askForConfirmation: email => tell(auth.confirmMail(), post({ email })),
    confirmAddress: (token, password) => tell(auth.confirm(), post({ token, password })),
    account: () => ask(schemas.account, auth.account()),
    rename: name => tell(auth.account(), withBody('PATCH', { name })).then(channel.changed),
    changePassword: (current, password) => tell(auth.password(), post({ current, password })),
    sessions: async () => (await ask(schemas.sessions, auth.sessions())).sessions,
    endSession: id => remove(auth.session(id)),
    passkeys: async () => (await ask(schemas.passkeys, auth.passkeys())).passkeys,
    addPasskey: async (name, signal) => {
      const options = await ask(schemas.webAuthnOptions, auth.passkeysOptions(), post({}))
      await tell(auth.passkeys(), post({ response: await makePasskey(options, { signal, after }), name }))
    },
    removePasskey: id => remove(auth.passkey(id))
  }
}
