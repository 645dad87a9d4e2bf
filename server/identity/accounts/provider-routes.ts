/** Signing in with an account from elsewhere: OpenID Connect with PKCE, state, nonce, and ID tokens checked against the provider's keys. */
import * as schemas from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { BASE_PATH } from './engine.ts'
import { asked } from './visit.ts'
import type { SignedInAccount } from './sessions.ts'
import type { Routes, Visit } from './visit.ts'

/** The app's pages that follow; what went wrong stands behind `?error=`. */
const [SIGN_IN, ACCOUNT] = ['/sign-in', '/account'] as const
const SIGN_IN_AGAIN = 'sign_in_again'
/** What the library calls a password. */
const PASSWORD = 'credential'

export const providerRoutes: Routes = (on, accounts) => {
  const { providers, signUp } = accounts.options

  const url = async (visit: Visit, provider: string): Promise<string> => {
    const { code, link } = await visit.body(schemas.providerSignIn)
    // Whoever is let in by it is let in for good.
    if (link) await visit.freshSession()
    const { api } = visit.engine
    const back = { provider, callbackURL: `${visit.origin}${link ? ACCOUNT : '/'}`, errorCallbackURL: `${visit.origin}${link ? ACCOUNT : SIGN_IN}` }
    const call = { headers: visit.headers, returnHeaders: true } as const
    const { headers, response } = await asked(link
      ? api.linkSocialAccount({ ...call, body: back })
      : api.signInSocial({ ...call, body: { ...back, requestSignUp: signUp !== 'closed', ...code && { additionalData: { inviteCode: code } } } }))
    for (const cookie of headers.getSetCookie()) visit.setCookie(cookie)
    return response.url ?? ''
  }

  on('post', '/providers/:id', async visit => {
    const id = visit.c.req.param('id') ?? ''
    if (!providers.some(provider => provider.id === id)) throw new SkeinError('not-found')
    try {
      return visit.c.json({ url: await url(visit, id) })
    } catch (error) {
      if (error instanceof SkeinError && error.code === 'unavailable') accounts.forgetEngine(visit.origin)
      throw error
    }
  })

  on('delete', '/providers/:id', async visit => {
    const who = await visit.freshSession()
    const id = visit.c.req.param('id') ?? ''
    const { adapter, internalAdapter } = await visit.engine.$context
    const where = [{ field: 'userId', value: who.user.id }]
    const all = await internalAdapter.findAccounts(who.user.id)
    if (id === PASSWORD || all.every(({ providerId }) => providerId !== id)) throw new SkeinError('not-found')
    if (all.every(({ providerId }) => providerId === id) && await adapter.count({ model: 'passkey', where }) === 0) {
      throw new SkeinError('not-allowed', 'It is the only way into your account, so it stays. Add a passkey or choose a password first.')
    }
    await adapter.deleteMany({ model: 'account', where: [...where, { field: 'providerId', value: id }] })
    visit.audit('account.unlinked', 'done', who, { how: id })
    return visit.c.body(null, 204)
  })

  // The one answer that the browser shows itself: whatever happens, a page of the app follows.
  on('get', '/callback/:id', async visit => {
    const { search } = new URL(visit.c.req.url)
    const id = encodeURIComponent(visit.c.req.param('id') ?? '')
    const request = new Request(`${visit.origin}${BASE_PATH}/callback/${id}${search}`, { headers: visit.headers })
    const adds = await linkedBy(visit)
    if (adds === 'somebody else') return visit.c.redirect(`${ACCOUNT}?error=${SIGN_IN_AGAIN}`)
    const answer = await accounts.makeAccount(() => visit.engine.handler(request))
    if (adds && !await visit.isStill(adds)) {
      const { adapter } = await visit.engine.$context
      await adapter.deleteMany({ model: 'account', where: [
        { field: 'userId', value: adds.user.id }, { field: 'createdAt', operator: 'gte', value: new Date(visit.begunAt) },
      ] })
      return visit.c.redirect(`${ACCOUNT}?error=${SIGN_IN_AGAIN}`)
    }
    const location = answer.headers.get('location')
    if (adds && !location?.includes('error=')) visit.audit('account.linked', 'done', adds, { how: id })
    const found = await visit.welcome(answer.headers, id)
    if (!found && !location?.startsWith(`${visit.origin}${ACCOUNT}`)) visit.audit('sign-in.failed', 'refused', null, { how: id })
    return visit.c.redirect(location ?? `${SIGN_IN}?error=${await codeOf(answer)}`)
  })
}

/**
 * Who adds the provider's account to theirs by coming back from it: the library believes what was noted when they went there, but the
 * session may have ended since. Null: it is a sign-in.
 */
const linkedBy = async (visit: Visit): Promise<SignedInAccount | 'somebody else' | null> => {
  const { internalAdapter } = await visit.engine.$context
  const noted = await internalAdapter.findVerificationValue(visit.c.req.query('state') ?? '')
  const userId = noted && linkOf(noted.value)
  if (!userId) return null
  const who = await visit.session().catch(() => null)
  return who?.user.id === userId ? who : 'somebody else'
}

/** Of a sign-in's notes, which are the library's. */
const linkOf = (value: string): string | null => {
  try {
    const notes = JSON.parse(value) as { link?: { userId?: unknown } } | null
    return notes?.link === undefined ? null : String(notes.link.userId)
  } catch {
    return null // of another kind
  }
}

const codeOf = async (answer: Response): Promise<string> => {
  const body: unknown = await answer.json().catch(() => null)
  const code = typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : 'internal'
  return encodeURIComponent(code.toLowerCase())
}
