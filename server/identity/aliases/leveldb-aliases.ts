/**
 * Aliases in the log's database: an entry per guest, an index per person, a note for each becoming that is not carried out. All that one
 * link writes is one batch, so that an entry, its index and its note never differ.
 */
import type { UserId } from '../../../shared/ids.ts'
import type { Aliases, CarryOver } from '../aliases-port.ts'
import { RecentAnswers } from './recent-answers.ts'

type Key = (string | number)[]
type Operation = { type: 'put', key: Key, value: Uint8Array } | { type: 'del', key: Key }

/** What this needs of the store that the log keeps open. */
export interface AliasStore {
  get(key: Key): Promise<Uint8Array | undefined>
  entries(ranges: readonly { gte: Key, lte: Key }[]): Promise<[Key, Uint8Array][][]>
  /** All or nothing; resolves when durable. */
  commit(operations: readonly Operation[]): Promise<void>
}

/** Guests whose answer is remembered: each request of a guest asks. */
const REMEMBERED = 20_000

/** Of somebody who is no more. No account and no guest has this id. */
const NOBODY = 'nobody' as UserId

const aliasKey = (guest: UserId): Key => ['skein', 'alias', guest]
const indexKey = (person: UserId, guest: UserId): Key => ['skein', 'aliases', person, guest]
const noteKey = (guest: UserId): Key => ['skein', 'carry-over', guest]
const under = (...prefix: Key): { gte: Key, lte: Key } => ({ gte: prefix, lte: [...prefix, 0xffffffff] })

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const decode = <T>(value: Uint8Array): T => JSON.parse(new TextDecoder().decode(value)) as T

export const openLevelDbAliases = (store: AliasStore): Aliases => new LevelDbAliases(store)

class LevelDbAliases implements Aliases {
  readonly #store: AliasStore
  readonly #people = new RecentAnswers<UserId, UserId | null>(REMEMBERED)
  /** Shared with everybody who asked, so never dropped; one entry for each person that came since the start. */
  readonly #aliases = new Map<UserId, Promise<UserId[]>>()
  /** Links are rare, and one may move what another has just written: they are made one after another. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(store: AliasStore) {
    this.#store = store
  }

  personOf(guest: UserId): Promise<UserId | null> {
    return this.#people.get(guest, async () => {
      const value = await this.#store.get(aliasKey(guest))
      return value === undefined ? null : decode<{ person: UserId }>(value).person
    })
  }

  aliasesOf(person: UserId): Promise<UserId[]> {
    const known = this.#aliases.get(person)
    if (known) return known
    const read = this.#readAliases(person)
    this.#aliases.set(person, read)
    read.catch(() => this.#aliases.delete(person))
    return read
  }

  link(becoming: CarryOver): Promise<UserId> {
    return this.#inTurn(async () => {
      const { guest } = becoming
      const before = await this.personOf(guest)
      if (before !== null) return before
      const person = await this.personOf(becoming.person) ?? becoming.person
      if (person === guest) return person
      const moved = [guest, ...await this.aliasesOf(guest)]
      // Whether a write that fails was done nobody knows, so nothing remembered counts until it is read again.
      for (const id of moved) this.#people.drop(id)
      await this.#store.commit([
        ...moved.flatMap((id): Operation[] => [
          { type: 'put', key: aliasKey(id), value: encode({ person }) },
          { type: 'put', key: indexKey(person, id), value: encode(true) },
          { type: 'del', key: indexKey(guest, id) },
          // What one of them has not got over yet goes to this person too.
          { type: 'put', key: noteKey(id), value: encode({ person, name: becoming.name }) },
        ]),
      ])
      for (const id of moved) this.#people.drop(id)
      const list = await this.aliasesOf(person)
      list.push(...moved.filter(id => !list.includes(id)))
      return person
    })
  }

  async unfinished(): Promise<CarryOver[]> {
    const [notes = []] = await this.#store.entries([under('skein', 'carry-over')])
    return notes.map(([key, value]) => ({ guest: key[2] as UserId, ...decode<Omit<CarryOver, 'guest'>>(value) }))
  }

  carried(guest: UserId): Promise<void> {
    return this.#store.commit([{ type: 'del', key: noteKey(guest) }])
  }

  forget(person: UserId, ids: readonly UserId[]): Promise<void> {
    return this.#inTurn(async () => {
      const list = await this.aliasesOf(person)
      const gone = [...new Set([...ids, ...list])]
      await this.#store.commit(gone.flatMap((id): Operation[] => [
        { type: 'put', key: aliasKey(id), value: encode({ person: NOBODY }) },
        { type: 'del', key: indexKey(person, id) },
        { type: 'del', key: noteKey(id) },
      ]))
      for (const id of gone) this.#people.drop(id)
      list.length = 0
    })
  }

  async #readAliases(person: UserId): Promise<UserId[]> {
    const [entries = []] = await this.#store.entries([under('skein', 'aliases', person)])
    return entries.map(([key]) => key[3] as UserId)
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work)
    this.#last = result
    return result
  }
}
