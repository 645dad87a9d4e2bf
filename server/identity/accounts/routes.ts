/** What accounts serve under `/api/auth`: each route by itself, no door of better-auth's is open that is not named here. */
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { AuthOptions } from '../../../shared/api/account-schemas.ts'
import type { Accounts } from './accounts.ts'
import { adminRoutes } from './admin-routes.ts'
import { createLockout } from './lockout.ts'
import { ownAccountRoutes } from './own-account-routes.ts'
import { passkeyRoutes } from './passkey-routes.ts'
import { passwordRoutes } from './password-routes.ts'
import { providerKeyRoutes } from './provider-key-routes.ts'
import { providerRoutes } from './provider-routes.ts'
import { Visit } from './visit.ts'
import type { Routes } from './visit.ts'

export const accountRoutes = (accounts: Accounts): Hono => {
  const app = new Hono()
  const on: Parameters<Routes>[0] = (method, path, handler) => app[method](path, (c: Context) => handler(new Visit(accounts, c)))
  const { signUp, providers } = accounts.options
  const options: AuthOptions = { signUp, providers: providers.map(({ id, name }) => ({ id, name })), mail: accounts.sendsMail }

  app.get('/options', c => c.json(options))
  passwordRoutes(createLockout(accounts.options.now))(on, accounts)
  for (const routes of [ownAccountRoutes, passkeyRoutes, providerRoutes, adminRoutes, providerKeyRoutes(accounts.options.providerKeys)]) {
    routes(on, accounts)
  }
  return app
}
