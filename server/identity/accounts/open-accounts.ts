/** Opens the accounts of a server by its configuration: for the server itself, and for the commands beside it. */
import { join } from 'node:path'
import type { AccountsConfig } from '../accounts-port.ts'
import { Accounts } from './accounts.ts'
import type { AccountsOptions } from './accounts.ts'
import { createAdministration } from './administration.ts'
import type { Administration } from './administration.ts'
import type { AccountsDatabase } from './database.ts'
import { createEngine, migrate } from './engine.ts'
import { openPostgres } from './postgres.ts'
import { accountRoutes } from './routes.ts'
import { createSmtp } from './smtp.ts'
import { openSqlite } from './sqlite.ts'

export type AccountsSurroundings = Omit<AccountsOptions, 'store' | 'signUp' | 'providers' | 'sendMail' | 'routes'>

/** @throws AccountsError with one line for the operator */
export const openAccounts = async (
  dataFolder: string, { url, smtp, signUp, providers }: AccountsConfig, surroundings: AccountsSurroundings,
): Promise<Accounts> => {
  const store = await openStore(dataFolder, url)
  try {
    return await Accounts.open({ ...surroundings, store, signUp, providers, sendMail: smtp && createSmtp(smtp), routes: accountRoutes })
  } catch (error) {
    await store.close()
    throw error
  }
}

/** For commands beside the server, which may run meanwhile: nobody signs in by this process. */
export const openAdministration = async (
  dataFolder: string, { url }: AccountsConfig, { now, random }: Pick<AccountsSurroundings, 'now' | 'random'>,
): Promise<Administration & { close: () => Promise<void> }> => {
  const store = await openStore(dataFolder, url)
  const nothing = async (): Promise<void> => {}
  const options = {
    store, secret: 'signs nothing here', providers: [], mailer: null,
    hooks: { admit: async () => 'user' as const, admitSession: nothing, sessionEnded: () => {}, failed: () => {} },
  }
  await migrate(options)
  const { $context } = createEngine(options, 'http://localhost')
  return { ...createAdministration({ context: () => $context, now, random, disabled: () => {} }), close: () => store.close() }
}

const openStore = (dataFolder: string, url: string | null): Promise<AccountsDatabase> =>
  url === null ? openSqlite(join(dataFolder, 'accounts.sqlite')) : openPostgres(url)
