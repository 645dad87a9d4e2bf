/** What an admin, or the operator by a command, does to accounts: who is admin, who may come in, links for a new password. */
import { createHash } from 'node:crypto'
import { getCurrentAdapter } from '@better-auth/core/context'
import { parseUserId } from '../../../shared/ids.ts'
import type { RandomBytes, UserId } from '../../../shared/ids.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import type { Engine } from './engine.ts'
import { resetPath } from './mail.ts'

export interface AdministrationOptions {
  context: () => Engine['$context']
  /** Milliseconds since 1970. */
  now: () => number
  random: RandomBytes
  /** An account was disabled: nothing proves it any more. */
  disabled: (user: UserId) => void
}

export interface Administration {
  /** @param createdBy id of the admin, or `operator` */
  createInviteCode(createdBy: string): Promise<{ code: string, expiresAt: number }>
  /** @returns whether it was good; it is none from now on */
  spendInviteCode(code: string): Promise<boolean>
  /** @returns the path of a link for a new password, good once and for an hour; null when there is no such account */
  createResetPath(email: string): Promise<string | null>
  /** @returns false when there is no such account */
  makeAdmin(email: string): Promise<boolean>
  /** A disabled account has no sessions and gets none; nothing of it is deleted. @returns false when there is no such account */
  setDisabled(id: string, disabled: boolean): Promise<boolean>
}

const [HOUR, DAY] = [3_600_000, 86_400_000]

export const createAdministration = ({ context, now, random, disabled: ended }: AdministrationOptions): Administration => {
  const secret = (bytes: number): string => Buffer.from(random(new Uint8Array(bytes))).toString('base64url')

  const find = async (email: string) => (await (await context()).internalAdapter.findUserByEmail(email.trim().toLowerCase()))?.user ?? null

  return {
    createInviteCode: async createdBy => {
      const code = secret(16)
      const [createdAt, expiresAt] = [now(), now() + limits.inviteCodeDays * DAY]
      const { adapter } = await context()
      await adapter.create({
        model: 'inviteCode', data: { codeHash: hashOf(code), createdBy, createdAt: new Date(createdAt), expiresAt: new Date(expiresAt) },
      })
      return { code, expiresAt }
    },
    spendInviteCode: async code => {
      // Within the transaction that makes the account, where there is one.
      const adapter = await getCurrentAdapter((await context()).adapter)
      const spent = await adapter.consumeOne<{ expiresAt: Date }>({ model: 'inviteCode', where: [{ field: 'codeHash', value: hashOf(code) }] })
      return spent !== null && spent.expiresAt.getTime() > now()
    },
    createResetPath: async email => {
      const user = await find(email)
      if (!user) return null
      const token = secret(24)
      const { internalAdapter } = await context()
      await internalAdapter.createVerificationValue({
        identifier: `reset-password:${token}`, value: user.id, expiresAt: new Date(now() + limits.resetLinkHours * HOUR),
      })
      return resetPath(token)
    },
    makeAdmin: async email => {
      const user = await find(email)
      if (user) await (await context()).internalAdapter.updateUser(user.id, { role: 'admin' })
      return user !== null
    },
    setDisabled: async (id, disabled) => {
      const { internalAdapter } = await context()
      const userId = parseUserId(id)
      if (!userId || !await internalAdapter.findUserById(id)) return false
      await internalAdapter.updateUser(id, { disabledAt: disabled ? new Date(now()) : null })
      if (disabled) {
        await internalAdapter.deleteUserSessions(id)
        ended(userId)
      }
      return true
    },
  }
}

const hashOf = (code: string): string => createHash('sha256').update(code).digest('hex')
