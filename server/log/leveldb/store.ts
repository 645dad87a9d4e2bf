/**
 * The LevelDB database under the log and the directory: group commit, generations, commit numbers, checksums, and opening it again after a
 * failed write.
 *
 * 1. All writing goes through `commit`; what it reports as done is on disk (with durability `fsync`).
 * 2. After a failed write the database is opened again under a higher generation before anything else is written (see `recovery.ts`).
 * 3. A generation is stored before it is used for anything, and grows at every start that no orderly `close` came before.
 * 4. What the system had not written when the machine stopped is lost without fsync, from anywhere in the store. So after an unclean
 *    stop all documents begin new epochs, as they do when the caller asks for it (a backup was restored). The generation then leaps by
 *    chance: counted on, it would be the same each time that one backup is restored, and the epoch of what it does not hold would be, too.
 * 5. Every batch carries a gapless number (see `commits.ts`) and every value of ours a checksum (see `seal.ts`). What LevelDB leaves out of
 *    its log files at an opening is looked for before, and kept as marks of damage in the first batch.
 */
import { randomInt } from 'node:crypto'
import { SkeinError } from '../../../shared/errors.ts'
import type { DocumentName } from '../../../shared/ids.ts'
import { toJson } from '../store-port.ts'
import type { Key, KeyRange, Operation } from '../store-port.ts'
import { removeBackups } from './backup.ts'
import type { OnBackupRemoved } from './backup.ts'
import { beginning } from './beginning.ts'
import { type CheckedTables, writeChecked } from './checked-tables.ts'
import { commitOperations } from './commits.ts'
import { StoreDamage, describeKey } from './damage.ts'
import { entriesIn, keysIn } from './database.ts'
import type { Database, RangeOptions, WriteBatch } from './database.ts'
import { DataFolderError, dataFolderError } from './data-folder-error.ts'
import { GroupCommit } from './group-commit.ts'
import { cleanKey, generationKey, riskKey, single, stateVectorRange } from './keys.ts'
import type { KeyRangeRest } from './keys.ts'
import { closeDatabase, mustBeWritable, openDatabase } from './open-database.ts'
import type { Lost } from './open-database.ts'
import { headsOfFormat1, isDamage, readPast, salvage } from './past.ts'
import type { Past } from './past.ts'
import { Recovery } from './recovery.ts'
import { isSealed, seal, unseal } from './seal.ts'
import { Scrubber } from './scrubber.ts'
import type { StoreOptions } from './store-options.ts'

const writeBatch: WriteBatch = (database, operations, sync) => database.batch(operations, { sync })

export class Store {
  readonly #database: Database
  readonly #write: WriteBatch
  readonly #commits: GroupCommit<Operation>
  readonly #checked: CheckedTables
  readonly #scrubber = new Scrubber({
    commit: deleted => this.commit(deleted),
    compactRange: ({ gte, lte }) => this.#reading(database => database.compactRange(gte, lte)),
  })
  /** Documents last written under an earlier generation begin a new epoch; 0: none. */
  readonly newEpochsSince: number
  readonly #onDamage: (what: string) => void
  readonly #onBackupRemoved: OnBackupRemoved
  readonly #told = new Set<string>()
  #generation: number
  #lastCommit: number
  readonly #recovery = new Recovery(() => this.#reopen())
  #closing: Promise<void> | null = null

  /** @throws DataFolderError */
  static async open(options: StoreOptions): Promise<Store> {
    const { database, past, lost, checked } = await openDatabase(options.path, (options.now ?? Date.now)())
    try {
      const store = new Store(database, options, past, checked)
      await store.#begin(past, lost, options.durability)
      return store
    } catch (error) {
      await closeDatabase(database)
      throw error instanceof DataFolderError ? error : dataFolderError(options.path, error)
    }
  }

  private constructor(database: Database, options: StoreOptions, past: Past, checked: CheckedTables) {
    const { generation, clean, atRisk, newEpochsSince, lastCommit } = past
    this.#checked = checked
    const { writeBatch: write = writeBatch, durability, beginNewEpochs, now = Date.now, leap = randomLeap } = options
    this.#onDamage = options.onDamage ?? (() => undefined)
    this.#onBackupRemoved = options.onBackupRemoved ?? (() => undefined)
    this.#database = database
    this.#write = write
    this.#lastCommit = lastCommit
    const last = generation ?? now()
    const begins = last > 0 && (beginNewEpochs === true || (!clean && atRisk))
    if (begins) this.#generation = last + 1 + leap()
    else this.#generation = clean && last > 0 ? last : last + 1
    this.newEpochsSince = begins ? this.#generation : newEpochsSince
    const sync = durability === 'fsync'
    this.#commits = new GroupCommit(async (operations) => {
      await this.#recovery.ready
      await this.#writeNumbered(operations, sync)
    }, () => this.#recovery.writeFailed())
  }

  async #begin(past: Past, lost: Lost, durability: StoreOptions['durability']): Promise<void> {
    if (past.format === 1) for await (const heads of headsOfFormat1(this.#database)) await this.#write(this.#database, heads, true)
    const stored = lost.tables.length === 0 ? [] : await this.intactEntries(stateVectorRange)
    const known = stored.map(([key]) => String(key[1]) as DocumentName)
    await this.#writeNumbered(beginning(past, lost, known, this, durability), true)
  }

  async #writeNumbered(operations: readonly Operation[], sync: boolean, generation = this.#generation): Promise<void> {
    const commit = this.#lastCommit + 1
    const numbered = [...operations, ...commitOperations(commit, generation)]
    await this.#write(this.#database, numbered.map(sealed), sync)
    this.#lastCommit = commit
  }

  get generation(): number {
    return this.#generation
  }

  /** Counts failed writes: what was known of the database in an earlier term may not be so. */
  get term(): number {
    return this.#recovery.term
  }

  /**
   * Resolves when the operations, and all that was committed before them, are durable. No operations: a barrier. Operations are in line
   * from the moment of the call.
   * @param term the term in which they were made; in another one they are not written
   * @throws SkeinError `not-saved` with an unknown outcome, `unavailable` after `close`
   */
  async commit(operations: readonly Operation[], term = this.term): Promise<void> {
    if (this.#closing !== null) throw new SkeinError('unavailable')
    if (term !== this.term) throw new SkeinError('not-saved')
    if (operations.length > 0 && !this.#recovery.mayWrite) {
      await this.#recovery.attempt()
      throw new SkeinError('not-saved')
    }
    try {
      await this.#commits.submit(operations)
    } catch (cause) {
      throw new SkeinError('not-saved', undefined, { cause })
    }
  }

  /** See {@link GroupCommit.beforeWrite}. */
  beforeWrite(action: () => void): void {
    this.#commits.beforeWrite(action)
  }

  async get(key: Key): Promise<Uint8Array | undefined> {
    return (await this.getMany([key]))[0]
  }

  /** By ranges of one key: a look-up of LevelDB's own asks a filter first, which says "not there" when one of its bits is damaged. */
  async getMany(wanted: Key[]): Promise<(Uint8Array | undefined)[]> {
    return (await this.entries(wanted.map(single))).map(entries => entries[0]?.[1])
  }

  /**
   * All entries of the ranges at one moment, range after range.
   * @throws StoreDamage when something there is not as it was written
   */
  entries(ranges: readonly (KeyRange | KeyRangeRest)[], options: RangeOptions = {}): Promise<[Key, Uint8Array][][]> {
    return this.#reading(async (database) => {
      const snapshot = database.snapshot()
      try {
        const found = await Promise.all(ranges.map(range => entriesIn(database, { ...range, ...options, snapshot })))
        return found.map(entries => entries.map(opened))
      } finally {
        await snapshot.close()
      }
    })
  }

  /** What can still be read of a range, for lists that must not end with one damaged entry; `onDamage` is told what cannot. */
  async intactEntries(range: KeyRange): Promise<[Key, Uint8Array][]> {
    return (await this.piece(range, Infinity)).entries
  }

  /**
   * The same of the next so many entries.
   * @returns also where they end; null: with the range
   */
  async piece(range: KeyRange | KeyRangeRest, most: number): Promise<{ entries: [Key, Uint8Array][], end: Key | null }> {
    const { entries: found, damaged } = await this.#reading(database => salvage(database, range, most))
    if (damaged) this.#tellOf(`a part of "${describeKey(range.lte.slice(0, -1))}" cannot be read`)
    const entries = found.flatMap(([key, stored]): [Key, Uint8Array][] => {
      const value = isSealed(key) ? unseal(key, stored) : stored
      if (value === null) this.#tellOf(`the entry "${describeKey(key)}" was changed`)
      return value === null ? [] : [[key, value]]
    })
    return { entries, end: found.length < most ? null : found.at(-1)?.[0] ?? null }
  }

  #tellOf(what: string): void {
    if (this.#told.has(what)) return
    this.#told.add(what)
    this.#onDamage(what)
  }

  keys(range: KeyRange, options: RangeOptions = {}): Promise<Key[]> {
    return this.#reading(database => keysIn(database, { ...range, ...options }))
  }

  /**
   * Rewrites the files behind these ranges, so that what was deleted from them is gone from the disk too; from backups with them.
   * @param deleted their deletions; written once more
   * @param term see {@link commit}
   */
  async scrub(ranges: readonly KeyRange[], deleted: readonly Operation[], term: number): Promise<void> {
    await this.commit([], term)
    await this.#scrubber.scrub(ranges, deleted)
    // One that cannot be removed is the operator's to remove: the document is in order.
    await removeBackups(this.#database.location, this.#onBackupRemoved)
  }

  /** Waits for all that was committed, notes that the stop was orderly, and gives the folder free. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // Who waited for a write that fails now is told so; here it only matters that all are over.
    await this.#commits.submit([]).catch(() => undefined)
    await this.#recovery.ready.catch(() => undefined)
    // Without the note the next start takes a new generation, which it has to after a failure that was not mended.
    const clean = this.#recovery.state === 'open' &&
      await this.#writeNumbered([put(cleanKey, true), { type: 'del', key: riskKey }], true).then(() => true, () => false)
    await closeDatabase(this.#database)
    // Without it the next start looks at everything.
    if (clean) await writeChecked(this.#database.location, this.#checked).catch(() => undefined)
  }

  async #reopen(): Promise<void> {
    try {
      // Tried before the database is closed: on a full disk it could not be opened again, and nobody could read.
      await mustBeWritable(this.#database.location)
      await this.#database.close()
      await this.#database.open()
      const { generation: stored, lastCommit } = await readPast(this.#database)
      const generation = Math.max(this.#generation, stored ?? 0) + 1
      this.#lastCommit = lastCommit
      await this.#writeNumbered([put(generationKey, generation)], true, generation)
      this.#generation = generation
    } catch (cause) {
      throw new SkeinError('not-saved', undefined, { cause })
    }
  }

  /** Waits while the database is opened again; the closing before that, in turn, waits for reads that have begun. */
  async #reading<T>(read: (database: Database) => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw new SkeinError('unavailable')
    await this.#recovery.ready.catch((error: unknown) => {
      if (this.#database.status !== 'open') throw error
    })
    try {
      return await read(this.#database)
    } catch (error) {
      if (this.#closing !== null) throw new SkeinError('unavailable', undefined, { cause: error })
      if (error instanceof StoreDamage || !isDamage(error)) throw error
      throw new StoreDamage('a file of the database cannot be read where it lies', { cause: error })
    }
  }
}

const randomLeap = (): number => randomInt(2 ** 32)

const put = (key: Key, value: unknown): Operation => ({ type: 'put', key, value: toJson(value) })

const sealed = (operation: Operation): Operation =>
  operation.type === 'put' && isSealed(operation.key) ? { ...operation, value: seal(operation.key, operation.value) } : operation

const opened = ([key, stored]: [Key, Uint8Array]): [Key, Uint8Array] => {
  if (!isSealed(key)) return [key, stored]
  const value = unseal(key, stored)
  if (value === null) throw new StoreDamage(`the entry "${describeKey(key)}" was changed`)
  return [key, value]
}
