/** The directory in memory, for tests of what stands on it. */
import { SkeinError } from '../../shared/errors.ts'
import type { DocumentName, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'
import type { Directory, DirectoryEntry } from '../../server/directory/port.ts'

interface Member { id: UserId, role: Role, name: string }

const RANK: Record<Role, number> = { viewer: 0, editor: 1, owner: 2 }

export class MemoryDirectory implements Directory {
  readonly #entries = new Map<DocumentName, DirectoryEntry>()
  readonly #toErase = new Set<DocumentName>()
  readonly #invitations = new Map<string, { name: DocumentName, role: Role }>()

  copy(): MemoryDirectory {
    const copy = new MemoryDirectory()
    for (const [name, entry] of this.#entries) copy.#entries.set(name, entry)
    for (const name of this.#toErase) copy.#toErase.add(name)
    for (const [secret, invitation] of this.#invitations) copy.#invitations.set(secret, invitation)
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
    const fresh = { name, createdAt: at, members: new Map(), firstEpoch: `first epoch of ${name}`, deletedAt: null }
    return this.#entries.get(name) ?? this.#put(fresh, { id: owner.id, role: 'owner', name: owner.name })
  }

  async setMember(name: DocumentName, member: Member): Promise<void> {
    this.#put(this.#existing(name), member)
  }

  async moveMember(name: DocumentName, from: UserId, to: { id: UserId, name: string }): Promise<void> {
    const entry = this.#entries.get(name)
    const member = entry?.members.get(from)
    if (!entry || !member || entry.deletedAt !== null) return
    const members = new Map(entry.members)
    members.delete(from)
    const other = members.get(to.id)?.role
    const role = other !== undefined && RANK[other] > RANK[member.role] ? other : member.role
    this.#entries.set(name, { ...entry, members: members.set(to.id, { role, name: to.name }) })
  }

  async listOf(user: UserId, prefix: string): Promise<{ name: DocumentName, role: Role, createdAt: number }[]> {
    return [...this.#entries.values()].flatMap(({ name, createdAt, members, deletedAt }) => {
      const member = members.get(user)
      return member !== undefined && deletedAt === null && name.startsWith(prefix) ? [{ name, role: member.role, createdAt }] : []
    })
  }

  async invite(name: DocumentName, role: Exclude<Role, 'owner'>): Promise<string> {
    this.#existing(name)
    const secret = `secret-${this.#invitations.size + 1}`
    this.#invitations.set(secret, { name, role })
    return secret
  }

  async accept(secret: string, principal: Principal): Promise<DirectoryEntry | null> {
    const invitation = this.#invitations.get(secret)
    if (invitation === undefined) return null
    const entry = this.#entries.get(invitation.name)
    if (entry === undefined || entry.deletedAt !== null) return null
    const current = entry.members.get(principal.id)
    if (current !== undefined && RANK[current.role] >= RANK[invitation.role]) return entry
    return this.#put(entry, { id: principal.id, role: invitation.role, name: principal.name })
  }

  async remove(name: DocumentName, at: number): Promise<DirectoryEntry> {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new SkeinError('not-found')
    if (entry.deletedAt !== null) return entry
    const deleted = { ...entry, members: new Map([...entry.members].map(([id, { role }]) => [id, { role, name: '' }])), deletedAt: at }
    this.#entries.set(name, deleted)
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

  #put(entry: DirectoryEntry, member: Member): DirectoryEntry {
    const changed = { ...entry, members: new Map(entry.members).set(member.id, { role: member.role, name: member.name }) }
    this.#entries.set(entry.name, changed)
    return changed
  }
}
