/** What better-auth says when it refuses, in our words. */
import { isAPIError } from 'better-auth/api'
import { SkeinError } from '../../../shared/errors.ts'
import type { ErrorCode } from '../../../shared/errors.ts'

/** Refused for now, like all that is counted. */
export class TryLater extends SkeinError {
  /** Whole seconds. */
  readonly retryAfter: number
  constructor(code: 'sign-in-locked' | 'rate-limited', seconds: number, detail?: string) {
    super(code, detail)
    this.retryAfter = seconds
  }
}

const known: Readonly<Record<string, readonly [ErrorCode, string?]>> = {
  INVALID_EMAIL_OR_PASSWORD: ['sign-in-failed'],
  INVALID_PASSWORD: ['sign-in-failed', 'The present password is not right, so nothing was changed.'],
  EMAIL_NOT_VERIFIED: ['address-unconfirmed'],
  CREDENTIAL_ACCOUNT_NOT_FOUND: ['not-allowed', 'This account has no password, so none was changed. It signs in by a passkey or elsewhere.'],
  PASSWORD_COMPROMISED: ['invalid-request', 'This password is known from leaks. Nothing was changed; choose another one.'],
  INVALID_TOKEN: ['link-spent'],
  TOKEN_EXPIRED: ['link-spent'],
  USER_NOT_FOUND: ['link-spent'],
  CODE_INVALID: ['link-spent'],
  ACCOUNT_DISABLED: ['account-disabled'],
  SESSION_NOT_FRESH: ['sign-in-again'],
  UNAUTHORIZED: ['unauthenticated'],
  // It has told its log why.
  FAILED_TO_CREATE_USER: ['accounts-away'],
  FAILED_TO_CREATE_SESSION: ['accounts-away'],
  FAILED_TO_GET_SESSION: ['accounts-away'],
  PROVIDER_NOT_FOUND: ['unavailable', 'This way to sign in does not answer right now. Nothing was changed; try again, or take another one.'],
  PASSKEY_NOT_FOUND: ['sign-in-failed', 'This server does not know the passkey: it was removed from its account, or belongs to another server.'],
  CHALLENGE_NOT_FOUND: ['link-spent', 'This took too long, so it begins anew. Nothing was changed; try again.'],
  AUTHENTICATION_FAILED: ['sign-in-failed', 'The passkey was not accepted. Nothing was changed; try again, or sign in another way.'],
  FAILED_TO_VERIFY_REGISTRATION: ['invalid-request', 'The passkey was not accepted, so none was added. Try again.'],
}

/** @throws SkeinError for what a caller can mend; anything else as it is, a defect to look at */
export const translate = (error: unknown): never => {
  if (!isAPIError(error)) throw error
  const code = (error.body as { code?: string } | undefined)?.code ?? ''
  const entry = known[code]
  if (entry) throw new SkeinError(...entry)
  if (error.statusCode === 401) throw new SkeinError('unauthenticated')
  if (error.statusCode < 500) throw new SkeinError('invalid-request', `${error.message || 'The request was refused'}. Nothing was changed.`)
  throw error
}
