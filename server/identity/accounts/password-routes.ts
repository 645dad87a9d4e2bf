/**
 * Sign-up and sign-in by e-mail address and password, and new passwords.
 *
 * Nobody learns here who has an account: every answer to a stranger is the same for an address that is known and one that is not, and so
 * is the work behind it.
 */
import * as schemas from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import { RateTable } from '../../../shared/rate-table.ts'
import { TryLater } from './failures.ts'
import type { createLockout } from './lockout.ts'
import { asked } from './visit.ts'
import type { Routes, Visit } from './visit.ts'

const HOUR_MS = 3_600_000

export const passwordRoutes = (lockout: ReturnType<typeof createLockout>): Routes => (on, accounts) => {
  const mails = new RateTable(limits.mailsPerRecipientPerHour, HOUR_MS, accounts.options.now)

  /** @param account what is tried: an address, or the id of who is signed in */
  const attempt = async <T>(visit: Visit, account: string, task: () => Promise<T>): Promise<T> => {
    const admitted = lockout(account, visit.address)
    if ('waitSeconds' in admitted) {
      visit.audit('address.locked', 'refused', null, { waitSeconds: admitted.waitSeconds })
      throw new TryLater('sign-in-locked', admitted.waitSeconds, `Too many attempts with a wrong password. Nothing was changed; try again in ${inWords(admitted.waitSeconds)}, or choose a new password.`)
    }
    try {
      const done = await asked(task())
      admitted.attempt.succeeded()
      return done
    } catch (error) {
      visit.audit('sign-in.failed', 'refused', null, { code: error instanceof SkeinError ? error.code : 'internal' })
      throw error
    }
  }

  on('post', '/sign-up', async visit => {
    const { signUp } = accounts.options
    const { email, password, name, code } = await visit.body(schemas.signUp)
    if (signUp === 'closed') throw new SkeinError('sign-up-closed')
    if (signUp === 'invite' && !await accounts.administration.spendInviteCode(code ?? '')) throw new SkeinError('link-spent')
    await asked(accounts.makeAccount(() => visit.engine.api.signUpEmail({ body: { email, password, name }, headers: visit.headers })))
    visit.audit('account.created', 'done', null, { how: 'password' })
    return visit.c.json({ next: accounts.sendsMail ? 'confirm' : 'sign-in' } satisfies schemas.SignedUp)
  })

  on('post', '/sign-in', async visit => {
    const { email, password } = await visit.body(schemas.signIn)
    const { headers } = await attempt(visit, email, () =>
      visit.engine.api.signInEmail({ body: { email, password }, headers: visit.headers, returnHeaders: true }))
    const found = await visit.welcome(headers, 'password')
    if (!found) throw new SkeinError('sign-in-failed')
    return visit.c.json({})
  })

  on('post', '/reset-mail', async visit => {
    const { email } = await visit.body(schemas.resetMail)
    if (!accounts.sendsMail) {
      throw new SkeinError('not-allowed', 'This server sends no mail. Ask its operator for a link to a new password; nothing was changed.')
    }
    // Past that the answer stays the same: it tells nothing, and no mail box is filled.
    // After the answer, since to write a link down takes longer than to find nobody.
    const { engine: { api }, headers } = visit
    if (mails.spend(email) === 0) visit.afterAnswer(() => asked(api.requestPasswordReset({ body: { email }, headers })))
    return visit.c.json({})
  })

  on('post', '/reset', async visit => {
    const { token, password } = await visit.body(schemas.reset)
    await asked(visit.engine.api.resetPassword({ body: { token, newPassword: password }, headers: visit.headers }))
    visit.audit('password.reset', 'done', null)
    return visit.c.json({})
  })

  on('post', '/confirm', async visit => {
    const { token } = await visit.body(schemas.confirm)
    await asked(visit.engine.api.verifyEmail({ query: { token }, headers: visit.headers }))
    return visit.c.json({})
  })

  on('post', '/password', async visit => {
    const who = await visit.session()
    const { current, password } = await visit.body(schemas.changePassword)
    await attempt(visit, who.user.id, () =>
      visit.engine.api.changePassword({ body: { currentPassword: current, newPassword: password }, headers: visit.headers }))
    // Whoever knew the old one is out; this session stays, with its sockets.
    await asked(visit.engine.api.revokeOtherSessions({ headers: visit.headers }))
    visit.audit('password.changed', 'done', who)
    return visit.c.json({})
  })
}

const inWords = (seconds: number): string => seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`
