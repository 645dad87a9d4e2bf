/** The export of a person from a data folder that no server uses, for the operator's command. */
import { openLevelDbDirectory } from './directory/leveldb-directory.ts'
import type { AccountsConfig } from './identity/accounts-port.ts'
import { openAccounts } from './identity/accounts/open-accounts.ts'
import { openLevelDbAliases } from './identity/aliases/leveldb-aliases.ts'
import { openLevelDbDevices } from './identity/devices/leveldb-devices.ts'
import { createGuestIdentity } from './identity/guest-cookie.ts'
import { openProviderKeys } from './identity/provider-keys.ts'
import { guestName } from './identity/guest-name.ts'
import { openLevelDbBots } from './identity/bots/leveldb-bots.ts'
import { LevelDbTokens } from './identity/tokens/leveldb-tokens.ts'
import type { LevelDbLog } from './log/leveldb/leveldb-log.ts'
import { createPersonExport } from './person-export.ts'
import { parseUserId } from '../shared/ids.ts'
import type { RandomBytes } from '../shared/ids.ts'
import type { Principal } from '../shared/principal.ts'
import { systemTimers } from '../shared/timers.ts'

export interface StoppedOptions {
  data: string
  accounts: AccountsConfig
  log: LevelDbLog
  /** An e-mail address or an id. */
  wanted: string
  random: RandomBytes
}

/** @returns null when there is no such person */
export const exportStopped = async ({ data, accounts, log, wanted, random }: StoppedOptions): Promise<AsyncIterable<string> | null> => {
  const [{ store }, now] = [log, Date.now]
  const directory = openLevelDbDirectory({ store, random })
  const [aliases, devices] = [openLevelDbAliases(store), await openLevelDbDevices(store, now)]
  // Nobody signs in by this process.
  const secret = random(new Uint8Array(32))
  const guests = createGuestIdentity({ secret, now, random, aliases, devices })
  const people = await openAccounts(data, accounts, {
    secret, guests, away: devices, aliases, carryOver: async () => {}, publicOrigin: null, overHttps: null,
    callerOf: () => ({ address: '', secure: false, host: undefined }), now, after: systemTimers.after, random, audit: () => {}, failed: () => {},
    providerKeys: { keys: openProviderKeys({ dataFolder: data, secrets: async () => [secret], now, random }), wanted: [] },
  })
  const found = await people.accountOf(wanted)
  const id = found?.id ?? parseUserId(wanted)
  const known = id && [...await aliases.aliasesOf(id)]
  if (!id || !known || (!found && !id.startsWith('guest-'))) {
    await people.close()
    return null
  }
  const who: Principal = {
    kind: found ? 'user' : 'guest', id, name: found?.name ?? guestName(id), ...known.length > 0 && { aliases: known }
  }
  const bots = openLevelDbBots({ store, random, now })
  const tokens = new LevelDbTokens({ store, bots, random, now, onError: () => {} })
  return closing(createPersonExport({ directory, log, leaving: people.leaving, tokens, bots, now })(who), () => people.close())
}

const closing = async function* (lines: AsyncIterable<string>, close: () => Promise<void>): AsyncGenerator<string> {
  try {
    yield* lines
  } finally {
    await close()
  }
}
