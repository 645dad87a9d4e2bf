/**
 * The LevelDB database under the log and the directory: group commit, generations, and opening it again after a failed write.
 *
 * 1. All writing goes through `commit`; what it reports as done is on disk (with durability `fsync`).
 * 2. LevelDB refuses every write after a failed one until it was opened again, and nobody knows whether the failed one will be there
 *    then. So after a failure: `term` grows at once, the database is closed and opened, and a higher generation is stored, before anything
 *    else is written.
 * 3. Where that cannot be done (the disk is full), reading goes on, each write is refused and makes the next attempt, and `term` grows
 *    again when one succeeds: what was read meanwhile may lack the failed write and knows an old generation.
 * 4. A generation is stored before it is used for anything, and grows at every start that no orderly `close` came before.
 * 5. What the system had not written when the machine stopped is lost without fsync, from anywhere in the store. So after an unclean
 *    stop all documents begin new epochs, as they do when the caller asks for it (a backup was restored).
 */
import { rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { SkeinError } from '../../../shared/errors.ts'
import { DataFolderError, dataFolderError } from './data-folder-error.ts'
import { GroupCommit } from './group-commit.ts'
import { cleanKey, formatKey, generationKey, keys, newEpochsKey, riskKey } from './keys.ts'
import type { Key, KeyRange } from './keys.ts'
import { fromJson, toJson } from './values.ts'

/** Version of our own keys; a store with a higher one is refused. */
export const FORMAT = 1

export type Database = ClassicLevel<Key, Uint8Array>
export type Operation = { type: 'put', key: Key, value: Uint8Array } | { type: 'del', key: Key }
/** Writes one batch, whole or not at all; replaced by tests that make writes fail. */
export type WriteBatch = (database: Database, operations: Operation[], sync: boolean) => Promise<void>

export interface StoreOptions {
  /** The LevelDB folder; made when it is missing. */
  path: string
  /** `fsync` survives a power cut, `os` only the end of this process. */
  durability: 'fsync' | 'os'
  /** The folder is older than what devices may have seen of it: every document begins a new epoch when it is loaded next. */
  beginNewEpochs?: boolean
  writeBatch?: WriteBatch
}

interface RangeOptions {
  reverse?: boolean
  limit?: number
}

const PROBE = 'skein-probe'
/** For what LevelDB writes when it opens: the table made of a full log file (4 MiB), and some. */
const SPACE_TO_OPEN = 8 * 1024 * 1024

const writeBatch: WriteBatch = (database, operations, sync) => database.batch(operations, { sync })

export class Store {
  readonly #database: Database
  readonly #write: WriteBatch
  readonly #commits: GroupCommit<Operation>
  /** Documents last written under an earlier generation begin a new epoch; 0: none. */
  readonly newEpochsSince: number
  #generation: number
  #term = 0
  #state: 'open' | 'reopening' | 'broken' = 'open'
  /** While it is opened again: ends when that is done, or has failed. */
  #ready: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  /** @throws DataFolderError */
  static async open(options: StoreOptions): Promise<Store> {
    const database: Database = new ClassicLevel(options.path, { keyEncoding: keys, valueEncoding: 'view' })
    const write = options.writeBatch ?? writeBatch
    try {
      await database.open()
    } catch (error) {
      throw dataFolderError(options.path, error)
    }
    try {
      const [format, stored, clean, epochs, risk] = await database.getMany([formatKey, generationKey, cleanKey, newEpochsKey, riskKey])
      if (format !== undefined && fromJson<number>(format) > FORMAT) throw new DataFolderError('newer-format', options.path)
      const last = stored === undefined ? 0 : fromJson<number>(stored)
      const newEpochs = last > 0 && (options.beginNewEpochs === true || (clean === undefined && risk !== undefined))
      const generation = clean !== undefined && last > 0 && !newEpochs ? last : last + 1
      const newEpochsSince = newEpochs ? generation : epochs === undefined ? 0 : fromJson<number>(epochs)
      await write(database, [
        { type: 'put', key: formatKey, value: toJson(FORMAT) },
        { type: 'put', key: generationKey, value: toJson(generation) },
        { type: 'del', key: cleanKey },
        ...newEpochs ? [{ type: 'put' as const, key: newEpochsKey, value: toJson(newEpochsSince) }] : [],
        options.durability === 'os' ? { type: 'put', key: riskKey, value: toJson(true) } : { type: 'del', key: riskKey },
      ], true)
      return new Store(database, write, options.durability, generation, newEpochsSince)
    } catch (error) {
      await database.close()
      throw error instanceof DataFolderError ? error : dataFolderError(options.path, error)
    }
  }

  private constructor(
    database: Database, write: WriteBatch, durability: StoreOptions['durability'], generation: number, newEpochsSince: number,
  ) {
    this.#database = database
    this.#write = write
    this.#generation = generation
    this.newEpochsSince = newEpochsSince
    const sync = durability === 'fsync'
    this.#commits = new GroupCommit(async (operations) => {
      await this.#ready
      await write(database, operations, sync)
    }, () => this.#failed())
  }

  get generation(): number {
    return this.#generation
  }

  /** Counts failed writes: what was known of the database in an earlier term may not be so. */
  get term(): number {
    return this.#term
  }

  /**
   * Resolves when the operations, and all that was committed before them, are durable. No operations: a barrier. Operations are in line
   * from the moment of the call.
   * @param term the term in which they were made; in another one they are not written
   * @throws SkeinError `not-saved` with an unknown outcome, `unavailable` after `close`
   */
  async commit(operations: readonly Operation[], term = this.#term): Promise<void> {
    if (this.#closing !== null) throw new SkeinError('unavailable')
    if (term !== this.#term) throw new SkeinError('not-saved')
    if (this.#state === 'broken' && operations.length > 0) {
      await this.#recover()
      throw new SkeinError('not-saved')
    }
    try {
      await this.#commits.submit(operations)
    } catch (cause) {
      throw new SkeinError('not-saved', undefined, { cause })
    }
  }

  get(key: Key): Promise<Uint8Array | undefined> {
    return this.#reading(database => database.get(key))
  }

  getMany(wanted: Key[]): Promise<(Uint8Array | undefined)[]> {
    return this.#reading(database => database.getMany(wanted))
  }

  /** All entries of the ranges at one moment, range after range. */
  entries(ranges: readonly KeyRange[], options: RangeOptions = {}): Promise<[Key, Uint8Array][][]> {
    return this.#reading(async (database) => {
      const snapshot = database.snapshot()
      try {
        return await Promise.all(ranges.map(range => database.iterator({ ...range, ...options, snapshot }).all()))
      } finally {
        await snapshot.close()
      }
    })
  }

  keys(range: KeyRange, options: RangeOptions = {}): Promise<Key[]> {
    return this.#reading(database => database.keys({ ...range, ...options }).all())
  }

  /**
   * Rewrites the files behind these ranges, so that what was deleted from them is gone from the disk too. LevelDB flushes a value together
   * with its own deletion and then leaves both; so the deletions are written once more, on top, which makes it merge them.
   */
  async scrub(ranges: readonly KeyRange[], deleted: readonly Operation[], term: number): Promise<void> {
    for (const again of [false, true]) {
      if (again) await this.commit(deleted, term)
      for (const { gte, lte } of ranges) await this.#reading(database => database.compactRange(gte, lte))
    }
  }

  /** Waits for all that was committed, notes that the stop was orderly, and gives the folder free. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // Who waited for a write that fails now is told so; here it only matters that all are over.
    await this.#commits.submit([]).catch(() => undefined)
    await this.#ready.catch(() => undefined)
    // Without the note the next start takes a new generation, which it has to after a failure that was not mended.
    if (this.#state === 'open') {
      await this.#write(this.#database, [{ type: 'put', key: cleanKey, value: toJson(true) }, { type: 'del', key: riskKey }], true).catch(() => undefined)
    }
    await this.#database.close()
  }

  #failed(): void {
    this.#term++
    if (this.#state === 'open') this.#recover().catch(() => undefined)
  }

  /** A failed attempt is repeated by the next write, so no timer is needed. */
  #recover(): Promise<void> {
    const again = this.#state === 'broken'
    this.#state = 'reopening'
    this.#ready = this.#reopen().then(() => {
      if (again) this.#term++
      this.#state = 'open'
    }, (error: unknown) => {
      this.#state = 'broken'
      throw error
    })
    return this.#ready
  }

  async #reopen(): Promise<void> {
    try {
      // Tried before the database is closed: on a full disk it could not be opened again, and nobody could read.
      await this.#probe()
      await this.#database.close()
      await this.#database.open()
      const stored = await this.#database.get(generationKey)
      const generation = Math.max(this.#generation, stored === undefined ? 0 : fromJson<number>(stored)) + 1
      await this.#write(this.#database, [{ type: 'put', key: generationKey, value: toJson(generation) }], true)
      this.#generation = generation
    } catch (cause) {
      throw new SkeinError('not-saved', undefined, { cause })
    }
  }

  async #probe(): Promise<void> {
    const { location } = this.#database
    const { bavail, bsize } = await statfs(location)
    if (bavail * bsize < SPACE_TO_OPEN) throw new Error('There is too little free disk space to open the database again.')
    try {
      await writeFile(join(location, PROBE), 'Can files be written here? Delete me.', { flush: true })
    } finally {
      await rm(join(location, PROBE), { force: true })
    }
  }

  /** Waits while the database is opened again; the closing before that, in turn, waits for reads that have begun. */
  async #reading<T>(read: (database: Database) => Promise<T>): Promise<T> {
    if (this.#closing !== null) throw new SkeinError('unavailable')
    await this.#ready.catch((error: unknown) => {
      if (this.#database.status !== 'open') throw error
    })
    try {
      return await read(this.#database)
    } catch (error) {
      throw this.#closing === null ? error : new SkeinError('unavailable', undefined, { cause: error })
    }
  }
}
