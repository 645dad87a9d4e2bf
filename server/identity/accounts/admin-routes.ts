/** What the admin of a server decides: whose accounts are open, and who may make one. To everybody else these routes do not exist. */
import * as schemas from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { parseUserId } from '../../../shared/ids.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import { invitePath } from './mail.ts'
import type { SignedInAccount } from './sessions.ts'
import type { Routes, Visit } from './visit.ts'

export const adminRoutes: Routes = (on, accounts) => {
  const { administration } = accounts

  /** The account that the route names. An admin who is not themself any more could undo nothing. */
  const other = (visit: Visit, who: SignedInAccount): string => {
    const id = parseUserId(visit.c.req.param('id') ?? '')
    if (!id) throw new SkeinError('not-found')
    if (id === who.user.id) throw new SkeinError('not-allowed', 'An admin cannot do this to the account that they are signed in with. Nothing was changed; another admin can.')
    return id
  }

  on('get', '/admin/accounts', async visit => {
    await visit.admin()
    const offset = Number(/^\d{1,9}$/.exec(visit.c.req.query('after') ?? '')?.[0] ?? 0)
    const { adapter } = await visit.engine.$context
    const users = await adapter.findMany<SignedInAccount['user']>({
      model: 'user', limit: limits.accountsPerPage + 1, offset, sortBy: { field: 'createdAt', direction: 'asc' },
    })
    const page = users.slice(0, limits.accountsPerPage)
    const seen = await administration.lastSeen(page.map(({ id }) => id))
    const answer: schemas.AccountsPage = {
      accounts: page.map(({ id, name, email, role, createdAt, disabledAt }) => ({
        id, name, email, role, createdAt: createdAt.getTime(), disabledAt: disabledAt?.getTime() ?? null, lastSeenAt: seen.get(id) ?? null,
      })),
      next: users.length > page.length ? String(offset + page.length) : null,
    }
    return visit.c.json(answer)
  })

  on('patch', '/admin/accounts/:id', async visit => {
    const who = await visit.admin()
    const { disabled, role } = await visit.body(schemas.changeOtherAccount)
    const id = other(visit, who)
    if (disabled !== undefined && !await administration.setDisabled(id, disabled)) throw new SkeinError('not-found')
    if (role !== undefined) {
      if (!await administration.setRole(id, role)) throw new SkeinError('not-found')
      accounts.sessions.forget()
    }
    visit.audit('account.changed', 'done', who, { account: id, ...disabled !== undefined && { disabled }, ...role !== undefined && { role } })
    return visit.c.json({})
  })

  on('post', '/admin/accounts/:id/reset-link', async visit => {
    const who = await visit.admin()
    const id = other(visit, who)
    const path = await administration.createResetPath(id)
    if (path === null) throw new SkeinError('not-found')
    visit.audit('reset-link.created', 'done', who, { account: id })
    const expiresAt = accounts.options.now() + limits.resetLinkHours * 3_600_000
    return visit.c.json({ path, expiresAt } satisfies schemas.NewResetLink, 201)
  })

  on('post', '/admin/invite-codes', async visit => {
    const who = await visit.admin()
    const { code, expiresAt } = await administration.createInviteCode(who.user.id)
    visit.audit('invite-code.created', 'done', who)
    return visit.c.json({ code, path: invitePath(code), expiresAt } satisfies schemas.NewInviteCode, 201)
  })

  on('get', '/admin/invite-codes', async visit => {
    await visit.admin()
    return visit.c.json({ inviteCodes: await administration.inviteCodes() } satisfies schemas.InviteCodes)
  })

  on('delete', '/admin/invite-codes/:id', async visit => {
    const who = await visit.admin()
    if (!await administration.removeInviteCode(visit.c.req.param('id') ?? '')) throw new SkeinError('not-found')
    visit.audit('invite-code.removed', 'done', who)
    return visit.c.body(null, 204)
  })
}
