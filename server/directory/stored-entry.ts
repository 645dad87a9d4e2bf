/** How entries and links of the directory lie in the database. A field that an older version did not write is read as what it meant. */
import { createHash } from 'node:crypto'
import { uuidFromDigest } from '../../shared/ids.ts'
import type { DocumentName, LinkId, UserId } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { del, fromJson, putJson } from '../log/store-port.ts'
import type { Key, Operation } from '../log/store-port.ts'
import type { DirectoryEntry, Link, Member, NewLink } from './port.ts'

/** Members as pairs: a person's id may be `__proto__`, which an object could not hold. */
interface StoredEntry {
  createdAt: number
  members: [id: UserId, member: Member][]
  readers?: UserId[]
  removed?: [id: UserId, at: number][]
  firstEpoch?: string | null
  deletedAt?: number | null
}

/** Before links could expire, be counted and be listed, all were invitations for any number of people. */
interface StoredLink extends Pick<NewLink, 'role' | 'by' | 'at'>, Partial<Pick<Link, 'kind' | 'expiresAt' | 'maxUses' | 'uses'>> {
  document: DocumentName
}

export interface StoredMembership {
  role: Role
  createdAt: number
}

export const entryKey = (name: DocumentName): Key => ['skein', 'directory', name]
export const membershipKey = (user: UserId, name: DocumentName): Key => ['skein', 'membership', user, name]
export const eraseKey = (name: DocumentName): Key => ['skein', 'erase', name]
/** @param hash of the link's secret */
export const linkKey = (hash: string): Key => ['skein', 'invitation', hash]
/** A document's links; the value is the hash of the secret. */
export const linkIndexKey = (name: DocumentName, id: LinkId): Key => ['skein', 'link', name, id]
/** Present: every link stands in the index. */
export const indexedKey: Key = ['skein', 'links-indexed']

export const decodeEntry = (name: DocumentName, value: Uint8Array): DirectoryEntry => {
  const { createdAt, members, readers = [], removed = [], firstEpoch = null, deletedAt = null } = fromJson<StoredEntry>(value)
  return { name, createdAt, members: new Map(members), readers: new Set(readers), removed: new Map(removed), firstEpoch, deletedAt }
}

export const putEntry = ({ name, createdAt, members, readers, removed, firstEpoch, deletedAt }: DirectoryEntry): Operation => {
  const more = { ...readers.size > 0 && { readers: [...readers] }, ...removed.size > 0 && { removed: [...removed] } }
  const stored: StoredEntry = { createdAt, members: [...members], ...more, firstEpoch, deletedAt }
  return putJson(entryKey(name), stored)
}

/** What the index per person says of the ids that the change concerns. */
export const putMemberships = ({ name, createdAt, members, readers }: DirectoryEntry, ids: readonly UserId[]): Operation[] =>
  ids.map(id => {
    const role = members.get(id)?.role ?? (readers.has(id) ? 'viewer' : undefined)
    const key = membershipKey(id, name)
    return role ? putJson(key, { role, createdAt } satisfies StoredMembership) : del(key)
  })

/** A link, where it lies, and whom it lets in. */
export interface HeldLink {
  document: DocumentName
  hash: string
  link: Link
}

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

/** Tells nothing of the secret, and is the same for a link that was made before links had ids. */
export const linkIdOf = (hash: string): LinkId => uuidFromDigest(createHash('sha256').update(`link ${hash}`).digest()) as LinkId

export const decodeLink = (hash: string, value: Uint8Array): HeldLink => {
  const { document, kind = 'join', role, by, at, expiresAt = null, maxUses = null, uses = 0 } = fromJson<StoredLink>(value)
  return { document, hash, link: { id: linkIdOf(hash), kind, role, by, at, expiresAt, maxUses, uses } }
}

export const putLink = ({ document, hash, link: { id: _, ...link } }: HeldLink): Operation =>
  putJson(linkKey(hash), { document, ...link } satisfies StoredLink)

export const putIndex = ({ document, hash, link }: HeldLink): Operation =>
  putJson(linkIndexKey(document, link.id), hash)

/** Nothing of it stays. */
export const deleteLink = ({ document, hash, link }: HeldLink): Operation[] =>
  [del(linkKey(hash)), del(linkIndexKey(document, link.id))]
