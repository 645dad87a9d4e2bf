/** What outlives a server: the log and the directory, and the copy of both that an operator makes now and then. */
import { setMember } from '../../server/directory/membership.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Role } from '../../shared/wire/frame.ts'
import { MemoryDirectory } from '../rig/memory-directory.ts'
import { MemoryDisk } from '../rig/memory-log.ts'
import { BOARD, TALK } from './names.ts'
import { ada } from './people.ts'
import type { Person } from './people.ts'
import type { Write } from './tail.ts'

interface Backup extends Pick<MemoryDisk, 'documents' | 'generation' | 'newEpochsSince'> {
  directory: MemoryDirectory
}

export class DataFolder {
  readonly log = new MemoryDisk()
  /** What a crash left of the last group of records; read at the next start. */
  readonly tail: Write[] = []
  directory = new MemoryDirectory()
  #backup: Backup | null = null
  /** Those who ever were, by document; but for owners. */
  readonly #editors = new Set<string>()

  constructor(people: readonly Person[]) {
    for (const name of [TALK, BOARD]) {
      void this.directory.create(name, ada.principal, 0)
      for (const person of people) this.setRole(name, person, person.role)
    }
  }

  get hasBackup(): boolean {
    return this.#backup !== null
  }

  isDeleted(name: DocumentName): boolean {
    return (this.directory.peek(name)?.deletedAt ?? null) !== null
  }

  roleOf(name: DocumentName, { principal }: Person): Role | undefined {
    return this.directory.peek(name)?.members.get(principal.id)?.role
  }

  setRole(name: DocumentName, { principal }: Person, role: Role): void {
    if (role === 'editor') this.#editors.add(`${name} ${principal.id}`)
    // Nobody has a role in what was deleted.
    this.directory.change(name, setMember({ ...principal, role })).catch(() => null)
  }

  /** Whoever may ever have written may do so again, so that nothing that they wrote is stuck. */
  makeEditorsAgain(people: readonly Person[]): void {
    for (const name of [TALK, BOARD]) {
      for (const person of people) if (this.#editors.has(`${name} ${person.principal.id}`)) this.setRole(name, person, 'editor')
    }
  }

  backUp(): void {
    const { documents, generation, newEpochsSince } = this.log
    this.#backup = { documents: structuredClone(documents), generation, newEpochsSince, directory: this.directory.copy() }
  }

  /** @returns what the log held until now */
  putBackupInPlace(leap: number): MemoryDisk['documents'] {
    const { log } = this
    const before = new Map(log.documents)
    if (!this.#backup) return before
    this.tail.length = 0
    log.documents.clear()
    for (const [name, document] of structuredClone(this.#backup.documents)) log.documents.set(name, document)
    log.generation = this.#backup.generation
    log.newEpochsSince = this.#backup.newEpochsSince
    log.beginNewEpochs(leap)
    this.directory = this.#backup.directory.copy()
    return before
  }
}
