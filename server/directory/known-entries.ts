/**
 * The directory's entries that were read or written lately, in bounded memory: a crowd that comes back is let in without the disk.
 *
 * This process alone has the store, so memory may answer for it, under three rules:
 * 1. An entry is put here when it is durable. Who asks after a change was done gets what it made, also when the reading that answers them
 *    began before it.
 * 2. After a failed write, of whatever, nothing that was known counts: whether it is on the disk shows when the store is opened again.
 * 3. Entries are shared by all who ask, so nobody can change one.
 */
import type { DocumentName } from '../../shared/ids.ts'
import { limits } from '../../shared/limits.ts'
import { RecentMap } from '../../shared/recent-map.ts'
import type { DirectoryEntry } from './port.ts'

export interface KnownEntriesPorts {
  read(name: DocumentName): Promise<DirectoryEntry | null>
  /** Another one than before: a write has failed, or the store was opened again after one had. */
  term(): number
}

/** One for all who ask meanwhile. */
interface Reading {
  entry: Promise<DirectoryEntry | null>
  /** What it finds may be no longer so. */
  isOvertaken: boolean
}

export class KnownEntries {
  readonly #ports: KnownEntriesPorts
  readonly #readings = new Map<DocumentName, Reading>()
  #kept = fresh()
  #term: number

  constructor(ports: KnownEntriesPorts) {
    this.#ports = ports
    this.#term = ports.term()
  }

  async find(name: DocumentName): Promise<DirectoryEntry | null> {
    for (;;) {
      this.#followTerm()
      const kept = this.#kept.get(name)
      if (kept) {
        this.#kept.set(name, kept)
        return kept
      }
      const reading = this.#readings.get(name) ?? this.#read(name)
      const entry = await reading.entry
      if (!reading.isOvertaken) return entry
    }
  }

  /** @param entry that is durable @returns what stands for it from now on */
  put(entry: DirectoryEntry): DirectoryEntry {
    this.#followTerm()
    this.#overtake(entry.name)
    return this.#keep(entry)
  }

  /** A name that nobody has is not kept: whoever tries names would put out those that somebody has. */
  #read(name: DocumentName): Reading {
    const entry = this.#ports.read(name).then(found => {
      this.#followTerm()
      return found === null || reading.isOvertaken ? found : this.#keep(found)
    }).finally(() => {
      if (this.#readings.get(name) === reading) this.#readings.delete(name)
    })
    const reading: Reading = { entry, isOvertaken: false }
    this.#readings.set(name, reading)
    return reading
  }

  #keep(entry: DirectoryEntry): DirectoryEntry {
    const fixed = unchangeable(entry)
    this.#kept.set(entry.name, fixed)
    return fixed
  }

  #overtake(name: DocumentName): void {
    const reading = this.#readings.get(name)
    if (reading) reading.isOvertaken = true
    this.#readings.delete(name)
  }

  #followTerm(): void {
    const term = this.#ports.term()
    if (term === this.#term) return
    this.#term = term
    this.#kept = fresh()
    for (const name of [...this.#readings.keys()]) this.#overtake(name)
  }
}

const fresh = (): RecentMap<DirectoryEntry> =>
  new RecentMap(limits.keptMemberships, ({ members, readers, removed }) => 1 + members.size + readers.size + removed.size)

const refuse = (): never => {
  throw new TypeError('An entry of the directory is changed by the directory alone.')
}

const unchangeable = (entry: DirectoryEntry): DirectoryEntry => {
  for (const member of entry.members.values()) Object.freeze(member)
  for (const collection of [entry.members, entry.readers, entry.removed]) {
    for (const change of ['set', 'add', 'delete', 'clear']) Object.defineProperty(collection, change, { value: refuse })
  }
  return Object.freeze(entry)
}
