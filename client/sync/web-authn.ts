/** Passkeys by the browser's own interface, in the JSON forms of WebAuthn level 3. */
import { SkeinError } from '../../shared/errors.ts'

type Json = Record<string, unknown>

/** @throws SkeinError when the person, or the browser, broke it off */
export const usePasskey = async (options: Json): Promise<Json> => {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options as object as PublicKeyCredentialRequestOptionsJSON)
  return jsonOf(await navigator.credentials.get({ publicKey }).catch(brokenOff))
}

/** @throws SkeinError when the person, or the browser, broke it off */
export const makePasskey = async (options: Json): Promise<Json> => {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options as object as PublicKeyCredentialCreationOptionsJSON)
  return jsonOf(await navigator.credentials.create({ publicKey }).catch(brokenOff))
}

const jsonOf = (credential: Credential | null): Json => {
  if (!(credential instanceof PublicKeyCredential)) throw new SkeinError('sign-in-failed', 'The browser gave no passkey. Nothing was changed.')
  return { ...credential.toJSON() }
}

const brokenOff = (error: unknown): never => {
  const known = error instanceof DOMException && error.name === 'InvalidStateError'
  throw new SkeinError('sign-in-failed', known
    ? 'This device has a passkey of this account already. None was added.'
    : 'No passkey was used: it was broken off, took too long, or there is none here. Nothing was changed.', { cause: error })
}
