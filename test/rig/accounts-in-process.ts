/** The accounts of a server in the test's own process, over HTTP, with a mail box and passwords that the test can look at and hold up. */
import { randomFillSync } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { hashPassword, verifyPassword } from 'better-auth/crypto'
import { Hono } from 'hono'
import type { MiddlewareHandler } from 'hono'
import type { Kysely, KyselyPlugin } from 'kysely'
import { Accounts } from '../../server/identity/accounts/accounts.ts'
import type { AccountsOptions } from '../../server/identity/accounts/accounts.ts'
import { accountRoutes } from '../../server/identity/accounts/routes.ts'
import { openSqlite } from '../../server/identity/accounts/sqlite.ts'
import type { ProviderKeysOffer } from '../../server/identity/provider-keys-port.ts'
import { createGuestIdentity } from '../../server/identity/guest-cookie.ts'
import { SkeinError, errorTable } from '../../shared/errors.ts'
import { systemTimers } from '../../shared/timers.ts'
import { noDevices, nobodyBecameAnybody } from './no-devices.ts'
import { temporaryFolder } from './server-process.ts'

export interface InProcessAccounts {
  url: string
  accounts: Accounts
  /** `<address> <secret of the link>`, as they were sent. */
  mails: string[]
  close(): Promise<void>
}

export interface InProcessAccountsOptions extends Partial<Pick<AccountsOptions, 'passwords' | 'now' | 'signUp'>> {
  /** Sees each query to the database. */
  plugin?: KyselyPlugin
  /** Around each request. */
  around?: MiddlewareHandler
}

const noKeys: ProviderKeysOffer = { keys: { list: async () => [] } as never, wanted: [] }

export const openAccountsInProcess = async (options: InProcessAccountsOptions = {}): Promise<InProcessAccounts> => {
  const { plugin, around, passwords = { hash: hashPassword, verify: verifyPassword }, now = Date.now, signUp = 'open' } = options
  const folder = await temporaryFolder()
  const store = await openSqlite(join(folder.path, 'accounts.sqlite'))
  const { db } = store.database as { db: Kysely<never> }
  const database = plugin ? { ...store.database as object, db: db.withPlugin(plugin) } as typeof store.database : store.database
  const random = <T extends Uint8Array>(target: T): T => randomFillSync(target)
  const secret = new Uint8Array(32)
  const guests = createGuestIdentity({ secret, now, random, aliases: nobodyBecameAnybody, devices: noDevices })
  const mails: string[] = []
  let callers = 0
  let isClosed = false
  const accounts = await Accounts.open({
    store: { ...store, database },
    secret, guests, away: noDevices, carryOver: async () => {}, aliases: nobodyBecameAnybody,
    publicOrigin: 'http://localhost', overHttps: false, signUp, providers: [], providerKeys: noKeys,
    sendMail: async ({ to, text }) => void mails.push(`${to} ${/#(\S+)/.exec(text)?.[1]}`),
    passwords, routes: accountRoutes, now, after: systemTimers.after, random,
    // Each from an address of its own, so that none has to wait.
    callerOf: () => ({ address: String(++callers), secure: false, host: 'localhost' }),
    audit: () => {},
    // What follows an answer may come when all is closed.
    failed: (_what, error) => { if (error instanceof Error && !isClosed) throw error },
  })
  const app = new Hono()
  app.onError(error => {
    const code = error instanceof SkeinError ? error.code : 'internal'
    return new Response(JSON.stringify({ code }), { status: errorTable[code].status })
  })
  if (around) app.use(around)
  app.route('/api/auth', accounts.routes())
  const server = createServer((request, response) => void getRequestListener(app.fetch)(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    accounts,
    mails,
    close: async () => {
      isClosed = true
      server.closeAllConnections()
      server.close()
      await accounts.close()
      await folder.remove()
    },
  }
}
