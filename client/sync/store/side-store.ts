/** The user's side database, opened when it is first needed and shared by all documents: one queue for all that is noted in it. */
import { deleteDB } from 'idb'
import { databaseName } from './document-database.ts'
import type { ListStorage } from './list-cache.ts'
import { forgetGenerations, openSideDatabase, readAllOutboxes, readOldGenerations, readOutbox, writeSide } from './side-database.ts'
import type { SideDatabase, SideWrite } from './side-database.ts'
import { WriteQueue } from './write-queue.ts'
import type { After } from '../port.ts'
import type { OutboxEntry } from '../view.ts'

export class SideStore {
  readonly lists: ListStorage = {
    get: async key => (await this.open()).get('lists', key),
    put: async (key, value) => {
      await (await this.open()).put('lists', value, key)
    }
  }
  readonly #userId: string
  readonly #writes: WriteQueue<SideWrite>
  readonly #fenced = new WeakSet<SideWrite>()
  readonly #watchers = new Set<(error: unknown) => void>()
  #opened: Promise<SideDatabase> | null = null

  constructor(userId: string, after: After) {
    this.#userId = userId
    this.#writes = new WriteQueue({
      write: async writes => {
        for (const write of await writeSide(await this.open(), writes)) this.#fenced.add(write)
      },
      onProblem: error => {
        for (const watcher of this.#watchers) watcher(error)
      },
      after
    })
  }

  open(): Promise<SideDatabase> {
    const forget = () => {
      this.#opened = null
    }
    this.#opened ??= openSideDatabase(this.#userId, forget).catch((error: unknown) => {
      forget()
      throw error
    })
    return this.#opened
  }

  async readOutbox(name: string): Promise<{ outbox: OutboxEntry[], gone: string[] }> {
    return readOutbox(await this.open(), name)
  }

  async readAll(): Promise<Map<string, OutboxEntry[]>> {
    try {
      return await readAllOutboxes(await this.open())
    } catch {
      return new Map() // Whoever opens a document is told of the problem.
    }
  }

  /**
   * In one transaction with the writes of the same tick.
   * @returns when it is stored, true; false when somebody else owns its document since, and it was not
   */
  async write(write: SideWrite): Promise<boolean> {
    await this.#writes.push(write)
    return !this.#fenced.has(write)
  }

  /** Removes the databases that documents have left. One that another tab has open goes when that tab is closed, or at a later visit. */
  async removeOld(): Promise<void> {
    try {
      for (const [name, old] of await readOldGenerations(await this.open())) {
        void Promise.all(old.map(generation => deleteDB(databaseName(this.#userId, name, generation))))
          .then(async () => forgetGenerations(await this.open(), name, old))
          .catch(() => {}) // Tried again at the next visit.
      }
    } catch {
      return // Whoever opens a document is told of the problem.
    }
  }

  /** Told the error of a write that failed, and null when writing works again. */
  watch(watcher: (error: unknown) => void): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Resolves when everything written so far was tried once. */
  flush(): Promise<void> {
    return this.#writes.flush()
  }

  async close(): Promise<void> {
    await this.#writes.close()
    const opened = await this.#opened?.catch(() => null)
    opened?.close()
  }
}
