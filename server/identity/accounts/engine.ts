/** better-auth as we use it: what it stores, how its cookies are called, and what happens around accounts and sessions. */
import { betterAuth } from 'better-auth'
import type { BetterAuthOptions, BetterAuthPlugin } from 'better-auth'
import { APIError } from 'better-auth/api'
import { getMigrations } from 'better-auth/db/migration'
import { hashPassword, verifyPassword } from 'better-auth/crypto'
import { genericOAuth } from 'better-auth/plugins/generic-oauth'
import { passkey } from '@better-auth/passkey'
import { accountLimits as limits } from '../../../shared/limits.ts'
import type { OidcProvider } from '../accounts-port.ts'
import { bringUpToDate } from './database.ts'
import type { AccountsDatabase } from './database.ts'
import type { Mailer } from './mail.ts'
import { createTurns } from './password-turns.ts'
import { cookiePrefix, sessionCookieName } from './session-cookie.ts'

/** Of the rows of links that confirm an address, whose names are stored as hashes. */
export const CONFIRM_ADDRESS = 'confirm-address'

/** Where better-auth believes that its routes are; of these only the callback of providers is one of ours too. */
export const BASE_PATH = '/api/auth'
/** Tells better-auth the caller's address, which we know better; no such header of a caller gets that far. */
export const ADDRESS_HEADER = 'x-skein-address'

export interface EngineOptions {
  store: AccountsDatabase
  secret: string
  providers: readonly OidcProvider[]
  /** How passwords are kept; scrypt when left out. */
  passwords?: PasswordHashes
  /** Null: there is no mail, so addresses are not confirmed and links come from the operator. */
  mailer: Mailer | null
  hooks: EngineHooks
}

export interface PasswordHashes {
  hash: (password: string) => Promise<string>
  verify: (given: { hash: string, password: string }) => Promise<boolean>
}

export interface EngineHooks {
  /** Role of an account that is about to be made. Throws APIError when none may be made. */
  admit: () => Promise<'admin' | 'user'>
  /** @throws APIError when this account may have no session */
  admitSession: (userId: string) => Promise<void>
  sessionEnded: (sessionId: string) => void
  /** The library failed, or something that it called. */
  failed: (message: string, error: unknown) => void
}

const DAY = 24 * 60 * 60
const scrypt: PasswordHashes = { hash: hashPassword, verify: verifyPassword }
/** All servers of a process share them: they bound what passwords may cost it. */
const inTurn = createTurns(limits.passwordsAtOnce, limits.passwordsWaiting)

const ourTables = {
  id: 'skein',
  schema: {
    inviteCode: {
      fields: {
        /** SHA-256 in hex: the code itself is told once. */
        codeHash: { type: 'string', required: true, unique: true },
        createdBy: { type: 'string', required: true },
        createdAt: { type: 'date', required: true },
        expiresAt: { type: 'date', required: true },
      },
    },
  },
} satisfies BetterAuthPlugin

/** @param origin `https://host` under which people reach this server */
const engineOptions = ({ store, secret, providers, mailer, hooks, passwords = scrypt }: EngineOptions, origin: string) => {
  const secure = origin.startsWith('https:')
  return {
    appName: 'Skein',
    baseURL: origin,
    basePath: BASE_PATH,
    secret,
    database: store.database,
    telemetry: { enabled: false },
    // Ours stands before it: it knows addresses behind proxies, accounts, and Retry-After.
    rateLimit: { enabled: false },
    logger: {
      level: 'error',
      log: (_level, message, ...details: unknown[]) => hooks.failed(message, details.find(detail => detail instanceof Error)),
    },
    emailAndPassword: {
      enabled: true,
      // Whoever signs up signs in afterwards: the answer to a sign-up then says nothing about who has an account.
      autoSignIn: false,
      requireEmailVerification: mailer !== null,
      minPasswordLength: limits.passwordMin,
      maxPasswordLength: limits.passwordMax,
      password: {
        hash: password => inTurn(() => passwords.hash(password)),
        verify: given => inTurn(() => passwords.verify(given)),
      },
      resetPasswordTokenExpiresIn: limits.resetLinkHours * 60 * 60,
      revokeSessionsOnPasswordReset: true,
      ...mailer && {
        sendResetPassword: async ({ user, token }) => mailer.resetLink(user.email, token),
      },
    },
    // Its links confirm by themselves; ours want the password besides (address-proof.ts).
    emailVerification: { sendOnSignUp: false },
    user: {
      additionalFields: {
        role: { type: 'string', required: true, defaultValue: 'user', input: false },
        disabledAt: { type: 'date', required: false, input: false },
        /** Sign-ins that began before are good for nothing, also those that have not ended yet. */
        signedOutAt: { type: 'date', required: false, input: false },
      },
    },
    session: {
      expiresIn: limits.sessionDays * DAY,
      updateAge: limits.sessionRenewedAfterHours * 60 * 60,
      additionalFields: {
        lastSeenAt: { type: 'date', required: false, input: false },
        /** Of a session that another device let in: when that one's person had shown who they are. */
        provenAt: { type: 'date', required: false, input: false },
      },
    },
    // Links in mails and the states of sign-ins at providers: whoever reads the file cannot use them.
    verification: { storeIdentifier: { default: 'plain', overrides: { 'reset-password': 'hashed', [CONFIRM_ADDRESS]: 'hashed' } } },
    account: {
      // Tokens of a provider are of no use to us after the sign-in.
      updateAccountOnSignIn: false,
      encryptOAuthTokens: true,
      // A provider's account joins one of ours by its address only when both sides have it confirmed.
      accountLinking: { enabled: true, requireLocalEmailVerified: true },
    },
    onAPIError: { errorURL: '/sign-in' },
    advanced: {
      cookiePrefix: cookiePrefix(secure),
      // Its own prefix would be __Secure-, which other hosts of the domain can set.
      useSecureCookies: false,
      defaultCookieAttributes: { secure, httpOnly: true, sameSite: 'lax', path: '/' },
      cookies: { session_token: { name: sessionCookieName(secure) } },
      ipAddress: { ipAddressHeaders: [ADDRESS_HEADER] },
      // Mail goes out behind the answer: how long it takes would tell whether there is such an account.
      backgroundTasks: { handler: (task: Promise<unknown>) => void task.catch((error: unknown) => hooks.failed('a mail was not sent', error)) },
      database: { validateSchema: false },
    },
    databaseHooks: {
      user: { create: { before: async user => ({ data: { ...user, role: await hooks.admit() } }) } },
      session: {
        create: { before: async session => void await hooks.admitSession(session.userId) },
        delete: { after: async session => hooks.sessionEnded(session.id) },
      },
    },
    // It would load OpenTelemetry's API, which is there for others, and tell it of errors.
    experimental: { instrumentation: { enabled: false } },
    plugins: [
      ourTables,
      passkey({ rpName: 'Skein', rpID: new URL(origin).hostname, origin }),
      genericOAuth({
        config: providers.map(({ id, name, issuer, clientId, clientSecret }) => ({
          providerId: id,
          name,
          clientId,
          ...clientSecret !== null && { clientSecret },
          discoveryUrl: `${issuer}/.well-known/openid-configuration`,
          requireIdTokenVerification: true,
          pkce: true,
          scopes: ['openid', 'email', 'profile'],
          disableImplicitSignUp: true,
        })),
      }),
    ],
  } satisfies BetterAuthOptions
}

export const createEngine = (options: EngineOptions, origin: string) => betterAuth(engineOptions(options, origin))

/** Brings what is stored to what this version needs. @throws AccountsError when a newer version wrote it */
export const migrate = (options: EngineOptions): Promise<void> => bringUpToDate(options.store, async () => {
  await (await getMigrations(engineOptions(options, 'http://localhost'))).runMigrations()
})

export type Engine = ReturnType<typeof createEngine>

/** What a hook throws: the sign-in or sign-up ends by it. */
export const refusal = (code: string): APIError => new APIError('FORBIDDEN', { code, message: code })
