/**
 * Tokens in the log's database: one entry per token, under its id, and an index per person. What proves a token is only its hash.
 *
 * A token never allows more than its person may do: what it says is who they are and how far it goes, and roles are looked up at each use
 * like anybody's. One that acts as a bot is that bot for its person, and nobody when the bot is no more.
 */
import type { NewToken, Token } from '../../../shared/api/token-schemas.ts'
import { botLabel } from '../../../shared/bot-label.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { authorIdOf, parseBotId } from '../../../shared/ids.ts'
import type { AgentId, BotId, RandomBytes, UserId } from '../../../shared/ids.ts'
import { oneAfterAnother } from '../../../shared/keyed-queue.ts'
import { limits } from '../../../shared/limits.ts'
import { idsOf } from '../../../shared/principal.ts'
import type { Principal, Scopes } from '../../../shared/principal.ts'
import { del, fromJson, putJson, under } from '../../log/store-port.ts'
import type { Key, KeyedStore, Operation } from '../../log/store-port.ts'
import type { Bots } from '../bots-port.ts'
import type { Identity, Revocation } from '../port.ts'
import type { IssuedToken, Tokens } from '../token-port.ts'
import { formatToken, hashOf, isHashOf, isTokenId, newTokenId, newTokenSecret, parseToken } from './token-text.ts'

export type TokenStore = Pick<KeyedStore, 'get' | 'intactEntries' | 'commit'>

export interface TokensOptions {
  store: TokenStore
  bots: Pick<Bots, 'find'>
  /** Of cryptographic quality: secrets are made of it. */
  random: RandomBytes
  /** Milliseconds since 1970. */
  now: () => number
  /** Who a token's person is by now; left out: as they were when they made it. */
  renew?: Identity['renew'] | undefined
  /** The longest that one lives, in days, whatever it was made with; 0: none is made. As long as any when left out. */
  mostDays?: number
  /** Something about a token could not be noted that nothing depends on. */
  onError: (error: unknown) => void
}

interface StoredToken {
  hash: string
  person: Pick<Principal, 'kind' | 'id' | 'name' | 'vouchedBy'>
  name: string
  scopes: Scopes
  createdAt: number
  /** How long it lives, from when it was made or rotated. */
  days: number
  expiresAt: number
  lastUsedAt: number | null
}

const DAY_MS = 24 * 60 * 60 * 1000
const DEFAULT_DAYS = 90
/** To the hour: it tells whether somebody still needs the token, and costs one write in that time, not one for each request. */
const USE_GRAIN_MS = 60 * 60 * 1000

const tokenKey = (id: string): Key => ['skein', 'token', id]
const indexKey = (person: UserId, id: string): Key => ['skein', 'tokens', person, id]
const putToken = (id: string, token: StoredToken): Operation => putJson(tokenKey(id), token)
const deleteToken = (person: UserId, id: string): Operation[] => [del(tokenKey(id)), del(indexKey(person, id))]

/** What a revocation names. */
const credentialOf = (id: string): string => `token-${id}`

export class LevelDbTokens implements Tokens {
  readonly #options: TokensOptions
  readonly #mostDays: number
  readonly #listeners = new Set<(gone: Revocation) => void>()
  /** Changes are rare, and one that reads what another is about to write would bring back what was revoked: one after another. */
  readonly #inTurn = oneAfterAnother()
  /** Tokens whose use is being noted. */
  readonly #noting = new Set<string>()

  constructor(options: TokensOptions) {
    this.#options = options
    this.#mostDays = options.mostDays ?? limits.tokenDays
  }

  onRevoked(listener: (gone: Revocation) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** @returns null: it is none, or no longer one. Rejects only when the store does. */
  async authenticate(text: string): Promise<Principal | null> {
    const parsed = parseToken(text)
    const stored = parsed && await this.#find(parsed.id)
    if (!stored || !isHashOf(parsed.secret, stored.hash)) return null
    const principal = await this.#principalOf(parsed.id, stored)
    if (principal) this.#noteUse(parsed.id, stored)
    return principal
  }

  /** The principal of a token, as of now. @returns undefined: the credential is not a token's */
  async renew({ credential }: Pick<Principal, 'credential'>): Promise<Principal | null | undefined> {
    if (!credential?.startsWith('token-')) return undefined
    const id = credential.slice('token-'.length)
    const stored = await this.#find(id)
    return stored && this.#principalOf(id, stored)
  }

  create(person: Principal, given: NewToken): Promise<IssuedToken> {
    const { name, scopes: { write = false, actAs, documents }, days = Math.min(DEFAULT_DAYS, this.#mostDays) } = given
    return this.#inTurn(async () => {
      const { random, now, renew } = this.#options
      if (this.#mostDays === 0) throw new SkeinError('not-allowed', 'Nobody makes tokens on this server, so none was made. Its operator can say otherwise.')
      if (days > this.#mostDays) throw new SkeinError('invalid-request', `On this server a token lives ${this.#mostDays} days at most, so none was made. Ask for fewer days, and rotate it in time.`)
      // While this waited for its turn all that the person made may have ended.
      if (renew && !await renew(person)) throw new SkeinError('unauthenticated')
      const known = await this.listOf([person.id])
      if (known.length >= limits.tokensPerPerson) throw new SkeinError('too-many-tokens')
      const id = newTokenId(random)
      const secret = newTokenSecret(random)
      const createdAt = now()
      const token: StoredToken = {
        hash: hashOf(secret),
        person: {
          kind: person.kind, id: person.id, name: person.name, ...person.vouchedBy !== undefined && { vouchedBy: person.vouchedBy },
        },
        name,
        scopes: { read: true, write, ...actAs && { actAs }, ...documents && { documents } },
        createdAt,
        days,
        expiresAt: createdAt + days * DAY_MS,
        lastUsedAt: null,
      }
      await this.#options.store.commit([putToken(id, token), putJson(indexKey(person.id, id), true)])
      return { token: shown(id, token), secret: formatToken({ id, secret }) }
    })
  }

  async listOf(people: readonly UserId[]): Promise<Token[]> {
    const tokens = await this.#entriesOf(people)
    await this.#clear(tokens.filter(({ stored }) => stored === null))
    return tokens.flatMap(({ id, stored }) => stored ? [shown(id, stored)] : [])
      .sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1))
  }

  rotate(people: readonly UserId[], id: string): Promise<IssuedToken | null> {
    return this.#inTurn(async () => {
      const stored = await this.#findOf(people, id)
      if (!stored) return null
      const secret = newTokenSecret(this.#options.random)
      const rotated: StoredToken = { ...stored, hash: hashOf(secret), expiresAt: this.#options.now() + stored.days * DAY_MS }
      await this.#options.store.commit([putToken(id, rotated)])
      this.#tell(id)
      return { token: shown(id, rotated), secret: formatToken({ id, secret }) }
    })
  }

  revoke(people: readonly UserId[], id: string): Promise<boolean> {
    return this.#inTurn(async () => {
      const stored = await this.#findOf(people, id)
      if (!stored) return false
      await this.#options.store.commit(deleteToken(stored.person.id, id))
      this.#tell(id)
      return true
    })
  }

  /** The bot is no more. What these people's tokens let in as it goes with them. */
  endActingAs(people: readonly UserId[], bot: BotId): Promise<void> {
    return this.#inTurn(async () => {
      const acting = (await this.#entriesOf(people)).filter(({ stored }) => stored?.scopes.actAs?.includes(bot))
      if (acting.length === 0) return
      await this.#options.store.commit(acting.flatMap(({ person, id }) => deleteToken(person, id)))
      for (const { id } of acting) this.#tell(id)
    })
  }

  /** All that a person made, who proves nobody any more: whatever they let in goes with them, for good. */
  endAllOf(person: UserId): Promise<void> {
    return this.#inTurn(async () => {
      const ids = (await this.#options.store.intactEntries(under('skein', 'tokens', person))).map(([key]) => String(key[3]))
      if (ids.length === 0) return
      await this.#options.store.commit(ids.flatMap(id => deleteToken(person, id)))
      for (const id of ids) this.#tell(id)
    })
  }

  async #entriesOf(people: readonly UserId[]): Promise<{ person: UserId, id: string, stored: StoredToken | null }[]> {
    const listed = await Promise.all(people.map(person => this.#options.store.intactEntries(under('skein', 'tokens', person))))
    const keys = listed.flat().map(([key]) => ({ person: String(key[2]) as UserId, id: String(key[3]) }))
    return Promise.all(keys.map(async key => ({ ...key, stored: await this.#find(key.id) })))
  }

  /** Nothing is kept of what has expired once its person has looked. */
  async #clear(over: readonly { person: UserId, id: string }[]): Promise<void> {
    if (over.length === 0) return
    await this.#options.store.commit(over.flatMap(({ person, id }) => deleteToken(person, id))).catch(this.#options.onError)
  }

  /** @returns null: there is none, or it has expired */
  async #find(id: string): Promise<StoredToken | null> {
    const value = isTokenId(id) ? await this.#options.store.get(tokenKey(id)) : undefined
    const stored = value && this.#bounded(fromJson<StoredToken>(value))
    return stored && stored.expiresAt > this.#options.now() ? stored : null
  }

  /** One that was made before the limit holds no longer than one that is made now. */
  #bounded(stored: StoredToken): StoredToken {
    const tooMany = Math.max(0, stored.days - this.#mostDays)
    return { ...stored, days: stored.days - tooMany, expiresAt: stored.expiresAt - tooMany * DAY_MS }
  }

  async #findOf(people: readonly UserId[], id: string): Promise<StoredToken | null> {
    const stored = await this.#find(id)
    return stored && people.includes(stored.person.id) ? stored : null
  }

  async #principalOf(id: string, { person, scopes, expiresAt }: StoredToken): Promise<Principal | null> {
    const { renew } = this.#options
    const now: Principal | null = renew ? await renew(person) : person
    if (!now) return null
    const proof = { scopes, credential: credentialOf(id), expiresAt }
    return scopes.actAs ? this.#botOf(now, scopes.actAs, proof) : { ...now, kind: 'service', ...proof }
  }

  /** @returns null: what it is to act as is no bot of theirs (any more). As the person themself it never acts. */
  async #botOf(
    { id, name, aliases }: Principal, [wanted, ...others]: readonly AgentId[], proof: Pick<Principal, 'scopes' | 'credential' | 'expiresAt'>,
  ): Promise<Principal | null> {
    const known = wanted === undefined || others.length > 0 ? null : parseBotId(wanted)
    const bot = known && await this.#options.bots.find(known)
    const of = { id, name, ...aliases && { aliases } }
    if (!bot || !idsOf(of).includes(bot.owner)) return null
    return { kind: 'agent', id: authorIdOf(bot.id), name: botLabel(bot.name, name), bot: { id: bot.id, name: bot.name, of }, ...proof }
  }

  #noteUse(id: string, { lastUsedAt }: StoredToken): void {
    const at = Math.floor(this.#options.now() / USE_GRAIN_MS) * USE_GRAIN_MS
    if (lastUsedAt === at || this.#noting.has(id)) return
    this.#noting.add(id)
    this.#inTurn(async () => {
      const stored = await this.#find(id)
      if (stored && stored.lastUsedAt !== at) await this.#options.store.commit([putToken(id, { ...stored, lastUsedAt: at })])
    }).catch(this.#options.onError).finally(() => this.#noting.delete(id))
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener({ credential: credentialOf(id) })
  }
}

const shown = (id: string, { name, scopes: { read, write, actAs, documents }, createdAt, expiresAt, lastUsedAt }: StoredToken): Token => ({
  id, name, createdAt, expiresAt, lastUsedAt,
  scopes: { read, write, ...actAs && { actAs: [...actAs] }, ...documents && { documents: [...documents] } },
})
