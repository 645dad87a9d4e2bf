/**
 * The part of the composition root that says who people are here: the identity that `SKEIN_AUTH` names, with its tokens and tickets. What
 * an identity needs is loaded with it alone: the library of accounts takes 45 MB.
 */
import type { Adapters } from './app.ts'
import { callerOf } from './api/context.ts'
import { createCarryOvers } from './carry-over.ts'
import type { Config } from './config.ts'
import { overHttps } from './edge/config.ts'
import { openLevelDbAliases } from './identity/aliases/leveldb-aliases.ts'
import { openDeviceLinks } from './identity/devices/device-links.ts'
import { openLevelDbDevices } from './identity/devices/leveldb-devices.ts'
import type { Directory } from './directory/port.ts'
import { openLevelDbDeletions } from './identity/leveldb-deletions.ts'
import { createGuestIdentity } from './identity/guest-cookie.ts'
import type { JwtIdentityOptions } from './identity/jwt/jwt-identity.ts'
import { createNoIdentity } from './identity/none.ts'
import type { Identity } from './identity/port.ts'
import type { ProviderKeysOffer } from './identity/provider-keys-port.ts'
import { loadSecrets } from './identity/secret.ts'
import type { Secrets } from './identity/secret.ts'
import { withTokens } from './identity/with-tokens.ts'
import { readJwtConfig } from './jwt-config.ts'
import type { KeyedStore } from './log/store-port.ts'
import { createAudit, createSampledAudit } from './telemetry/audit.ts'
import type { Logger } from './telemetry/port.ts'
import type { RandomBytes } from '../shared/ids.ts'
import { systemTimers } from '../shared/timers.ts'

export interface IdentityOptions {
  config: Config
  /** Where secrets stand that files of the configuration name. */
  env: Readonly<Record<string, string | undefined>>
  /** Whom people sign in with; the identity that `SKEIN_AUTH` names when left out. */
  people?: Identity
  store: KeyedStore
  directory: Directory
  logger: Logger
  random: RandomBytes
  /** What an admin may store for this server's models. */
  providerKeys: ProviderKeysOffer
}

export type OpenIdentity = ReturnType<typeof withTokens> & Pick<OpenPeople, 'comings' | 'close'>

export const openIdentity = async (options: IdentityOptions): Promise<OpenIdentity> => {
  const { config: { secrets: kept, dataFolder }, random } = options
  const secrets = await loadSecrets({ given: kept, dataFolder, random })
  const given = options.people && { people: options.people, comings: null, close: async () => {} }
  const { people, ...rest } = given ?? await peopleOf(options, secrets)
  return { ...addTokens(options, people, secrets[0]), ...rest }
}

interface OpenPeople {
  people: Identity
  comings: NonNullable<Adapters['comings']> | null
  close: () => Promise<void>
}

const peopleOf = async (
  { config, env, store, directory, logger, random, providerKeys }: IdentityOptions, [secret, ...olderSecrets]: Secrets,
): Promise<OpenPeople> => {
  switch (config.auth) {
    case 'none':
      return { people: createNoIdentity(), comings: null, close: async () => {} }
    case 'jwt': {
      const { createJwtIdentity } = await import('./identity/jwt/jwt-identity.ts')
      return {
        people: createJwtIdentity({ ...await readJwtConfig(env), now: Date.now, ...jwtReports(logger) }),
        comings: null,
        close: async () => {},
      }
    }
    case 'accounts': {
      const { openAccounts } = await import('./identity/accounts/open-accounts.ts')
      const now = Date.now
      const [aliases, devices] = [openLevelDbAliases(store), await openLevelDbDevices(store, now)]
      const kind = { overHttps: overHttps(config.edge) }
      const guests = createGuestIdentity({ ...kind, secret, olderSecrets, now, random, aliases, devices })
      const carryOvers = createCarryOvers({ aliases, directory, revoke: guests.ended, timers: systemTimers, logger })
      const people = await openAccounts(config.dataFolder, config.accounts, {
        secret, olderSecrets, guests, away: devices, publicOrigin: config.edge.publicUrl?.origin ?? null, ...kind, callerOf, providerKeys,
        carryOver: carryOvers.begin, aliases, now, after: systemTimers.after, random, audit: createAudit(logger),
        failed: (what, error) => logger.error({ err: error }, `accounts: ${what}`),
      })
      const deviceLinks = openDeviceLinks({ store, now, random })
      return { people, comings: { carryOvers, deviceLinks, deletionStore: openLevelDbDeletions(store) }, close: () => people.close() }
    }
  }
}

const jwtReports = (logger: Logger): Pick<JwtIdentityOptions, 'onRefused' | 'onError'> => {
  const audit = createSampledAudit(createAudit(logger), Date.now)
  return {
    onRefused: (what, address) => audit(address, 'credential.refused', { outcome: 'refused', address, about: { what } }),
    onError: error => logger.warn({ err: error }, 'an issuer did not tell its keys; those that it told last are good for a day'),
  }
}

const addTokens = (
  { store, logger, random }: Pick<IdentityOptions, 'store' | 'logger' | 'random'>, people: Identity, secret: Uint8Array,
): ReturnType<typeof withTokens> => {
  const audit = createSampledAudit(createAudit(logger), Date.now)
  return withTokens({
    people, store, secret, random, now: Date.now,
    onRefused: (what, address) => audit(address, 'credential.refused', { outcome: 'refused', address, about: { what } }),
    onError: error => logger.warn({ err: error }, 'when a token was last used could not be noted'),
  })
}
