/**
 * The directory in the log's database: one entry per document, an index per person, links by the hash of their secret with an index per
 * document, and a note for each deleted document whose content is still to be erased.
 *
 * Changes to one document are made one after another, each as one durable batch, so an entry and what stands beside it never differ.
 */
import { SkeinError } from '../../shared/errors.ts'
import { readerId, uuidFromDigest } from '../../shared/ids.ts'
import type { DocumentName, LinkId, RandomBytes, UserId } from '../../shared/ids.ts'
import { KeyedQueue } from '../../shared/keyed-queue.ts'
import { limits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { del, fromJson, putJson, under } from '../log/store-port.ts'
import type { KeyedStore, Operation } from '../log/store-port.ts'
import { KnownEntries } from './known-entries.ts'
import { become, changedIds, join } from './membership.ts'
import type { Decision, Directory, DirectoryEntry, DirectoryListener, Link, NewLink } from './port.ts'
import * as stored from './stored-entry.ts'
import type { HeldLink } from './stored-entry.ts'

type DirectoryStore = Pick<KeyedStore, 'term' | 'get' | 'intactEntries' | 'commit'>

const SECRET_BYTES = 32
const UUID_BYTES = 16

export interface DirectoryOptions {
  store: DirectoryStore
  /** Of cryptographic quality: links are made of it. */
  random: RandomBytes
}

export const openLevelDbDirectory = (options: DirectoryOptions): Directory => new LevelDbDirectory(options)

class LevelDbDirectory implements Directory {
  readonly #store: DirectoryStore
  readonly #random: RandomBytes
  readonly #changes = new KeyedQueue<DocumentName>()
  readonly #known: KnownEntries
  readonly #listeners = new Set<DirectoryListener>()
  #indexing: Promise<void> | null = null

  constructor({ store, random }: DirectoryOptions) {
    this.#store = store
    this.#random = random
    this.#known = new KnownEntries({
      read: async name => {
        const value = await store.get(stored.entryKey(name))
        return value === undefined ? null : stored.decodeEntry(name, value)
      },
      term: () => store.term,
    })
  }

  find(name: DocumentName): Promise<DirectoryEntry | null> {
    return this.#known.find(name)
  }

  create(name: DocumentName, owner: Principal, at: number): Promise<DirectoryEntry> {
    return this.#changes.run(name, async () => {
      const known = await this.find(name)
      if (known) return known
      const members = new Map([[owner.id, { role: 'owner' as const, name: owner.name }]])
      const firstEpoch = uuidFromDigest(this.#random(new Uint8Array(UUID_BYTES)))
      const entry = { name, createdAt: at, members, readers: new Set<never>(), removed: new Map(), firstEpoch, deletedAt: null }
      return this.#save(entry, stored.putMemberships(entry, [owner.id]))
    })
  }

  change(name: DocumentName, decide: Decision): Promise<DirectoryEntry> {
    return this.#changes.run(name, async () => {
      const entry = await this.#existing(name)
      return this.#commit(entry, { ...entry, ...decide(entry) })
    })
  }

  async moveMember(name: DocumentName, from: UserId, to: { id: UserId, name: string }): Promise<void> {
    await this.#changes.run(name, async () => {
      const entry = await this.find(name)
      if (!entry?.members.has(from) || entry.deletedAt !== null) return
      // Nobody was removed: what the guest has open goes on.
      await this.#commit(entry, { ...entry, ...become(from, to)(entry) }, [], id => id !== from)
    })
  }

  async listOf(user: UserId, prefix: string): Promise<{ name: DocumentName, role: Role, createdAt: number }[]> {
    const entries = await this.#store.intactEntries(under('skein', 'membership', user))
    return entries
      .map(([key, value]) => ({ name: String(key[3]) as DocumentName, ...fromJson<stored.StoredMembership>(value) }))
      .filter(({ name }) => name.startsWith(prefix))
  }

  onChanged(listener: DirectoryListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  // --- Links -----------------------------------------------------------------------------------------------------------------------

  makeLink(name: DocumentName, wanted: NewLink): Promise<{ link: Link, secret: string }> {
    return this.#changes.run(name, async () => {
      const entry = await this.#existing(name)
      if ((await this.#linksOf(name)).length >= limits.linksPerDocument) throw new SkeinError('too-many-links')
      const secret = Buffer.from(this.#random(new Uint8Array(SECRET_BYTES))).toString('base64url')
      const hash = stored.hashOf(secret)
      const link = { id: stored.linkIdOf(hash), ...wanted, uses: 0 }
      const held = { document: name, hash, link }
      const operations = [stored.putLink(held), stored.putIndex(held)]
      if (wanted.kind === 'read') await this.#commit(entry, { ...entry, readers: new Set(entry.readers).add(readerId(link.id)) }, operations)
      else await this.#store.commit(operations)
      return { link, secret }
    })
  }

  async links(name: DocumentName): Promise<Link[]> {
    const held = await this.#linksOf(name)
    return held.map(({ link }) => link).sort((a, b) => a.at - b.at)
  }

  revokeLink(name: DocumentName, kind: NewLink['kind'], id: LinkId): Promise<void> {
    return this.#changes.run(name, async () => {
      const entry = await this.#existing(name)
      const held = (await this.#linksOf(name)).find(({ link }) => link.id === id && link.kind === kind)
      if (!held) throw new SkeinError('not-found', 'There is no such link (any more), so nothing was changed.')
      const readers = [...entry.readers].filter(reader => reader !== readerId(id))
      await this.#commit(entry, { ...entry, readers: new Set(readers) }, stored.deleteLink(held))
    })
  }

  async accept(secret: string, principal: Principal, at: number): Promise<DirectoryEntry> {
    const document = (await this.#linkOf(secret))?.document
    if (document === undefined) throw notAnInvitation()
    return this.#changes.run(document, async () => {
      const held = await this.#linkOf(secret)
      const entry = await this.find(document)
      if (held?.link.kind !== 'join' || entry === null || entry.deletedAt !== null) throw notAnInvitation()
      const joined = join(entry, held.link, principal, at)
      if (joined === null) return entry
      const used = { ...held, link: { ...held.link, uses: held.link.uses + 1 } }
      return this.#commit(entry, { ...entry, ...joined }, [stored.putLink(used)])
    })
  }

  async readerOf(secret: string): Promise<{ name: DocumentName, link: Link } | null> {
    const held = await this.#linkOf(secret)
    return held?.link.kind === 'read' ? { name: held.document, link: held.link } : null
  }

  // --- Deletion --------------------------------------------------------------------------------------------------------------------

  remove(name: DocumentName, at: number): Promise<DirectoryEntry> {
    return this.#changes.run(name, async () => {
      const entry = await this.find(name)
      if (entry === null) throw new SkeinError('not-found')
      if (entry.deletedAt !== null) return entry
      const ids = [...entry.members].map(([id, { role }]) => [id, { role, name: '' }] as const)
      const deleted = { ...entry, members: new Map(ids), readers: new Set<never>(), removed: new Map(), deletedAt: at }
      const links = await this.#linksOf(name)
      return this.#save(deleted, [
        ...[...entry.members.keys(), ...entry.readers].map(id => del(stored.membershipKey(id, name))),
        ...links.flatMap(stored.deleteLink),
        putJson(stored.eraseKey(name), true),
      ])
    })
  }

  async toErase(): Promise<DocumentName[]> {
    const entries = await this.#store.intactEntries(under('skein', 'erase'))
    return entries.map(([key]) => String(key[2]) as DocumentName)
  }

  async erased(name: DocumentName): Promise<void> {
    await this.#store.commit([del(stored.eraseKey(name))])
  }

  async #existing(name: DocumentName): Promise<DirectoryEntry> {
    const entry = await this.find(name)
    if (entry === null) throw new SkeinError('not-found')
    if (entry.deletedAt !== null) throw new SkeinError('gone')
    return entry
  }

  /** @param beside in the same batch @param isTold of whom the listeners hear */
  async #commit(
    before: DirectoryEntry, after: DirectoryEntry, beside: readonly Operation[] = [], isTold: (id: UserId) => boolean = () => true,
  ): Promise<DirectoryEntry> {
    const changed = changedIds(before, after)
    const saved = await this.#save(after, [...stored.putMemberships(after, changed), ...beside])
    const told = changed.filter(isTold)
    if (told.length > 0) for (const listener of this.#listeners) listener(saved, told)
    return saved
  }

  /** @param beside in the same batch */
  async #save(entry: DirectoryEntry, beside: readonly Operation[]): Promise<DirectoryEntry> {
    await this.#store.commit([stored.putEntry(entry), ...beside])
    return this.#known.put(entry)
  }

  async #linkOf(secret: string): Promise<HeldLink | null> {
    const hash = stored.hashOf(secret)
    const value = await this.#store.get(stored.linkKey(hash))
    return value === undefined ? null : stored.decodeLink(hash, value)
  }

  async #linksOf(name: DocumentName): Promise<HeldLink[]> {
    await (this.#indexing ??= this.#index())
    const entries = await this.#store.intactEntries(under('skein', 'link', name))
    const found = await Promise.all(entries.map(async ([, value]): Promise<HeldLink[]> => {
      const hash = fromJson<string>(value)
      const link = await this.#store.get(stored.linkKey(hash))
      return link === undefined ? [] : [stored.decodeLink(hash, link)]
    }))
    return found.flat()
  }

  /** Once for a store of an older version, which had no links of a document to list. */
  async #index(): Promise<void> {
    try {
      if (await this.#store.get(stored.indexedKey) !== undefined) return
      const links = await this.#store.intactEntries(under('skein', 'invitation'))
      const index = links.map(([key, value]) => stored.putIndex(stored.decodeLink(String(key[2]), value)))
      await this.#store.commit([...index, putJson(stored.indexedKey, true)])
    } catch (error) {
      this.#indexing = null
      throw error
    }
  }
}

const notAnInvitation = (): SkeinError => new SkeinError('not-found', 'There is no such invitation. Ask for a new one.')
