/** Signing in with an account from elsewhere: OpenID Connect with PKCE, state, nonce, and ID tokens checked against the provider's keys. */
import * as schemas from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { BASE_PATH } from './engine.ts'
import { asked } from './visit.ts'
import type { Routes, Visit } from './visit.ts'

/** The app's pages that follow; what went wrong stands behind `?error=`. */
const [SIGN_IN, ACCOUNT] = ['/sign-in', '/account'] as const

export const providerRoutes: Routes = (on, accounts) => {
  const { providers, signUp } = accounts.options

  const url = async (visit: Visit, provider: string): Promise<string> => {
    const { code, link } = await visit.body(schemas.providerSignIn)
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

  // The one answer that the browser shows itself: whatever happens, a page of the app follows.
  on('get', '/callback/:id', async visit => {
    const { search } = new URL(visit.c.req.url)
    const id = encodeURIComponent(visit.c.req.param('id') ?? '')
    const request = new Request(`${visit.origin}${BASE_PATH}/callback/${id}${search}`, { headers: visit.headers })
    const answer = await accounts.makeAccount(() => visit.engine.handler(request))
    const location = answer.headers.get('location')
    const found = await visit.welcome(answer.headers, id)
    if (!found && !location?.startsWith(`${visit.origin}${ACCOUNT}`)) visit.audit('sign-in.failed', 'refused', null, { how: id })
    return visit.c.redirect(location ?? `${SIGN_IN}?error=${await codeOf(answer)}`)
  })
}

const codeOf = async (answer: Response): Promise<string> => {
  const body: unknown = await answer.json().catch(() => null)
  const code = typeof body === 'object' && body !== null && 'code' in body ? String(body.code) : 'internal'
  return encodeURIComponent(code.toLowerCase())
}
