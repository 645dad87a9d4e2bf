/** A LevelDB data folder for tests, with crashes, failing writes, and a look at the raw keys. */
import { cp, mkdtemp, readFile, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { keys } from '../../server/log/leveldb/keys.ts'
import { openLevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import type { LevelDbLog } from '../../server/log/leveldb/leveldb-log.ts'
import { bytes, record } from '../contract/samples.ts'
import type { DocumentName } from '../../shared/ids.ts'
import type { Database, WriteBatch } from '../../server/log/leveldb/database.ts'
import type { Key } from '../../server/log/store-port.ts'

/** Of a process, see {@link LevelDbWorld.dieAt}. */
export interface Death {
  isDead(): boolean
  /** Also where it came to its end alive: what is opened next finds the files as the process left them. */
  end(): Promise<void>
}

export class LevelDbWorld {
  path: string
  /** Called in place of the real write of a batch, which it gets as `write`. */
  onWrite: (write: () => Promise<void>, ...batch: Parameters<WriteBatch>) => Promise<void> = write => write()
  /** What the stores told of. */
  readonly damage: string[] = []
  #copies = 0
  readonly #home: string
  #log: LevelDbLog | null = null

  static async create(): Promise<LevelDbWorld> {
    return new LevelDbWorld(await mkdtemp(join(tmpdir(), 'skein-log-')))
  }

  constructor(home: string) {
    this.#home = home
    this.path = join(home, 'store')
  }

  /** That was opened last. */
  get log(): LevelDbLog {
    if (!this.#log) throw new Error('no log was opened')
    return this.#log
  }

  /** Closes the log that was open, and opens it again. */
  async reopen(): Promise<LevelDbLog> {
    await this.#log?.close()
    return this.open()
  }

  async open(): Promise<LevelDbLog> {
    this.#log = await openLevelDbLog({
      path: this.path,
      durability: 'fsync',
      onDamage: what => this.damage.push(what),
      writeBatch: (database, operations, sync) =>
        this.onWrite(() => database.batch(operations, { sync }), database, operations, sync),
    })
    return this.#log
  }

  /** So many records, one byte each. */
  async fill(name: DocumentName, count: number): Promise<void> {
    for (let n = 0; n < count; n++) await this.#log!.append(name, record(bytes(n)))
  }

  /** Opens the log again after the work on the raw database. */
  async openAfter(work: (database: Database) => Promise<unknown>): Promise<LevelDbLog> {
    await this.#log?.close()
    await this.raw(work)
    return this.open()
  }

  /** What a killed process leaves are its files as they are now; the lock of the one that goes on here stays with the old folder. */
  async crash(): Promise<void> {
    await this.copy()
    await this.#log?.close()
  }

  /** From here on works with the files as they are now; whoever has the old ones open goes on with those. */
  async copy(): Promise<void> {
    const left = join(this.#home, `left-${++this.#copies}`)
    await copyOfOneMoment(this.path, left)
    this.path = left
  }

  failNext(when: 'before' | 'after'): void {
    const usual = this.onWrite
    this.onWrite = async (write) => {
      this.onWrite = usual
      if (when === 'after') await write()
      throw new Error(`made to fail ${when} the write`)
    }
  }

  /** Makes the write with this number fail before it is done, counted from 1. */
  failOn(write: number): void {
    let left = write
    const usual = this.onWrite
    this.onWrite = async (perform, ...batch) => {
      if (--left > 0) return usual(perform, ...batch)
      this.onWrite = usual
      throw new Error('made to fail before the write')
    }
  }

  /** From this write on (the first is 0) nothing reaches the disk: the process is gone, whatever it still believes. */
  dieAt(write: number): Death {
    let left = write
    let died: Promise<void> | null = null
    this.onWrite = async perform => {
      if (left-- > 0) return perform()
      died ??= this.copy()
      await died
      throw new Error('the process is gone')
    }
    return {
      isDead: () => died !== null,
      end: async () => {
        await (died ?? this.copy())
        this.onWrite = perform => perform()
      },
    }
  }

  /** Works on the raw database while no log is open. */
  async raw<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const database: Database = new ClassicLevel(this.path, { keyEncoding: keys, valueEncoding: 'view' })
    try {
      return await work(database)
    } finally {
      await database.close()
    }
  }

  /** The names that stock LevelDB still finds a record of, in a copy of the folder. */
  async intact(): Promise<Set<string>> {
    const path = join(this.#home, `look-${++this.#copies}`)
    await copyOfOneMoment(this.path, path)
    const database: Database = new ClassicLevel(path, { keyEncoding: keys, valueEncoding: 'view' })
    const found = await database.keys({ gte: ['v1'], lte: ['v1', 0xffffffff] }).all()
    await database.close()
    return new Set(found.map(key => String(key[1])))
  }

  /** Whether these bytes stand in any of its files. */
  async holds(bytes: Buffer): Promise<boolean> {
    const files = (await readdir(this.path)).filter(file => file !== 'LOCK')
    const contents = await Promise.all(files.map(file => readFile(join(this.path, file))))
    return contents.some(content => content.includes(bytes))
  }

  async traces(name: string): Promise<number> {
    return (await this.rawKeys()).filter(key => key.includes(name)).length
  }

  rawKeys(): Promise<Key[]> {
    return this.raw(database => database.keys().all())
  }

  async dispose(): Promise<void> {
    await this.#log?.close()
    await rm(this.#home, { recursive: true, force: true })
  }
}

/** LevelDB puts its tables in order meanwhile, and what it removes or adds while they are copied would stand in no folder of any moment. */
const copyOfOneMoment = async (from: string, to: string): Promise<void> => {
  for (;;) {
    const before = await tablesIn(from)
    const isWhole = await cp(from, to, { recursive: true }).then(() => true, (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
      return false
    })
    if (isWhole && before === await tablesIn(from)) return
    await rm(to, { recursive: true, force: true })
  }
}

/** The names of the files, and how far the list of those that count is written. */
const tablesIn = async (path: string): Promise<string> => {
  const names = (await readdir(path)).sort()
  const lists = await Promise.all(names.filter(name => name.startsWith('MANIFEST')).map(name => stat(join(path, name)).catch(() => null)))
  return [...names, ...lists.map(list => list?.size)].join()
}
