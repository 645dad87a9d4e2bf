/** One generation of a document on this device: its database, what is still to be written into it, and when it is compacted. */
import { compactDocument, openDocumentDatabase, readDocument, writeDocument } from './document-database.ts'
import type { DatabaseContent, DocumentDatabase, DocumentWrite } from './document-database.ts'
import { WriteQueue } from './write-queue.ts'
import type { After } from '../port.ts'

export interface GenerationOptions {
  /** Name of the database; may have to be asked for first. */
  database: () => Promise<string>
  /** Stored updates at which the database is compacted. */
  compactAt: number
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

  constructor(options: GenerationOptions) {
    this.#options = options
    this.#writes = new WriteQueue({
      write: async writes => {
        if (this.#barred) throw this.#barred.because
        await writeDocument(await this.#open(), writes)
        if (writes.some(({ type }) => type === 'scrub')) this.#stored = 1
        else this.#count(writes.filter(({ type }) => type === 'update').length)
      },
      onProblem: options.onProblem,
      after: options.after
    })
  }

  async read(): Promise<DatabaseContent> {
    const content = await readDocument(await this.#open())
    this.#stored = 0
    this.#count(content.updates.length)
    return content
  }

  /** Resolves when it is stored. */
  write(write: DocumentWrite): Promise<void> {
    return this.#writes.push(write)
  }

  /** From now on every write fails: what was not read must not be mixed with what is written. */
  bar(because: unknown): void {
    this.#barred = { because }
    this.#options.onProblem(because)
  }

  async close(): Promise<void> {
    await this.#writes.close()
    await this.#compaction
    const opened = await this.#opened?.catch(() => null)
    opened?.close()
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
