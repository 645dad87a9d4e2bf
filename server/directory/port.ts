/**
 * The directory: which documents exist, who belongs to them, and the links that let people in. What it says counts, not the document.
 * One contract suite (`test/contract/directory.ts`) holds for every adapter. A change to an unknown document rejects with `not-found`, one
 * to a deleted document with `gone`.
 */
import type { DocumentName, LinkId, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'

export interface Member {
  role: Role
  name: string
}

export interface DirectoryEntry {
  name: DocumentName
  createdAt: number
  /** Of a deleted document: ids and roles of its last members, who may be told that it is gone. */
  members: ReadonlyMap<UserId, Member>
  /** Whom its share links let read: `readerId` of each that was not revoked. */
  readers: ReadonlySet<UserId>
  /** Whom an owner removed, and when: links from before do not let them in again. The latest last. */
  removed: ReadonlyMap<UserId, number>
  /** The document's epoch for as long as nothing is written in it; null in entries of an older version. */
  firstEpoch: string | null
  /** Set: it was deleted (milliseconds since 1970). The entry stays for good, so that no device brings the document back under its name. */
  deletedAt: number | null
}

/**
 * A change of who belongs to a document: pure, and applied to the entry as it is at its turn.
 * @throws SkeinError why nothing is to be changed
 */
export type Decision = (entry: DirectoryEntry) => Partial<Pick<DirectoryEntry, 'members' | 'removed'>>

export interface NewLink {
  /** `join`: an invitation; whoever brings it becomes a member. `read`: whoever brings it reads, without being anybody. */
  kind: 'join' | 'read'
  /** What it gives; `viewer` for `read`. */
  role: Exclude<Role, 'owner'>
  by: UserId
  /** Milliseconds since 1970, as all times here. */
  at: number
  /** Null: it lasts until it is revoked. */
  expiresAt: number | null
  /** How many people it lets in; null: any number. */
  maxUses: number | null
}

export interface Link extends NewLink {
  id: LinkId
  /** How many people it has let in. */
  uses: number
}

/** Called with the entry as it is now, after that is durable. @param ids whose role is another now, members and readers */
export type DirectoryListener = (entry: DirectoryEntry, ids: readonly UserId[]) => void

export interface Directory {
  find(name: DocumentName): Promise<DirectoryEntry | null>
  /** Creates the entry with this owner, or returns the one that exists unchanged (two devices may race). */
  create(name: DocumentName, owner: Principal, at: number): Promise<DirectoryEntry>
  /** Changes who belongs to it; one change after the other. */
  change(name: DocumentName, decide: Decision): Promise<DirectoryEntry>
  /**
   * The membership of `from`, if there is one, becomes that of `to`, who keeps the better role of the two: `from` has become them. Of a
   * document that is deleted or unknown nothing changes. Listeners hear of `to` alone: `from` was not removed.
   */
  moveMember(name: DocumentName, from: UserId, to: { id: UserId, name: string }): Promise<void>
  /** Documents of this kind that the person is a member of, or the link lets read. */
  listOf(user: UserId, prefix: string): Promise<{ name: DocumentName, role: Role, createdAt: number }[]>
  /**
   * A new link with the secret that it is; of that only the hash is stored, so it is told this once.
   * @throws SkeinError `too-many-links`
   */
  makeLink(name: DocumentName, link: NewLink): Promise<{ link: Link, secret: string }>
  /** Those that were not revoked, the oldest first. */
  links(name: DocumentName): Promise<Link[]>
  /** It lets nobody in any more. @throws SkeinError `not-found` when the document has no such link of this kind */
  revokeLink(name: DocumentName, kind: NewLink['kind'], id: LinkId): Promise<void>
  /**
   * Makes the principal a member. Who is one already, in this role or a higher one, stays what they are, and the link is not used.
   * @throws SkeinError `not-found` when the secret is none, or its document was deleted; `link-expired`, `link-used-up`,
   *   `removed-before`, `too-many-members`
   */
  accept(secret: string, principal: Principal, at: number): Promise<DirectoryEntry>
  /** The share link that this is the secret of, expired or not, and its document; null: there is none. */
  readerOf(secret: string): Promise<{ name: DocumentName, link: Link } | null>
  /** Tells of every change of who belongs to a document, in order; a deletion is none. @returns takes the listener off */
  onChanged(listener: DirectoryListener): () => void
  /** Deletes: it leaves all lists and has no name of anybody left. Deleting again changes nothing. */
  remove(name: DocumentName, at: number): Promise<DirectoryEntry>
  /** Deleted documents whose content may still be stored somewhere. */
  toErase(): Promise<DocumentName[]>
  /** The content of the deleted document is gone. */
  erased(name: DocumentName): Promise<void>
}
