/** What travels over `/api/auth` between the app and the accounts of this server. */
import * as z from 'zod/mini'
import { accountLimits as limits } from '../limits.ts'

const email = z.string().check(z.trim(), z.toLowerCase(), z.maxLength(limits.emailLength), z.email())
const newPassword = z.string().check(z.minLength(limits.passwordMin), z.maxLength(limits.passwordMax))
/** Of an account that exists: an older rule may have taken another length. */
const password = z.string().check(z.minLength(1), z.maxLength(limits.passwordMax))
const name = z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.nameLength))
/** Of a link or a code, as it was given out. */
const secret = z.string().check(z.minLength(1), z.maxLength(512))
const inviteCode = z.optional(z.string().check(z.trim(), z.maxLength(64)))
const rowId = z.string().check(z.minLength(1), z.maxLength(64))
const role = z.enum(['admin', 'user'])
/** Milliseconds since 1970. */
const time = z.number()

/** `GET /api/auth/options`: how one gets in here; asked before anybody is known. */
export const authOptions = z.object({
  signUp: z.enum(['open', 'invite', 'closed']),
  /** Where people may sign in with an account from elsewhere. */
  providers: z.array(z.object({ id: z.string(), name: z.string() })),
  /** The server sends mail: new addresses are confirmed, and a new password can be asked for. */
  mail: z.boolean(),
})
export type AuthOptions = z.infer<typeof authOptions>

/** `POST /api/auth/sign-up`. */
export const signUp = z.strictObject({ email, password: newPassword, name, code: inviteCode })
export type SignUp = z.input<typeof signUp>
/** The same whether there was such an account before. */
export const signedUp = z.object({ next: z.enum(['sign-in', 'confirm']) })
export type SignedUp = z.infer<typeof signedUp>

/** `POST /api/auth/sign-in`. */
export const signIn = z.strictObject({ email, password })
export type SignIn = z.input<typeof signIn>

/** `POST /api/auth/reset-mail`: a link for a new password, by mail. */
export const resetMail = z.strictObject({ email })
/**
 * `POST /api/auth/reset`: the new password, with the link's secret. All sessions end; and whatever else lets somebody in, or acts as the
 * person (passkeys, providers, tokens, links that they made), where the address was never confirmed, or with `everything`.
 */
export const reset = z.strictObject({ token: secret, password: newPassword, everything: z.optional(z.boolean()) })
/** Whether more ended than the sessions. */
export const resetDone = z.object({ everything: z.boolean() })
export type ResetDone = z.infer<typeof resetDone>
/** `POST /api/auth/confirm-mail`: another link that confirms the address. */
export const confirmMail = z.strictObject({ email })
/** `POST /api/auth/confirm`: the address is theirs who made the account. What was added to it before ends, but for the password. */
export const confirm = z.strictObject({ token: secret, password })
/** `POST /api/auth/password`, signed in. */
export const changePassword = z.strictObject({ current: password, password: newPassword })
/** `PATCH /api/auth/account`. */
export const changeAccount = z.strictObject({ name })

/** `GET /api/auth/account`: the account that is signed in here. */
export const account = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  emailConfirmed: z.boolean(),
  role,
  /** False: it signs in by passkeys or elsewhere. */
  hasPassword: z.boolean(),
  /** Ids of the providers that it is linked with. */
  providers: z.array(z.string()),
})
export type Account = z.infer<typeof account>

export const session = z.object({
  id: z.string(),
  /** The one that asks. */
  current: z.boolean(),
  createdAt: time,
  lastSeenAt: time,
  expiresAt: time,
  /** As the browser called itself. */
  userAgent: z.string(),
  address: z.string(),
})
export type Session = z.infer<typeof session>
/** `GET /api/auth/sessions`, the latest first. */
export const sessions = z.object({ sessions: z.array(session) })

export const passkey = z.object({ id: z.string(), name: z.string(), createdAt: time, synced: z.boolean() })
export type Passkey = z.infer<typeof passkey>
/** `GET /api/auth/passkeys`. */
export const passkeys = z.object({ passkeys: z.array(passkey) })
/** `POST /api/auth/passkeys`: what the authenticator made of the options; `PublicKeyCredential.toJSON()`. */
export const newPasskey = z.strictObject({ response: z.record(z.string(), z.unknown()), name })
/** `POST /api/auth/passkey`: signs in. */
export const passkeySignIn = z.strictObject({ response: z.record(z.string(), z.unknown()) })
/** What `PublicKeyCredential.parse…OptionsFromJSON` takes. */
export const webAuthnOptions = z.looseObject({ challenge: z.string() })

/**
 * `POST /api/auth/providers/:id`: where the browser goes to sign in there. `link`: adds it to the account that is signed in, by a fresh
 * session. `DELETE`, likewise: it lets nobody in any more, unless nothing else does.
 */
export const providerSignIn = z.strictObject({ code: inviteCode, link: z.optional(z.boolean()) })
export const elsewhere = z.object({ url: z.string() })

/**
 * `GET /api/auth/admin/accounts`, for admins alone, as all under `admin/`; to others there is no such route.
 * `after`: the `next` of the page before.
 */
export const accountsQuery = z.object({ after: z.optional(z.string().check(z.regex(/^\d{1,9}$/))) })
export const listedAccount = z.object({
  id: z.string(), name: z.string(), email: z.string(), role, createdAt: time, disabledAt: z.nullable(time),
  /** On a device that is signed in; null: on none. */
  lastSeenAt: z.nullable(time),
})
export type ListedAccount = z.infer<typeof listedAccount>
/** Oldest first. */
export const accountsPage = z.object({ accounts: z.array(listedAccount), next: z.nullable(z.string()) })
export type AccountsPage = z.infer<typeof accountsPage>
/** `PATCH /api/auth/admin/accounts/:id`: what is left out stays. `DELETE`: the person and all that is theirs alone. */
export const changeOtherAccount = z.strictObject({ disabled: z.optional(z.boolean()), role: z.optional(role) })
export type ChangeOtherAccount = z.infer<typeof changeOtherAccount>
/** `POST /api/auth/admin/accounts/:id/reset-link`: for a new password, told once. */
export const newResetLink = z.object({ path: z.string(), expiresAt: time })
export type NewResetLink = z.infer<typeof newResetLink>
/** `POST /api/auth/admin/invite-codes`: told once. */
export const newInviteCode = z.object({ code: z.string(), path: z.string(), expiresAt: time })
export type NewInviteCode = z.infer<typeof newInviteCode>
/** `GET /api/auth/admin/invite-codes`: those that are good still, the latest first. `createdBy`: id of an admin, or `operator`. */
const madeInviteCode = z.object({ id: z.string(), createdBy: z.string(), createdAt: time, expiresAt: time })
export type InviteCode = z.infer<typeof madeInviteCode>
export const inviteCodes = z.object({ inviteCodes: z.array(madeInviteCode) })
export type InviteCodes = z.infer<typeof inviteCodes>

/** `GET /api/auth/admin/provider-keys`: which keys this server's models take from what is stored, and which are stored. */
export const providerKey = z.object({
  name: z.string(),
  /** Names of the models that use it. */
  models: z.array(z.string()),
  /** Null: none is stored. Nobody is shown a key again. */
  stored: z.nullable(z.object({ lastFour: z.nullable(z.string()), setAt: time, readable: z.boolean() })),
})
export type ProviderKey = z.infer<typeof providerKey>
export const providerKeys = z.object({ keys: z.array(providerKey) })
export type ProviderKeyList = z.infer<typeof providerKeys>
/** `POST /api/auth/admin/provider-keys`: in place of what was there. */
export const newProviderKey = z.strictObject({
  name: z.string().check(z.maxLength(64)),
  key: z.string().check(z.trim(), z.minLength(1), z.maxLength(limits.providerKeyLength), z.regex(/^[\x21-\x7e]+$/)),
})

export const accountId = rowId
