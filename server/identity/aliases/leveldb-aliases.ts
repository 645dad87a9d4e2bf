/**
 * Aliases in the log's database: an entry per guest, an index per person, a note for each becoming that is not carried out. All that one
 * link writes is one batch, so that an entry, its index and its note never differ.
 */
import type { UserId } from '../../../shared/ids.ts'
import { oneAfterAnother } from '../../../shared/keyed-queue.ts'
import { del, fromJson, putJson, under } from '../../log/store-port.ts'
import type { Key, KeyedStore } from '../../log/store-port.ts'
import { NOBODY } from '../aliases-port.ts'
import type { Aliases, CarryOver } from '../aliases-port.ts'
import { RecentAnswers } from '../recent-answers.ts'

type AliasStore = Pick<KeyedStore, 'get' | 'entries' | 'commit'>

/** Guests whose answer is remembered: each request of a guest asks. */
const REMEMBERED = 20_000

const aliasKey = (guest: UserId): Key => ['skein', 'alias', guest]
const indexKey = (person: UserId, guest: UserId): Key => ['skein', 'aliases', person, guest]
const noteKey = (guest: UserId): Key => ['skein', 'carry-over', guest]

export const openLevelDbAliases = (store: AliasStore): Aliases => new LevelDbAliases(store)

class LevelDbAliases implements Aliases {
  readonly #store: AliasStore
  readonly #people = new RecentAnswers<UserId, UserId | null>(REMEMBERED)
  /** Shared with everybody who asked, so never dropped; one entry for each person that came since the start. */
  readonly #aliases = new Map<UserId, Promise<UserId[]>>()
  /** Links are rare, and one may move what another has just written: they are made one after another. */
  readonly #inTurn = oneAfterAnother()

  constructor(store: AliasStore) {
    this.#store = store
  }

  personOf(guest: UserId): Promise<UserId | null> {
    return this.#people.get(guest, async () => {
      const value = await this.#store.get(aliasKey(guest))
      return value === undefined ? null : fromJson<{ person: UserId }>(value).person
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
      await this.#store.commit(moved.flatMap(id => [
        putJson(aliasKey(id), { person }),
        putJson(indexKey(person, id), true),
        del(indexKey(guest, id)),
        // What one of them has not got over yet goes to this person too.
        putJson(noteKey(id), { person, name: becoming.name }),
      ]))
      for (const id of moved) this.#people.drop(id)
      const list = await this.aliasesOf(person)
      list.push(...moved.filter(id => !list.includes(id)))
      return person
    })
  }

  async unfinished(): Promise<CarryOver[]> {
    const [notes = []] = await this.#store.entries([under('skein', 'carry-over')])
    return notes.map(([key, value]) => ({ guest: key[2] as UserId, ...fromJson<Omit<CarryOver, 'guest'>>(value) }))
  }

  carried(guest: UserId): Promise<void> {
    return this.#store.commit([del(noteKey(guest))])
  }

  forget(person: UserId, ids: readonly UserId[]): Promise<void> {
    return this.#inTurn(async () => {
      const list = await this.aliasesOf(person)
      const gone = [...new Set([...ids, ...list])]
      await this.#store.commit(gone.flatMap(id => [putJson(aliasKey(id), { person: NOBODY }), del(indexKey(person, id)), del(noteKey(id))]))
      for (const id of gone) this.#people.drop(id)
      list.length = 0
    })
  }

  async #readAliases(person: UserId): Promise<UserId[]> {
    const [entries = []] = await this.#store.entries([under('skein', 'aliases', person)])
    return entries.map(([key]) => key[3] as UserId)
  }
}
