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
import { wasMailed } from './administration.ts'
import { TryLater } from './failures.ts'
import type { createLockout } from './lockout.ts'
import { asked } from './visit.ts'
import type { Routes, Visit } from './visit.ts'

const HOUR_MS = 3_600_000
const WRONG_AT_CONFIRMATION = 'This is not the password that the account was made with, so nothing was changed. If it was not you who made it, choose a new password: then it is yours.'

export const passwordRoutes = (lockout: ReturnType<typeof createLockout>): Routes => (on, accounts) => {
  const { addressProof, endings } = accounts
  const mails = new RateTable(limits.mailsPerRecipientPerHour, HOUR_MS, accounts.options.now)

  /**
   * After the answer, which tells nothing: to write a link down takes longer than to find nobody. Past what a mail box gets in an hour none
   * is sent.
   */
  const mail = (visit: Visit, email: string, send: () => Promise<unknown>): void => {
    if (mails.spend(email) === 0) visit.afterAnswer(send)
  }
  const checkMail = (what: string): void => {
    if (!accounts.sendsMail) throw new SkeinError('not-allowed', `This server sends no mail. ${what}; nothing was changed.`)
  }

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
      // The password was right.
      if (error instanceof SkeinError && error.code === 'address-unconfirmed') admitted.attempt.succeeded()
      visit.audit('sign-in.failed', 'refused', null, { code: error instanceof SkeinError ? error.code : 'internal' })
      throw error
    }
  }

  on('post', '/sign-up', async visit => {
    const { signUp } = accounts.options
    const { email, password, name, code } = await visit.body(schemas.signUp)
    if (signUp === 'closed') throw new SkeinError('sign-up-closed')
    // For an address that has an account, too: a code that was good still afterwards would tell of it.
    const giveBack = signUp === 'invite' ? await accounts.administration.spendInviteCode(code ?? '') : async () => {}
    if (!giveBack) throw new SkeinError('link-spent')
    try {
      await asked(accounts.makeAccount(() => visit.engine.api.signUpEmail({ body: { email, password, name }, headers: visit.headers })))
    } catch (error) {
      await giveBack()
      throw error
    }
    visit.audit('account.created', 'done', null, { how: 'password' })
    if (accounts.sendsMail) mail(visit, email, () => addressProof.signedUp(email))
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
    checkMail('Ask its operator for a link to a new password')
    const { engine: { api }, headers } = visit
    mail(visit, email, () => asked(api.requestPasswordReset({ body: { email }, headers })))
    return visit.c.json({})
  })

  on('post', '/reset', async visit => {
    const { token, password, everything = false } = await visit.body(schemas.reset)
    const user = await accounts.administration.userOfResetLink(token)
    if (!user) throw new SkeinError('link-spent')
    const anew = everything || !user.emailVerified
    // Before the link is spent, so that who is interrupted tries again; and once more, for what was added until the old password ended.
    if (anew) await endings.beginAnew(user.id)
    await asked(visit.engine.api.resetPassword({ body: { token, newPassword: password }, headers: visit.headers }))
    await (anew ? endings.beginAnew(user.id) : endings.signOut(user.id))
    if (wasMailed(token)) await addressProof.note(user.id)
    await endings.voidLinks(user.id)
    visit.audit('password.reset', 'done', null, { account: user.id, everything: anew })
    return visit.c.json({ everything: anew } satisfies schemas.ResetDone)
  })

  on('post', '/confirm-mail', async visit => {
    const { email } = await visit.body(schemas.confirmMail)
    checkMail('No address has to be confirmed here')
    mail(visit, email, () => addressProof.remind(email))
    return visit.c.json({})
  })

  on('post', '/confirm', async visit => {
    const { token, password } = await visit.body(schemas.confirm)
    const found = await addressProof.find(token)
    if (found !== 'proven') {
      await attempt(visit, found.id, async () => {
        if (!await accounts.isPassword(password, found.hash)) throw new SkeinError('sign-in-failed', WRONG_AT_CONFIRMATION)
      })
      await addressProof.prove(found.id)
      visit.audit('address.confirmed', 'done', null, { account: found.id })
    }
    return visit.c.json({})
  })

  on('post', '/password', async visit => {
    const who = await visit.session()
    const { current, password } = await visit.body(schemas.changePassword)
    await attempt(visit, who.user.id, () =>
      visit.engine.api.changePassword({ body: { currentPassword: current, newPassword: password }, headers: visit.headers }))
    // Whoever knew the old one is out; this session stays, with its sockets.
    await endings.interruptSignIns(who.user.id)
    await endings.voidLinks(who.user.id)
    await asked(visit.engine.api.revokeOtherSessions({ headers: visit.headers }))
    visit.audit('password.changed', 'done', who)
    return visit.c.json({})
  })
}

const inWords = (seconds: number): string => seconds < 90 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`
