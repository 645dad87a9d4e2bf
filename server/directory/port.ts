/**
 * The directory: which documents exist, who belongs to them, and the invitations that let people in. What it says counts, not the document.
 * One contract suite (`test/contract/directory.ts`) holds for every adapter. A change to an unknown document rejects with `not-found`, one
 * to a deleted document with `gone`.
 */
import type { DocumentName, UserId } from '../../shared/ids.ts'
import type { Principal } from '../../shared/principal.ts'
import type { Role } from '../../shared/wire/frame.ts'

export interface DirectoryEntry {
  name: DocumentName
  createdAt: number
  /** Of a deleted document: ids and roles of its last members, who may be told that it is gone. */
  members: ReadonlyMap<UserId, { role: Role, name: string }>
  /** The document's epoch for as long as nothing is written in it; null in entries of an older version. */
  firstEpoch: string | null
  /** Set: it was deleted (milliseconds since 1970). The entry stays for good, so that no device brings the document back under its name. */
  deletedAt: number | null
}

export interface Directory {
  find(name: DocumentName): Promise<DirectoryEntry | null>
  /** Creates the entry with this owner, or returns the one that exists unchanged (two devices may race). */
  create(name: DocumentName, owner: Principal, at: number): Promise<DirectoryEntry>
  setMember(name: DocumentName, member: { id: UserId, role: Role, name: string }): Promise<void>
  /**
   * The membership of `from`, if there is one, becomes that of `to`, who keeps the better role of the two: `from` has become them. Of a
   * document that is deleted or unknown nothing changes.
   */
  moveMember(name: DocumentName, from: UserId, to: { id: UserId, name: string }): Promise<void>
  /** Documents of this kind that the person is a member of. */
  listOf(user: UserId, prefix: string): Promise<{ name: DocumentName, role: Role, createdAt: number }[]>
  /** A new secret that lets its bearer in with this role; only its hash is stored. */
  invite(name: DocumentName, role: Exclude<Role, 'owner'>, by: UserId, at: number): Promise<string>
  /** Makes the principal a member (never lowers a role). Null when the secret is none, or its document was deleted. */
  accept(secret: string, principal: Principal): Promise<DirectoryEntry | null>
  /** Deletes: it leaves all lists and has no name of anybody left. Deleting again changes nothing. */
  remove(name: DocumentName, at: number): Promise<DirectoryEntry>
  /** Deleted documents whose content may still be stored somewhere. */
  toErase(): Promise<DocumentName[]>
  /** The content of the deleted document is gone. */
  erased(name: DocumentName): Promise<void>
}
