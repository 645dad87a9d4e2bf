/** Passkeys: signing in with one, adding and removing them. */
import * as schemas from '../../../shared/api/account-schemas.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { accountLimits as limits } from '../../../shared/limits.ts'
import type { Engine } from './engine.ts'
import { asked } from './visit.ts'
import type { Routes, Visit } from './visit.ts'

/** What the authenticator says; its form is checked where it is verified. */
type Assertion = NonNullable<Parameters<Engine['api']['verifyPasskeyAuthentication']>[0]>['body']['response']

/** What the browser has to ask its authenticator for; the challenge is kept in a cookie. */
const options = async (visit: Visit, made: Promise<{ headers: Headers, response: unknown }>): Promise<Response> => {
  const { headers, response } = await asked(made)
  for (const cookie of headers.getSetCookie()) visit.setCookie(cookie)
  return visit.c.json(response)
}

export const passkeyRoutes: Routes = on => {
  on('post', '/passkey/options', visit =>
    options(visit, visit.engine.api.generatePasskeyAuthenticationOptions({ headers: visit.headers, returnHeaders: true })))

  on('post', '/passkey', async visit => {
    const { response } = await visit.body(schemas.passkeySignIn)
    try {
      const { headers } = await asked(visit.engine.api.verifyPasskeyAuthentication({
        body: { response: response as object as Assertion }, headers: visit.headers, returnHeaders: true,
      }))
      if (!await visit.welcome(headers, 'passkey')) throw new SkeinError('sign-in-failed')
    } catch (error) {
      visit.audit('sign-in.failed', 'refused', null, { code: error instanceof SkeinError ? error.code : 'internal', how: 'passkey' })
      throw error
    }
    return visit.c.json({})
  })

  const listed = async (visit: Visit): Promise<schemas.Passkey[]> => {
    const all = await asked(visit.engine.api.listPasskeys({ headers: visit.headers }))
    return all.map(({ id, name, createdAt, backedUp }) => ({ id, name: name ?? '', createdAt: new Date(createdAt).getTime(), synced: backedUp }))
  }

  on('get', '/passkeys', async visit => {
    await visit.session()
    return visit.c.json({ passkeys: await listed(visit) })
  })

  on('post', '/passkeys/options', async visit => {
    await visit.freshSession()
    if ((await listed(visit)).length >= limits.passkeysPerPerson) {
      throw new SkeinError('not-allowed', `An account has at most ${limits.passkeysPerPerson} passkeys. None was added; remove one that you no longer use.`)
    }
    return options(visit, visit.engine.api.generatePasskeyRegistrationOptions({ headers: visit.headers, returnHeaders: true }))
  })

  on('post', '/passkeys', async visit => {
    const who = await visit.freshSession()
    const { response, name } = await visit.body(schemas.newPasskey)
    const { id } = await asked(visit.engine.api.verifyPasskeyRegistration({ body: { response, name }, headers: visit.headers }))
    if (!await visit.isStill(who)) {
      const { adapter } = await visit.engine.$context
      await adapter.deleteMany({ model: 'passkey', where: [{ field: 'id', value: id }] })
      throw new SkeinError('unauthenticated')
    }
    visit.audit('passkey.added', 'done', who, { passkey: id })
    return visit.c.json({}, 201)
  })

  on('delete', '/passkeys/:id', async visit => {
    const who = await visit.session()
    const id = visit.c.req.param('id') ?? ''
    if (!(await listed(visit)).some(passkey => passkey.id === id)) throw new SkeinError('not-found')
    await asked(visit.engine.api.deletePasskey({ body: { id }, headers: visit.headers }))
    visit.audit('passkey.removed', 'done', who, { passkey: id })
    return visit.c.body(null, 204)
  })
}
