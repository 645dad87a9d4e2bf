/** The account that is signed in: what it is, where else it is signed in, and the way out. */
import * as schemas from '../../../shared/api/account-schemas.ts'
import type { Account } from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { writeSessionCookie } from './session-cookie.ts'
import type { SignedInAccount } from './sessions.ts'
import { asked } from './visit.ts'
import type { Routes } from './visit.ts'

export const ownAccountRoutes: Routes = (on, accounts) => {
  on('get', '/account', async visit => {
    const { user } = await visit.session()
    const linked = await asked(visit.engine.api.listUserAccounts({ headers: visit.headers }))
    const answer: Account = {
      id: user.id,
      name: user.name,
      email: user.email,
      emailConfirmed: user.emailVerified,
      role: user.role,
      hasPassword: linked.some(({ providerId }) => providerId === 'credential'),
      providers: linked.map(({ providerId }) => providerId).filter(id => id !== 'credential'),
    }
    return visit.c.json(answer)
  })

  on('patch', '/account', async visit => {
    const who = await visit.session()
    const { name } = await visit.body(schemas.changeAccount)
    await asked(visit.engine.api.updateUser({ body: { name }, headers: visit.headers }))
    accounts.sessions.forget()
    visit.audit('account.changed', 'done', who)
    return visit.c.json({})
  })

  on('get', '/sessions', async visit => {
    const { session: own, user } = await visit.session()
    const { internalAdapter } = await visit.engine.$context
    const all = await internalAdapter.listSessions(user.id) as SignedInAccount['session'][]
    const sessions = all.filter(({ expiresAt }) => expiresAt.getTime() > accounts.options.now()).map(session => ({
      id: session.id,
      current: session.id === own.id,
      createdAt: session.createdAt.getTime(),
      lastSeenAt: (session.lastSeenAt ?? session.createdAt).getTime(),
      expiresAt: session.expiresAt.getTime(),
      userAgent: session.userAgent ?? '',
      address: session.ipAddress ?? '',
    } satisfies schemas.Session))
    return visit.c.json({ sessions: sessions.sort((a, b) => b.lastSeenAt - a.lastSeenAt) })
  })

  on('delete', '/sessions/:id', async visit => {
    const who = await visit.session()
    const id = visit.c.req.param('id') ?? ''
    if (!await accounts.devices.end(await accounts.principalOf(who), id)) throw new SkeinError('not-found')
    visit.audit('session.revoked', 'done', who, { session: id })
    return visit.c.body(null, 204)
  })

  // Also where the session has ended already: afterwards nobody is signed in, whatever was before.
  on('post', '/sign-out', async visit => {
    const who = await accounts.sessions.find(visit.cookie)
    if (who) {
      await accounts.sessions.end(who)
      visit.audit('signed-out', 'done', who)
    }
    visit.setCookie(writeSessionCookie('', visit.secure, '', 0))
    return visit.c.json({})
  })
}
