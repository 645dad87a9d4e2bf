/**
 * The directory in the log's database: one entry per document, an index per person, invitations by the hash of their secret, and a note for
 * each deleted document whose content is still to be erased.
 *
 * Changes to one document are made one after another, each as one durable batch, so an entry and its index never differ.
 */
import { createHash } from 'node:crypto'
import { SkeinError } from '../../shared/errors.ts'
import { uuidFromDigest } from '../../shared/ids.ts'
import type { DocumentName, RandomBytes, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Directory, DirectoryEntry } from './port.ts'
import { KeyedQueue } from './keyed-queue.ts'

type Key = (string | number)[]
type Range = { gte: Key, lte: Key }
type Operation = { type: 'put', key: Key, value: Uint8Array } | { type: 'del', key: Key }

/** What the directory needs of the store that the log keeps open. */
export interface DirectoryStore {
  get(key: Key): Promise<Uint8Array | undefined>
  /** Without those that are damaged, which the store tells of. */
  intactEntries(range: Range): Promise<[Key, Uint8Array][]>
  /** All or nothing; resolves when durable. */
  commit(operations: readonly Operation[]): Promise<void>
}

/** Members as pairs: a person's id may be `__proto__`, which an object could not hold. */
interface StoredEntry {
  createdAt: number
  members: [id: UserId, member: { role: Role, name: string }][]
  firstEpoch?: string | null
  deletedAt?: number | null
}

interface StoredInvitation {
  document: DocumentName
  role: Role
  by: UserId
  at: number
}

interface StoredMembership {
  role: Role
  createdAt: number
}

const SECRET_BYTES = 32
const UUID_BYTES = 16
const RANK: Record<Role, number> = { viewer: 0, editor: 1, owner: 2 }

const better = (role: Role, other: Role | undefined): Role => other !== undefined && RANK[other] > RANK[role] ? other : role

const entryKey = (name: DocumentName): Key => ['skein', 'directory', name]
const membershipKey = (user: UserId, name: DocumentName): Key => ['skein', 'membership', user, name]
const eraseKey = (name: DocumentName): Key => ['skein', 'erase', name]
const invitationKey = (secret: string): Key => ['skein', 'invitation', createHash('sha256').update(secret).digest('hex')]

/** All keys that continue this prefix. */
const under = (...prefix: Key): Range => ({ gte: prefix, lte: [...prefix, 0xffffffff] })

const encode = (value: StoredEntry | StoredInvitation | StoredMembership | true): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value))
const decode = <T>(value: Uint8Array): T => JSON.parse(new TextDecoder().decode(value)) as T

export interface DirectoryOptions {
  store: DirectoryStore
  /** Of cryptographic quality: invitations are made of it. */
  random: RandomBytes
}

export const openLevelDbDirectory = (options: DirectoryOptions): Directory => new LevelDbDirectory(options)

class LevelDbDirectory implements Directory {
  readonly #store: DirectoryStore
  readonly #random: RandomBytes
  readonly #changes = new KeyedQueue<DocumentName>()

  constructor({ store, random }: DirectoryOptions) {
    this.#store = store
    this.#random = random
  }

  async find(name: DocumentName): Promise<DirectoryEntry | null> {
    const value = await this.#store.get(entryKey(name))
    if (value === undefined) return null
    const { createdAt, members, firstEpoch = null, deletedAt = null } = decode<StoredEntry>(value)
    return { name, createdAt, members: new Map(members), firstEpoch, deletedAt }
  }

  create(name: DocumentName, owner: Principal, at: number): Promise<DirectoryEntry> {
    return this.#changes.run(name, async () => await this.find(name) ?? await this.#put(
      { name, createdAt: at, members: new Map(), firstEpoch: uuidFromDigest(this.#random(new Uint8Array(UUID_BYTES))), deletedAt: null },
      { id: owner.id, role: 'owner', name: owner.name },
    ))
  }

  async setMember(name: DocumentName, member: { id: UserId, role: Role, name: string }): Promise<void> {
    await this.#changes.run(name, async () => this.#put(await this.#existing(name), member))
  }

  async moveMember(name: DocumentName, from: UserId, to: { id: UserId, name: string }): Promise<void> {
    await this.#changes.run(name, async () => {
      const entry = await this.find(name)
      const member = entry?.members.get(from)
      if (!entry || !member || entry.deletedAt !== null) return
      const members = new Map(entry.members)
      members.delete(from)
      const role = better(member.role, members.get(to.id)?.role)
      members.set(to.id, { role, name: to.name })
      await this.#store.commit([
        putEntry({ ...entry, members }),
        { type: 'del', key: membershipKey(from, name) },
        { type: 'put', key: membershipKey(to.id, name), value: encode({ role, createdAt: entry.createdAt }) },
      ])
    })
  }

  async listOf(user: UserId, prefix: string): Promise<{ name: DocumentName, role: Role, createdAt: number }[]> {
    const entries = await this.#store.intactEntries(under('skein', 'membership', user))
    return entries
      .map(([key, value]) => ({ name: String(key[3]) as DocumentName, ...decode<StoredMembership>(value) }))
      .filter(({ name }) => name.startsWith(prefix))
  }

  async invite(name: DocumentName, role: Exclude<Role, 'owner'>, by: UserId, at: number): Promise<string> {
    await this.#existing(name)
    const secret = Buffer.from(this.#random(new Uint8Array(SECRET_BYTES))).toString('base64url')
    await this.#store.commit([{ type: 'put', key: invitationKey(secret), value: encode({ document: name, role, by, at }) }])
    return secret
  }

  async accept(secret: string, principal: Principal): Promise<DirectoryEntry | null> {
    const value = await this.#store.get(invitationKey(secret))
    if (value === undefined) return null
    const { document, role } = decode<StoredInvitation>(value)
    return this.#changes.run(document, async () => {
      const entry = await this.find(document)
      if (entry === null || entry.deletedAt !== null) return null
      const current = entry.members.get(principal.id)
      if (current !== undefined && RANK[current.role] >= RANK[role]) return entry
      return this.#put(entry, { id: principal.id, role, name: principal.name })
    })
  }

  remove(name: DocumentName, at: number): Promise<DirectoryEntry> {
    return this.#changes.run(name, async () => {
      const entry = await this.find(name)
      if (entry === null) throw new SkeinError('not-found')
      if (entry.deletedAt !== null) return entry
      const ids = [...entry.members].map(([id, { role }]) => [id, { role, name: '' }] as const)
      const deleted: DirectoryEntry = { ...entry, members: new Map(ids), deletedAt: at }
      await this.#store.commit([
        putEntry(deleted),
        ...ids.map(([id]) => ({ type: 'del', key: membershipKey(id, name) }) as const),
        { type: 'put', key: eraseKey(name), value: encode(true) },
      ])
      return deleted
    })
  }

  async toErase(): Promise<DocumentName[]> {
    const entries = await this.#store.intactEntries(under('skein', 'erase'))
    return entries.map(([key]) => String(key[2]) as DocumentName)
  }

  async erased(name: DocumentName): Promise<void> {
    await this.#store.commit([{ type: 'del', key: eraseKey(name) }])
  }

  async #existing(name: DocumentName): Promise<DirectoryEntry> {
    const entry = await this.find(name)
    if (entry === null) throw new SkeinError('not-found')
    if (entry.deletedAt !== null) throw new SkeinError('gone')
    return entry
  }

  async #put(entry: DirectoryEntry, member: { id: UserId, role: Role, name: string }): Promise<DirectoryEntry> {
    const { name, createdAt } = entry
    const changed = { ...entry, members: new Map(entry.members).set(member.id, { role: member.role, name: member.name }) }
    await this.#store.commit([
      putEntry(changed),
      { type: 'put', key: membershipKey(member.id, name), value: encode({ role: member.role, createdAt }) },
    ])
    return changed
  }
}

const putEntry = ({ name, createdAt, members, firstEpoch, deletedAt }: DirectoryEntry): Operation =>
  ({ type: 'put', key: entryKey(name), value: encode({ createdAt, members: [...members], firstEpoch, deletedAt }) })
