/**
 * Passkeys by the browser's own interface, in the JSON forms of WebAuthn level 3. The browser asks the person, and not every browser ends
 * that by itself: it ends here when it takes too long, or when whoever waits has had enough.
 */
import type { After } from './port.ts'
import { SkeinError } from '../../shared/errors.ts'
import { accountLimits as limits } from '../../shared/limits.ts'

type Json = Record<string, unknown>

export interface PasskeyWait {
  /** Breaks it off. */
  signal?: AbortSignal | undefined
  after: After
}

/** @throws SkeinError when the person, the browser or the time broke it off */
export const usePasskey = (options: Json, wait: PasskeyWait): Promise<Json> => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as object as PublicKeyCredentialRequestOptionsJSON)
  return untilAnswered(signal => navigator.credentials.get({ publicKey, signal }), wait)
}

/** @throws SkeinError when the person, the browser or the time broke it off */
export const makePasskey = (options: Json, wait: PasskeyWait): Promise<Json> => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as object as PublicKeyCredentialCreationOptionsJSON)
  return untilAnswered(signal => navigator.credentials.create({ publicKey, signal }), wait)
}

const untilAnswered = async (
  ask: (signal: AbortSignal) => Promise<Credential | null>, { signal: given, after }: PasskeyWait
): Promise<Json> => {
  const late = new AbortController()
  const cancel = after(limits.passkeySeconds * 1000, () => late.abort())
  const signal = given ? AbortSignal.any([given, late.signal]) : late.signal
  const ended = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    signal.throwIfAborted()
  })
  try {
    // Whether or not the browser ends its prompt when it is told to.
    const credential = await Promise.race([ask(signal), ended])
    if (!(credential instanceof PublicKeyCredential)) {
      throw new SkeinError('sign-in-failed', 'The browser gave no passkey. Nothing was changed.')
    }
    return { ...credential.toJSON() }
  } catch (error) {
    throw error instanceof SkeinError ? error : new SkeinError('sign-in-failed', why(error, late.signal.aborted), { cause: error })
  } finally {
    cancel()
  }
}

const why = (error: unknown, late: boolean): string =>
  late ? `No passkey came in ${limits.passkeySeconds / 60} minutes, so it is no longer waited for. Nothing was changed; try again.`
  : error instanceof DOMException && error.name === 'InvalidStateError'
    ? 'This device has a passkey of this account already. None was added.'
  : 'No passkey was used: it was broken off, took too long, or there is none here. Nothing was changed.'
