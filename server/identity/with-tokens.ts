/** An identity, and beside it the bots, tokens and tickets that its people make. Whoever shows one of these is looked at by that alone. */
import type { RandomBytes } from '../../shared/ids.ts'
import { openLevelDbBots } from './bots/leveldb-bots.ts'
import type { Bots } from './bots-port.ts'
import { wrapped } from './port.ts'
import type { Identity, Renamed, Revocation } from './port.ts'
import { SealedTickets } from './tickets/sealed-tickets.ts'
import type { Tickets } from './ticket-port.ts'
import type { Tokens } from './token-port.ts'
import { LevelDbTokens } from './tokens/leveldb-tokens.ts'
import type { TokenStore } from './tokens/leveldb-tokens.ts'
import { TOKEN_PREFIX } from './tokens/token-text.ts'

export interface WithTokensOptions {
  /** Whom people sign in with. */
  people: Identity
  store: TokenStore
  /** Of the server; tickets are sealed under a key that is made from it. */
  secret: Uint8Array
  random: RandomBytes
  /** Milliseconds since 1970. */
  now: () => number
  /** A token or ticket was shown that is no good. */
  onRefused: (what: 'token' | 'ticket', address: string) => void
  /** Something about a token could not be noted that nothing depends on. */
  onError: (error: unknown) => void
}

export const withTokens = (options: WithTokensOptions): { identity: Identity, tokens: Tokens, tickets: Tickets, bots: Bots } => {
  const { people, store, secret, random, now, onRefused, onError } = options
  const renew: NonNullable<Identity['renew']> = async principal => {
    const renewed = await tokens.renew(principal)
    return renewed === undefined ? (people.renew ? people.renew(principal) : principal) : renewed
  }
  const registered = openLevelDbBots({ store, random, now })
  const tokens = new LevelDbTokens({
    store, bots: registered, random, now, onError, ...people.renew && { renew: principal => people.renew!(principal) },
    ...people.tokenDays !== undefined && { mostDays: people.tokenDays },
  })
  const tickets = new SealedTickets({ secret, random, now, renew })
  const onRevoked = (listener: (gone: Revocation) => void): (() => void) => {
    const stops = [people.onRevoked(listener), tokens.onRevoked(listener)]
    return () => stops.forEach(stop => stop())
  }
  onRevoked(gone => tickets.revoked(gone))
  const toldOfNames = new Set<(renamed: Renamed) => void>()
  people.onTakenOver?.(async ids => { for (const id of ids) await tokens.endAllOf(id) })
  // A token would outlive its person: an embedder's functions are not asked about it, and of a guest it would be the account's by now.
  people.onRevoked(gone => { if ('user' in gone) tokens.endAllOf(gone.user).catch(onError) })

  const identity = wrapped(people, {
    authenticate: async credentials => {
      // Whoever shows one that is no good is nobody, whatever cookie comes along: it would act as somebody else than it says.
      const { ticket, authorization, address } = credentials
      const token = tokenIn(authorization)
      if (ticket === undefined && token === null) return people.authenticate(credentials)
      const principal = ticket === undefined ? await tokens.authenticate(token!) : await tickets.authenticate(ticket)
      if (!principal) onRefused(ticket === undefined ? 'token' : 'ticket', address)
      return principal
    },
    admitGuest: async (credentials, secure) =>
      credentials.ticket !== undefined || tokenIn(credentials.authorization) !== null ? null : people.admitGuest(credentials, secure),
    onRevoked,
    onRenamed: listener => {
      toldOfNames.add(listener)
      return () => toldOfNames.delete(listener)
    },
    renew,
    ...people.leaving && { leaving: { ...people.leaving, forget: async (person, ids) => {
      for (const { id } of await tokens.listOf(ids)) await tokens.revoke(ids, id)
      for (const { id } of await registered.listOf(ids)) await registered.remove(ids, id)
      await people.leaving!.forget(person, ids)
    } } },
  })
  const bots: Bots = {
    register: (ids, fields) => registered.register(ids, fields),
    find: id => registered.find(id),
    listOf: ids => registered.listOf(ids),
    adopt: (ids, id) => registered.adopt(ids, id),
    change: async (ids, id, fields) => {
      const bot = await registered.change(ids, id, fields)
      if (bot && fields.name !== undefined) for (const tell of toldOfNames) tell({ bot: id, name: bot.name })
      return bot
    },
    // First the bot: from then on no token of it is good; then what is open by one ends.
    remove: async (ids, id) => {
      const removed = await registered.remove(ids, id)
      await tokens.endActingAs(ids, id)
      return removed
    },
  }
  return { identity, tokens, tickets, bots }
}

/** Null: the header is somebody else's business, such as a proxy's. */
const tokenIn = (authorization: string | undefined): string | null => {
  const [, token] = /^bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  return token?.startsWith(TOKEN_PREFIX) ? token : null
}
