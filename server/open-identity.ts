/** The part of the composition root that says who people are here: the identity that `SKEIN_AUTH` names, with its tokens and tickets. */
import { callerOf } from './api/context.ts'
import type { Config } from './config.ts'
import { openAccounts } from './identity/accounts/open-accounts.ts'
import { createGuestIdentity } from './identity/guest-cookie.ts'
import { createJwtIdentity } from './identity/jwt/jwt-identity.ts'
import type { JwtIdentityOptions } from './identity/jwt/jwt-identity.ts'
import { createNoIdentity } from './identity/none.ts'
import type { Identity } from './identity/port.ts'
import { loadSecret } from './identity/secret.ts'
import type { TokenStore } from './identity/tokens/leveldb-tokens.ts'
import { withTokens } from './identity/with-tokens.ts'
import { readJwtConfig } from './jwt-config.ts'
import { createAudit, createSampledAudit } from './telemetry/audit.ts'
import type { Logger } from './telemetry/port.ts'
import type { RandomBytes } from '../shared/ids.ts'

export interface IdentityOptions {
  config: Config
  store: TokenStore
  logger: Logger
  random: RandomBytes
}

export type OpenIdentity = ReturnType<typeof withTokens> & { close: () => Promise<void> }

export const openIdentity = async (options: IdentityOptions): Promise<OpenIdentity> => {
  const { config: { secret: given, dataFolder }, random } = options
  const secret = await loadSecret({ given, dataFolder, random })
  const { people, close } = await peopleOf(options, secret)
  return { ...addTokens(options, people, secret), close }
}

type OpenPeople = { people: Identity, close: () => Promise<void> }

const peopleOf = async ({ config, logger, random }: IdentityOptions, secret: Uint8Array): Promise<OpenPeople> => {
  switch (config.auth) {
    case 'none':
      return { people: createNoIdentity(), close: async () => {} }
    case 'jwt':
      return {
        people: createJwtIdentity({ ...await readJwtConfig(process.env), now: Date.now, ...jwtReports(logger) }),
        close: async () => {},
      }
    case 'accounts': {
      const people = await openAccounts(config.dataFolder, config.accounts, {
        secret, guests: createGuestIdentity({ secret, now: Date.now, random }),
        publicOrigin: config.edge.publicUrl?.origin ?? null, callerOf,
        carryOver: async () => {}, aliases: { aliasesOf: async () => [] },
        now: Date.now, random, audit: createAudit(logger),
        failed: (what, error) => logger.error({ err: error }, `accounts: ${what}`),
      })
      return { people, close: () => people.close() }
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

/** @param people whom people sign in with */
export const addTokens = (
  { store, logger, random }: Pick<IdentityOptions, 'store' | 'logger' | 'random'>, people: Identity, secret: Uint8Array,
): ReturnType<typeof withTokens> => {
  const audit = createSampledAudit(createAudit(logger), Date.now)
  return withTokens({
    people, store, secret, random, now: Date.now,
    onRefused: (what, address) => audit(address, 'credential.refused', { outcome: 'refused', address, about: { what } }),
    onError: error => logger.warn({ err: error }, 'when a token was last used could not be noted'),
  })
}
