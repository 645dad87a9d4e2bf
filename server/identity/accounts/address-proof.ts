/**
 * Whose an address is: a link that was mailed there proves it, together with the account's password. By the link alone, whoever makes an
 * account of somebody else's address would only have to wait until they follow it.
 */
import { SkeinError } from '../../../shared/errors.ts'
import type { RandomBytes } from '../../../shared/ids.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import type { Endings } from './endings.ts'
import { CONFIRM_ADDRESS } from './engine.ts'
import type { Engine } from './engine.ts'
import type { Mailer } from './mail.ts'

export interface AddressProofOptions {
  context: () => Engine['$context']
  /** Null: there is no mail, so no address is ever proven. */
  mailer: Mailer | null
  endings: Endings
  /** Milliseconds since 1970. */
  now: () => number
  random: RandomBytes
}

/** An account whose address is to be proven. */
export interface Unproven {
  id: string
  /** Of the password. */
  hash: string
}

export interface AddressProof {
  /** After a sign-up with this address: a link where it made the account, or found it unproven; else word that there is one. */
  signedUp(email: string): Promise<void>
  /** Another link, to who has an account that is not proven yet. Nothing to anybody else. */
  remind(email: string): Promise<void>
  /** Whose the link is; `proven` when there is nothing left to do. @throws SkeinError `link-spent` */
  find(token: string): Promise<Unproven | 'proven'>
  /** What was added before ends. */
  prove(user: string): Promise<void>
  /** It is theirs who chose the password: the link to that was mailed there. */
  note(user: string): Promise<void>
}

const HOUR = 3_600_000

export const createAddressProof = ({ context, mailer, endings, now, random }: AddressProofOptions): AddressProof => {
  const nameOf = (token: string): string => `${CONFIRM_ADDRESS}:${token}`

  const accountOf = async (email: string) => {
    const { internalAdapter } = await context()
    return await internalAdapter.findUserByEmail(email, { includeAccounts: true })
  }
  const passwordIn = (accounts: readonly { providerId: string, password?: string | null | undefined }[]): string | null =>
    accounts.find(({ providerId }) => providerId === 'credential')?.password ?? null

  const send = async (user: { id: string, email: string }): Promise<void> => {
    const { internalAdapter } = await context()
    const token = Buffer.from(random(new Uint8Array(24))).toString('base64url')
    const expiresAt = new Date(now() + limits.confirmationHours * HOUR)
    await internalAdapter.createVerificationValue({ identifier: nameOf(token), value: user.id, expiresAt })
    await mailer?.confirmation(user.email, token)
  }

  const remind = async (email: string): Promise<void> => {
    const found = await accountOf(email)
    if (found && !found.user.emailVerified && passwordIn(found.accounts) !== null) await send(found.user)
  }

  const note = async (user: string): Promise<void> => void await (await context()).internalAdapter.updateUser(user, { emailVerified: true })

  return {
    remind,
    signedUp: async email => {
      const found = await accountOf(email)
      if (found?.user.emailVerified) await mailer?.alreadyHasAccount(email)
      else await remind(email)
    },
    find: async token => {
      const { internalAdapter } = await context()
      const link = await internalAdapter.findVerificationValue(nameOf(token))
      if (!link || link.expiresAt.getTime() <= now()) throw new SkeinError('link-spent')
      const user = await internalAdapter.findUserById(link.value)
      const hash = user && passwordIn(await internalAdapter.findAccounts(user.id))
      if (!user || hash === null) throw new SkeinError('link-spent')
      return user.emailVerified ? 'proven' : { id: user.id, hash }
    },
    // Last that it is proven: whoever is interrupted follows the link again.
    prove: async user => {
      await endings.beginAnew(user)
      await note(user)
      await endings.voidLinks(user)
    },
    note,
  }
}
