/**
 * Accounts: who signs up and in, by better-auth. A request is an account by its session's cookie, else a guest by the guest's, who has no
 * row anywhere.
 */
import { hkdfSync } from 'node:crypto'
import { getCurrentAdapter } from '@better-auth/core/context'
import { getOAuthState } from 'better-auth/api'
import type { Context, Hono } from 'hono'
import { parseUserId } from '../../../shared/ids.ts'
import type { RandomBytes, UserId } from '../../../shared/ids.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import type { Principal } from '../../../shared/principal.ts'
import type { Timers } from '../../../shared/timers.ts'
import type { Audit } from '../../telemetry/port.ts'
import type { Aliases } from '../aliases-port.ts'
import type { DeviceSessions, DeviceStore } from '../devices-port.ts'
import type { Leaving } from '../deletion-port.ts'
import { createAccountLeaving } from './account-leaving.ts'
import { createAddressProof } from './address-proof.ts'
import type { AddressProof } from './address-proof.ts'
import { createAccountDevices } from './account-devices.ts'
import type { Identity, Revocation, TakenOver } from '../port.ts'
import type { OidcProvider, SignUpPolicy } from '../accounts-port.ts'
import type { ProviderKeysOffer } from '../provider-keys-port.ts'
import { createAdministration } from './administration.ts'
import type { Administration } from './administration.ts'
import type { AccountsDatabase } from './database.ts'
import { createEngine, migrate, refusal } from './engine.ts'
import type { Engine, EngineOptions, PasswordHashes } from './engine.ts'
import { createEndings } from './endings.ts'
import type { Endings } from './endings.ts'
import { createMailer } from './mail.ts'
import type { SendMail } from './mail.ts'
import { createTurns } from './password-turns.ts'
import { Sessions } from './sessions.ts'
import type { SignedInAccount } from './sessions.ts'
import { watchEndings } from './watch.ts'

export interface AccountsOptions {
  store: AccountsDatabase
  /** The server's secret; what signs sessions is derived from it. */
  secret: Uint8Array
  /** Those before it: sessions that they signed go on. */
  olderSecrets?: readonly Uint8Array[]
  /** Who has no account, or is not signed in. */
  guests: Identity & { dropCookie: (secure: boolean) => string, devices: DeviceSessions, leaving: Leaving }
  away: Pick<DeviceStore, 'turnAway'>
  /**
   * The guest is this account from now on. Called when somebody who was a guest has signed in, before the browser is told to forget that;
   * when it rejects the sign-in has failed, and trying again must be harmless.
   */
  carryOver: (guest: UserId, account: { id: UserId, name: string }) => Promise<unknown>
  aliases: Pick<Aliases, 'aliasesOf'>
  /** `https://host` of `SKEIN_PUBLIC_URL`; null: under whatever name people come. */
  publicOrigin: string | null
  /** Whether people come by https alone, or never; null: nobody said so. */
  overHttps: boolean | null
  signUp: SignUpPolicy
  providers: readonly OidcProvider[]
  /** Null: the server sends no mail. Needs `publicOrigin`, where the links lead. */
  sendMail: SendMail | null
  providerKeys: ProviderKeysOffer
  /** How passwords are kept; scrypt when left out. */
  passwords?: PasswordHashes
  callerOf: (c: Context) => { address: string, secure: boolean, host: string | undefined }
  /** Milliseconds since 1970. */
  now: () => number
  after: Timers['after']
  random: RandomBytes
  /** What is served under `/api/auth`. */
  routes: (accounts: Accounts) => Hono
  audit: Audit
  failed: (message: string, error: unknown) => void
}

/** Names under which people come, each with an engine of its own: addresses of callbacks and passkeys follow the name. */
const ENGINES = 8

export class Accounts implements Identity {
  readonly options: AccountsOptions
  readonly sessions: Sessions
  readonly administration: Administration
  readonly endings: Endings
  readonly addressProof: AddressProof
  readonly devices: DeviceSessions
  readonly leaving: Leaving
  readonly admin: NonNullable<Identity['admin']>
  readonly #engine: EngineOptions
  readonly #engines = new Map<string, Engine>()
  readonly #listeners = new Set<(gone: Revocation) => void>()
  readonly #takers = new Set<TakenOver>()
  readonly #oneByOne = createTurns(1, limits.passwordsWaiting)
  #anybody = false

  /** @throws AccountsError when the store was written by a newer version */
  static async open(options: AccountsOptions): Promise<Accounts> {
    const accounts = new Accounts(options)
    await migrate(accounts.#engine)
    return accounts
  }

  private constructor(options: AccountsOptions) {
    const { store, secret, olderSecrets = [], guests, away, providers, sendMail, publicOrigin, overHttps, now, random, failed } = options
    this.options = options
    const mailer = sendMail && publicOrigin !== null ? createMailer(sendMail, publicOrigin) : null
    this.#engine = {
      store,
      secret: signingKey(secret),
      providers,
      ...options.passwords && { passwords: options.passwords },
      mailer,
      hooks: {
        admit: () => this.#admit(),
        admitSession: userId => this.#admitSession(userId),
        sessionEnded: id => this.#revoked({ credential: id }),
        failed,
      },
    }
    const engine = () => this.engine().$context
    this.administration = createAdministration({ context: engine, now, random, disabled: user => this.#revoked({ user }) })
    this.endings = createEndings({
      context: engine, now, aliasesOf: person => options.aliases.aliasesOf(person), revoked: user => this.#revoked({ user }),
      takenOver: async ids => { for (const end of this.#takers) await end(ids) },
    })
    this.addressProof = createAddressProof({ context: engine, mailer, endings: this.endings, now, random })
    this.sessions = new Sessions({
      engine, secret: this.#engine.secret, olderSecrets: olderSecrets.map(signingKey), overHttps, now, failed,
    })
    const own = createAccountDevices({
      engine, sessions: this.sessions, secret: this.#engine.secret, away, dropGuest: guests.dropCookie, now
    })
    const of = ({ kind }: Pick<Principal, 'kind'>): DeviceSessions => kind === 'guest' ? guests.devices : own
    const leaving = createAccountLeaving({ engine, guests: guests.leaving, revoked: user => this.#revoked({ user }), now })
    this.leaving = {
      about: who => (who.kind === 'guest' ? guests.leaving : leaving).about(who),
      confirm: (who, password) => (who.kind === 'guest' ? guests.leaving : leaving).confirm(who, password),
      // Of a guest there is no account, which is all the same to it.
      forget: leaving.forget,
    }
    this.admin = {
      admit: async ({ cookie = '' }) => {
        const found = await this.sessions.find(cookie)
        return found?.user.role === 'admin' ? this.principalOf(found) : null
      },
      find: async id => {
        const account = parseUserId(id) && await this.accountOf(id)
        return account && { kind: 'user', ...account, aliases: await this.options.aliases.aliasesOf(account.id) }
      },
    }
    this.devices = {
      list: (who, name) => of(who).list(who, name),
      end: (who, id) => of(who).end(who, id),
      open: (person, device, secure) => of(person).open(person, device, secure),
    }
  }

  /** Where there is none to go by. */
  get origin(): string {
    return this.options.publicOrigin ?? 'http://localhost'
  }

  get sendsMail(): boolean {
    return this.#engine.mailer !== null
  }

  engine(origin = this.origin): Engine {
    const known = this.#engines.get(origin)
    if (known) return known
    if (this.#engines.size >= ENGINES) this.#engines.delete(this.#engines.keys().next().value!)
    const engine = createEngine(this.#engine, origin)
    this.#engines.set(origin, engine)
    return engine
  }

  /** A provider that could not be asked how it works when its engine was made is asked again. */
  forgetEngine(origin: string): void {
    this.#engines.delete(origin)
  }

  async authenticate(credentials: { cookie?: string | undefined, address: string }): Promise<Principal | null> {
    const found = await this.sessions.find(credentials.cookie ?? '')
    return found ? this.principalOf(found) : this.options.guests.authenticate(credentials)
  }

  async admitGuest(credentials: { cookie?: string | undefined, address: string }, secure: boolean) {
    const found = await this.sessions.find(credentials.cookie ?? '')
    if (!found) return this.options.guests.admitGuest(credentials, secure)
    const setCookie = await this.sessions.renew(found, secure)
    return setCookie === null ? null : { principal: await this.principalOf(found), setCookie }
  }

  /** For tokens and tickets, which are shown without a cookie: whether there is such an account, and such a session, still. */
  async renew(principal: Principal): Promise<Principal | null> {
    if (principal.kind === 'guest') return this.options.guests.renew!(principal)
    const { internalAdapter } = await this.engine().$context
    const user = await internalAdapter.findUserById(principal.id) as SignedInAccount['user'] | null
    if (!user || user.disabledAt) return null
    const { credential } = principal
    if (credential !== undefined && !await this.sessions.isStill(credential)) return null
    const aliases = await this.options.aliases.aliasesOf(principal.id)
    return { ...principal, name: user.name, ...aliases.length > 0 && { aliases } }
  }

  async whatBecameOf(user: string, credential: string) {
    return await this.options.guests.whatBecameOf?.(user, credential) ?? null
  }

  /** @param wanted an e-mail address or an id */
  async accountOf(wanted: string): Promise<{ id: UserId, name: string } | null> {
    const { internalAdapter } = await this.engine().$context
    const user = wanted.includes('@')
      ? (await internalAdapter.findUserByEmail(wanted.trim().toLowerCase()))?.user
      : await internalAdapter.findUserById(wanted)
    return user ? { id: parseUserId(user.id)!, name: user.name } : null
  }

  onRevoked(listener: (gone: Revocation) => void): () => void {
    this.#listeners.add(listener)
    const stop = this.options.guests.onRevoked(listener)
    return () => {
      this.#listeners.delete(listener)
      stop()
    }
  }

  watch(held: () => Iterable<Principal>): () => void {
    const { store, after, failed } = this.options
    if (!store.isShared) return () => {}
    return watchEndings({
      context: () => this.engine().$context, revoked: gone => this.#revoked(gone), after,
      failed: error => failed('what other servers ended could not be looked up', error),
    }, held)
  }

  onTakenOver(end: TakenOver): void {
    this.#takers.add(end)
  }

  routes() {
    return this.options.routes(this)
  }

  async principalOf({ session, user }: SignedInAccount): Promise<Principal> {
    const id = parseUserId(user.id)!
    const aliases = await this.options.aliases.aliasesOf(id)
    return {
      kind: 'user', id, name: user.name, credential: session.id, expiresAt: session.expiresAt.getTime(), ...aliases.length > 0 && { aliases },
    }
  }

  /** Hashed in its turn, as all passwords. */
  async isPassword(password: string, hash: string): Promise<boolean> {
    return (await this.engine().$context).password.verify({ hash, password })
  }

  /** The very first account is the admin's, so until there is one, accounts are made one after the other. */
  async makeAccount<T>(task: () => Promise<T>): Promise<T> {
    return this.#anybody ? task() : this.#oneByOne(() => this.options.store.exclusively(task))
  }

  async #admit(): Promise<'admin' | 'user'> {
    const state = await getOAuthState<{ inviteCode?: unknown }>().catch(() => null)
    // Who signs up with a password was asked for a code before it was hashed.
    if (state && this.options.signUp === 'invite' && !await this.administration.spendInviteCode(String(state.inviteCode ?? ''))) throw refusal('CODE_INVALID')
    if (this.#anybody) return 'user'
    // Within the transaction that makes the account, where it holds the only connection.
    const adapter = await getCurrentAdapter((await this.engine().$context).adapter)
    this.#anybody = await adapter.count({ model: 'user' }) > 0
    return this.#anybody ? 'user' : 'admin'
  }

  async #admitSession(userId: string): Promise<void> {
    const { internalAdapter } = await this.engine().$context
    const user = await internalAdapter.findUserById(userId) as SignedInAccount['user'] | null
    if (!user || user.disabledAt) throw refusal('ACCOUNT_DISABLED')
  }

  #revoked(gone: Revocation): void {
    this.sessions.forget()
    for (const listener of this.#listeners) listener(gone)
  }

  async close(): Promise<void> {
    await this.options.store.close()
  }
}

const signingKey = (secret: Uint8Array): string => Buffer.from(hkdfSync('sha256', secret, '', 'skein accounts', 32)).toString('hex')
