/** What the admin of a server decides: whose accounts are open, and who may make one. To everybody else these routes do not exist. */
import * as schemas from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import { invitePath } from './mail.ts'
import type { SignedInAccount } from './sessions.ts'
import type { Routes } from './visit.ts'

export const adminRoutes: Routes = (on, accounts) => {
  on('get', '/admin/accounts', async visit => {
    await visit.admin()
    const offset = Number(/^\d{1,9}$/.exec(visit.c.req.query('after') ?? '')?.[0] ?? 0)
    const { adapter } = await visit.engine.$context
    const users = await adapter.findMany<SignedInAccount['user']>({
      model: 'user', limit: limits.accountsPerPage + 1, offset, sortBy: { field: 'createdAt', direction: 'asc' },
    })
    const page = users.slice(0, limits.accountsPerPage)
    const answer: schemas.AccountsPage = {
      accounts: page.map(({ id, name, email, role, createdAt, disabledAt }) =>
        ({ id, name, email, role, createdAt: createdAt.getTime(), disabledAt: disabledAt?.getTime() ?? null })),
      next: users.length > page.length ? String(offset + page.length) : null,
    }
    return visit.c.json(answer)
  })

  on('patch', '/admin/accounts/:id', async visit => {
    const who = await visit.admin()
    const { disabled } = await visit.body(schemas.changeOtherAccount)
    const id = visit.c.req.param('id') ?? ''
    if (id === who.user.id) throw new SkeinError('not-allowed', 'An admin cannot disable the account that they are signed in with. Nothing was changed.')
    if (!await accounts.administration.setDisabled(id, disabled)) throw new SkeinError('not-found')
    visit.audit('account.changed', 'done', who, { account: id, disabled })
    return visit.c.json({})
  })

  on('post', '/admin/invite-codes', async visit => {
    const who = await visit.admin()
    const { code, expiresAt } = await accounts.administration.createInviteCode(who.user.id)
    visit.audit('invite-code.created', 'done', who)
    return visit.c.json({ code, path: invitePath(code), expiresAt } satisfies schemas.NewInviteCode, 201)
  })
}
