/** One generation of a document on this device: its database, what is still to be written into it, and when it is compacted. */
import { claimDatabase, compactDocument, openDocumentDatabase, readDocument, writeDocument } from './document-database.ts'
import type { DatabaseContent, DocumentDatabase, DocumentWrite } from './document-database.ts'
import { FencedError } from './fence.ts'
import { WriteQueue } from './write-queue.ts'
import type { After } from '../port.ts'

export interface GenerationOptions {
  /** Name of the database; may have to be asked for first. Rejects while that is not known. */
  database: () => Promise<string>
  /** The number that the owner drew, known once the database is; null: it drew none. */
  fence: () => number | null
  /** Stored updates at which the database is compacted. */
  compactAt: number
  /** Its database holds another lineage than this one: begins another generation, whose database is asked for next. */
  another: (epoch: string, keepOld: boolean) => Promise<void>
  onProblem: (error: unknown) => void
  after: After
}

export class Generation {
  readonly #options: GenerationOptions
  readonly #writes: WriteQueue<DocumentWrite>
  #opened: Promise<DocumentDatabase> | null = null
  #compaction: Promise<void> = Promise.resolve()
  /** Updates in the database as far as this tab knows. */
  #stored = 0
  #barred: { because: unknown } | null = null
  /** The database holds something that this page has not read. */
  #unread: Unread | null = null
  /** Written beside what was not read, and to be written into the generation that was begun instead. */
  #again: DocumentWrite[] = []

  constructor(options: GenerationOptions) {
    this.#options = options
    this.#writes = new WriteQueue({
      write: async writes => {
        if (this.#barred) await this.#lift(this.#barred)
        if (this.#unread) await this.#keepApart(this.#unread, writes)
        const unread = this.#unread
        const parts = unread ? writes.filter(isPart) : writes
        await writeDocument(await this.#open(), [...this.#again, ...parts], options.fence())
        this.#again = []
        if (unread) unread.beside = epochIn(writes) === null && unread.beside ? [...unread.beside, ...parts] : null
        if (writes.some(({ type }) => type === 'scrub')) this.#stored = 1
        else this.#count(writes.filter(({ type }) => type === 'update').length)
      },
      onProblem: options.onProblem,
      after: options.after
    })
  }

  async read(): Promise<DatabaseContent> {
    const content = await this.#read()
    this.#stored = 0
    this.#unread = null
    this.#count(content.updates.length)
    return content
  }

  /** Its database holds, or may hold, something that this page has not read. */
  get isUnread(): boolean {
    return this.#barred !== null || this.#unread !== null
  }

  /** Resolves when it is stored. */
  write(write: DocumentWrite): Promise<void> {
    return this.#writes.push(write)
  }

  /**
   * It could not be read: nothing is written until it can be, and then only beside content of the same lineage, or of none. What is of
   * another one is left, as at a new beginning.
   */
  bar(because: unknown): void {
    this.#barred = { because }
    this.#options.onProblem(because)
  }

  /** Resolves when what waits to be written was tried once more. */
  tryAgain(): Promise<void> {
    return this.#writes.flush()
  }

  /** Lets go of it when all is written, however long that takes. */
  async finish(): Promise<void> {
    await this.#writes.written
    await this.close()
  }

  async close(): Promise<void> {
    await this.#writes.close()
    await this.#compaction
    const opened = await this.#opened?.catch(() => null)
    opened?.close()
  }

  async #lift({ because }: { because: unknown }): Promise<void> {
    const { updates, epoch, unsaved = true } = await this.#read().catch((error: unknown) => {
      throw error instanceof FencedError ? error : because
    })
    this.#unread = updates.length > 0 || epoch !== null ? { epoch, unsaved, beside: epoch === null ? null : [] } : null
    this.#barred = null
    this.#options.onProblem(null)
  }

  /** Where a server was met since that holds another lineage than what was not read, nothing more is written beside that. */
  async #keepApart({ epoch: there, unsaved, beside }: Unread, writes: readonly DocumentWrite[]): Promise<void> {
    const epoch = epochIn(writes)
    if (!beside || epoch === null || epoch === there) return
    await this.#options.another(epoch, unsaved || beside.some(write => write.type === 'update' && write.own))
    const left = await this.#open()
    left.close()
    this.#opened = null
    this.#unread = null
    this.#again = beside
  }

  async #read(): Promise<DatabaseContent> {
    const db = await this.#open()
    const fence = this.#options.fence()
    if (fence !== null) await claimDatabase(db, fence)
    return readDocument(db)
  }

  #open(): Promise<DocumentDatabase> {
    const forget = () => {
      this.#opened = null
    }
    this.#opened ??= this.#options.database().then(name => openDocumentDatabase(name, forget)).catch((error: unknown) => {
      forget()
      throw error
    })
    return this.#opened
  }

  #count(updates: number): void {
    this.#stored += updates
    if (this.#stored < this.#options.compactAt) return
    this.#stored = 1
    this.#compaction = this.#compact()
  }

  async #compact(): Promise<void> {
    try {
      await compactDocument(await this.#open())
    } catch {
      return // Nothing was changed; it is tried again after as many more updates.
    }
  }
}

interface Unread {
  /** Its lineage. */
  epoch: string | null
  unsaved: boolean
  /** What was written beside it before a server was met; null: whatever is met, it is of that lineage. */
  beside: DocumentWrite[] | null
}

const epochIn = (writes: readonly DocumentWrite[]): string | null => writes.findLast(write => write.type === 'epoch')?.epoch ?? null

/** Says something of what it brings, not of the whole document. */
const isPart = ({ type }: DocumentWrite): boolean => type !== 'saved' && type !== 'latest'
