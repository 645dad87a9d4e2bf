/** What an admin, or the operator by a command, does to accounts: who is admin, who may come in, links for a new password. */
import { createHash } from 'node:crypto'
import { getCurrentAdapter } from '@better-auth/core/context'
import { parseUserId } from '../../../shared/ids.ts'
import type { RandomBytes, UserId } from '../../../shared/ids.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import type { Engine } from './engine.ts'
import { resetPath } from './mail.ts'
import type { SignedInAccount } from './sessions.ts'

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
  /** @returns how to give it back, where no account came of it; null: it was none, or is over */
  spendInviteCode(code: string): Promise<(() => Promise<void>) | null>
  /** Those that are good still, the latest first. */
  inviteCodes(): Promise<{ id: string, createdBy: string, createdAt: number, expiresAt: number }[]>
  /** @returns false: there was none */
  removeInviteCode(id: string): Promise<boolean>
  /** When each was seen last on a device that is signed in (milliseconds since 1970); who is on none is left out. */
  lastSeen(ids: readonly string[]): Promise<Map<string, number>>
  /**
   * @param wanted an e-mail address or an id
   * @returns the path of a link for a new password, good once and for an hour; null when there is no such account
   */
  createResetPath(wanted: string): Promise<string | null>
  /** Whose password is chosen by a link that is good still; null: it is none. */
  userOfResetLink(token: string): Promise<{ id: string, emailVerified: boolean } | null>
  /** @param wanted an e-mail address or an id. @returns false when there is no such account */
  setRole(wanted: string, role: 'admin' | 'user'): Promise<boolean>
  /** A disabled account has no sessions and gets none; nothing of it is deleted. @returns false when there is no such account */
  setDisabled(id: string, disabled: boolean): Promise<boolean>
}

/** What better-auth calls the rows of these links. */
const RESET = 'reset-password:'
/**
 * How the secret of a link begins that whoever runs the server gives to somebody: it proves no address. Those that are mailed hold no
 * hyphen.
 */
const HANDED = 'handed-'
export const wasMailed = (token: string): boolean => !token.startsWith(HANDED)

interface InviteCode {
  codeHash: string
  createdBy: string
  createdAt: Date
  expiresAt: Date
}

/** Of a page of accounts. */
const SESSIONS_LOOKED_AT = 10_000
const [HOUR, DAY] = [3_600_000, 86_400_000]

export const createAdministration = ({ context, now, random, disabled: ended }: AdministrationOptions): Administration => {
  const secret = (bytes: number): string => Buffer.from(random(new Uint8Array(bytes))).toString('base64url')

  const find = async (wanted: string) => {
    const { internalAdapter } = await context()
    if (!wanted.includes('@')) return parseUserId(wanted) ? internalAdapter.findUserById(wanted) : null
    return (await internalAdapter.findUserByEmail(wanted.trim().toLowerCase()))?.user ?? null
  }

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
      const spent = await adapter.consumeOne<InviteCode>({ model: 'inviteCode', where: [{ field: 'codeHash', value: hashOf(code) }] })
      if (!spent || spent.expiresAt.getTime() <= now()) return null
      const { codeHash, createdBy, createdAt, expiresAt } = spent
      return async () => void await adapter.create({ model: 'inviteCode', data: { codeHash, createdBy, createdAt, expiresAt } })
    },
    inviteCodes: async () => {
      const { adapter } = await context()
      const all = await adapter.findMany<{ id: string, createdBy: string, createdAt: Date, expiresAt: Date }>({
        model: 'inviteCode', where: [{ field: 'expiresAt', operator: 'gt', value: new Date(now()) }],
        sortBy: { field: 'createdAt', direction: 'desc' }, limit: limits.accountsPerPage,
      })
      return all.map(({ id, createdBy, createdAt, expiresAt }) =>
        ({ id, createdBy, createdAt: createdAt.getTime(), expiresAt: expiresAt.getTime() }))
    },
    removeInviteCode: async id => {
      const { adapter } = await context()
      return await adapter.consumeOne({ model: 'inviteCode', where: [{ field: 'id', value: id }] }) !== null
    },
    lastSeen: async ids => {
      const { adapter } = await context()
      const seen = new Map<string, number>()
      const sessions = ids.length === 0 ? [] : await adapter.findMany<SignedInAccount['session']>({
        model: 'session', where: [{ field: 'userId', operator: 'in', value: [...ids] }], limit: SESSIONS_LOOKED_AT,
      })
      for (const { userId, lastSeenAt, createdAt, expiresAt } of sessions) {
        const at = (lastSeenAt ?? createdAt).getTime()
        if (expiresAt.getTime() > now()) seen.set(userId, Math.max(at, seen.get(userId) ?? 0))
      }
      return seen
    },
    createResetPath: async wanted => {
      const user = await find(wanted)
      if (!user) return null
      const token = HANDED + secret(24)
      const { internalAdapter } = await context()
      await internalAdapter.createVerificationValue({
        identifier: RESET + token, value: user.id, expiresAt: new Date(now() + limits.resetLinkHours * HOUR),
      })
      return resetPath(token)
    },
    userOfResetLink: async token => {
      const { internalAdapter } = await context()
      const link = await internalAdapter.findVerificationValue(RESET + token)
      return link && link.expiresAt.getTime() > now() ? internalAdapter.findUserById(link.value) : null
    },
    setRole: async (wanted, role) => {
      const user = await find(wanted)
      if (user) await (await context()).internalAdapter.updateUser(user.id, { role })
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
