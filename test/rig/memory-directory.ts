/** The directory in memory, for tests of what stands on it. */
import { become, changedIds, join } from '../../server/directory/membership.ts'
import type { Decision, Directory, DirectoryEntry, DirectoryListener, Link, NewLink } from '../../server/directory/port.ts'
import { SkeinError } from '../../shared/errors.ts'
import { readerId } from '../../shared/ids.ts'
import type { DocumentName, LinkId, UserId } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'

export class MemoryDirectory implements Directory {
  readonly #entries = new Map<DocumentName, DirectoryEntry>()
  readonly #toErase = new Set<DocumentName>()
  readonly #links = new Map<string, { name: DocumentName, link: Link }>()
  readonly #listeners = new Set<DirectoryListener>()
  #made = 0

  copy(): MemoryDirectory {
    const copy = new MemoryDirectory()
    for (const [name, entry] of this.#entries) copy.#entries.set(name, entry)
    for (const name of this.#toErase) copy.#toErase.add(name)
    for (const [secret, link] of this.#links) copy.#links.set(secret, link)
    return copy
  }

  /** As it is now. */
  peek(name: DocumentName): DirectoryEntry | null {
    return this.#entries.get(name) ?? null
  }

  get owesErasure(): boolean {
    return this.#toErase.size > 0
  }

  async find(name: DocumentName): Promise<DirectoryEntry | null> {
    return this.peek(name)
  }

  async create(name: DocumentName, owner: Principal, at: number): Promise<DirectoryEntry> {
    const known = this.#entries.get(name)
    if (known) return known
    const members = new Map([[owner.id, { role: 'owner' as const, name: owner.name }]])
    const firstEpoch = `first epoch of ${name}`
    const entry = { name, createdAt: at, members, readers: new Set<never>(), removed: new Map(), firstEpoch, deletedAt: null }
    this.#entries.set(name, entry)
    return entry
  }

  async change(name: DocumentName, decide: Decision): Promise<DirectoryEntry> {
    const entry = this.#existing(name)
    return this.#put(entry, { ...entry, ...decide(entry) })
  }

  async moveMember(name: DocumentName, from: UserId, to: { id: UserId, name: string }): Promise<void> {
    const entry = this.#entries.get(name)
    if (entry?.members.has(from) && entry.deletedAt === null) this.#put(entry, { ...entry, ...become(from, to)(entry) }, id => id !== from)
  }

  async listOf(user: UserId, prefix: string): Promise<{ name: DocumentName, role: Role, createdAt: number }[]> {
    return [...this.#entries.values()].flatMap(({ name, createdAt, members, readers, deletedAt }) => {
      const role = members.get(user)?.role ?? (readers.has(user) ? 'viewer' : undefined)
      return role !== undefined && deletedAt === null && name.startsWith(prefix) ? [{ name, role, createdAt }] : []
    })
  }

  onChanged(listener: DirectoryListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  async makeLink(name: DocumentName, wanted: NewLink): Promise<{ link: Link, secret: string }> {
    const entry = this.#existing(name)
    if ([...this.#links.values()].filter(held => held.name === name).length >= limits.linksPerDocument) throw new SkeinError('too-many-links')
    const secret = `secret-${++this.#made}`
    const link = { id: `link-${this.#made}` as LinkId, ...wanted, uses: 0 }
    this.#links.set(secret, { name, link })
    if (wanted.kind === 'read') this.#put(entry, { ...entry, readers: new Set(entry.readers).add(readerId(link.id)) })
    return { link, secret }
  }

  async links(name: DocumentName): Promise<Link[]> {
    return [...this.#links.values()].filter(held => held.name === name).map(({ link }) => link).sort((a, b) => a.at - b.at)
  }

  async revokeLink(name: DocumentName, kind: NewLink['kind'], id: LinkId): Promise<void> {
    const entry = this.#existing(name)
    const secret = [...this.#links].find(([, held]) => held.name === name && held.link.id === id && held.link.kind === kind)?.[0]
    if (secret === undefined) throw new SkeinError('not-found', 'There is no such link (any more), so nothing was changed.')
    this.#links.delete(secret)
    this.#put(entry, { ...entry, readers: new Set([...entry.readers].filter(reader => reader !== readerId(id))) })
  }

  async accept(secret: string, principal: Principal, at: number): Promise<DirectoryEntry> {
    const held = this.#links.get(secret)
    const entry = held && this.#entries.get(held.name)
    if (held?.link.kind !== 'join' || !entry || entry.deletedAt !== null) throw new SkeinError('not-found')
    const joined = join(entry, held.link, principal, at)
    if (joined === null) return entry
    this.#links.set(secret, { ...held, link: { ...held.link, uses: held.link.uses + 1 } })
    return this.#put(entry, { ...entry, ...joined })
  }

  async readerOf(secret: string): Promise<{ name: DocumentName, link: Link } | null> {
    const held = this.#links.get(secret)
    return held?.link.kind === 'read' ? held : null
  }

  async remove(name: DocumentName, at: number): Promise<DirectoryEntry> {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new SkeinError('not-found')
    if (entry.deletedAt !== null) return entry
    const members = new Map([...entry.members].map(([id, { role }]) => [id, { role, name: '' }]))
    const deleted = { ...entry, members, readers: new Set<never>(), removed: new Map(), deletedAt: at }
    this.#entries.set(name, deleted)
    for (const [secret, link] of this.#links) if (link.name === name) this.#links.delete(secret)
    this.#toErase.add(name)
    return deleted
  }

  async toErase(): Promise<DocumentName[]> {
    return [...this.#toErase]
  }

  async erased(name: DocumentName): Promise<void> {
    this.#toErase.delete(name)
  }

  #existing(name: DocumentName): DirectoryEntry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new SkeinError('not-found')
    if (entry.deletedAt !== null) throw new SkeinError('gone')
    return entry
  }

  #put(before: DirectoryEntry, after: DirectoryEntry, isTold: (id: UserId) => boolean = () => true): DirectoryEntry {
    this.#entries.set(after.name, after)
    const ids = changedIds(before, after).filter(isTold)
    if (ids.length > 0) for (const listener of this.#listeners) listener(after, ids)
    return after
  }
}
