/** Bots in the log's database: one entry per bot, under its id, and an index per person. Both change in one batch. */
import { looksLike } from '../../../shared/bot-name.ts'
import { SkeinError } from '../../../shared/errors.ts'
import { newBotId } from '../../../shared/ids.ts'
import type { BotId, RandomBytes, UserId } from '../../../shared/ids.ts'
import { oneAfterAnother } from '../../../shared/keyed-queue.ts'
import { limits } from '../../../shared/limits.ts'
import { del, fromJson, putJson, under } from '../../log/store-port.ts'
import type { Key, KeyedStore, Operation } from '../../log/store-port.ts'
import type { Bot, BotFields, Bots } from '../bots-port.ts'
import { RecentAnswers } from '../recent-answers.ts'

export interface BotsOptions {
  store: Pick<KeyedStore, 'get' | 'intactEntries' | 'commit'>
  /** Of cryptographic quality. */
  random: RandomBytes
  /** Milliseconds since 1970. */
  now: () => number
}

/** People whose bots are remembered. */
const REMEMBERED = 20_000

type StoredBot = Omit<Bot, 'id'>

const botKey = (id: BotId): Key => ['skein', 'bot', id]
const indexKey = (owner: UserId, id: BotId): Key => ['skein', 'bots', owner, id]

export const openLevelDbBots = (options: BotsOptions): Bots => new LevelDbBots(options)

class LevelDbBots implements Bots {
  readonly #options: BotsOptions
  /** Each message that could be for a bot asks for those of everybody who writes there. */
  readonly #listed = new RecentAnswers<UserId, readonly Bot[]>(REMEMBERED)
  /** How many there are, and what they are called, is looked at before each change: one after another. */
  readonly #inTurn = oneAfterAnother()

  constructor(options: BotsOptions) {
    this.#options = options
  }

  register(people: readonly UserId[], fields: BotFields): Promise<Bot> {
    return this.#inTurn(async () => {
      const { random, now } = this.#options
      const known = await this.listOf(people)
      if (known.length >= limits.botsPerPerson) throw new SkeinError('too-many-bots')
      checkName(fields.name, known)
      const id = newBotId(random)
      const bot: StoredBot = { owner: people[0]!, name: fields.name, description: fields.description, createdAt: now() }
      await this.#commit([bot.owner], [putJson(botKey(id), bot), putJson(indexKey(bot.owner, id), true)])
      return { id, ...bot }
    })
  }

  async find(id: BotId): Promise<Bot | null> {
    const value = await this.#options.store.get(botKey(id))
    return value === undefined ? null : { id, ...fromJson<StoredBot>(value) }
  }

  async listOf(people: readonly UserId[]): Promise<Bot[]> {
    const listed = await Promise.all(people.map(person => this.#listed.get(person, () => this.#readListOf(person))))
    return listed.flat().sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1))
  }

  async adopt(people: readonly UserId[], id: BotId): Promise<boolean> {
    return await this.change(people, id, {}) !== null
  }

  change(people: readonly UserId[], id: BotId, fields: Partial<BotFields>): Promise<Bot | null> {
    return this.#inTurn(async () => {
      const bot = await this.#findOf(people, id)
      if (!bot) return null
      const { id: _, ...changed } = { ...bot, ...fields, owner: people[0]! }
      checkName(changed.name, (await this.listOf(people)).filter(other => other.id !== id))
      await this.#commit([bot.owner, changed.owner], [
        putJson(botKey(id), changed), del(indexKey(bot.owner, id)), putJson(indexKey(changed.owner, id), true),
      ])
      return { id, ...changed }
    })
  }

  remove(people: readonly UserId[], id: BotId): Promise<boolean> {
    return this.#inTurn(async () => {
      const bot = await this.#findOf(people, id)
      if (bot) await this.#commit([bot.owner], [del(botKey(id)), del(indexKey(bot.owner, id))])
      return bot !== null
    })
  }

  async #readListOf(person: UserId): Promise<readonly Bot[]> {
    const entries = await this.#options.store.intactEntries(under('skein', 'bots', person))
    const bots = await Promise.all(entries.map(([key]) => this.find(String(key[3]) as BotId)))
    return bots.filter(bot => bot !== null)
  }

  /** Whether a write that fails was done nobody knows, so nothing remembered counts until it is read again. */
  async #commit(owners: readonly UserId[], operations: readonly Operation[]): Promise<void> {
    try {
      await this.#options.store.commit(operations)
    } finally {
      for (const owner of owners) this.#listed.drop(owner)
    }
  }

  async #findOf(people: readonly UserId[], id: BotId): Promise<Bot | null> {
    const bot = await this.find(id)
    return bot && people.includes(bot.owner) ? bot : null
  }
}

const checkName = (name: string, others: readonly Bot[]): void => {
  if (others.some(other => looksLike(name, other.name))) {
    throw new SkeinError('name-taken', 'Another bot of yours is called like that already, so nothing was changed. Choose another name.')
  }
}
