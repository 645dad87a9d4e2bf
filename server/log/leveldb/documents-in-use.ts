/**
 * The documents that are in use, each with the place of its records, which is read at its first use. After a failed write nothing that
 * was known counts any more: who holds a document from before must read it again before it is changed.
 */
import { SkeinError } from '../../../shared/errors.ts'
import type { DocumentName } from '../../../shared/ids.ts'
import { StoreDamage, damaged } from './damage.ts'
import type { Store } from './store.ts'
import { findPosition } from './stored-document.ts'
import type { Position } from './stored-document.ts'

export interface DocumentInUse {
  /** Resolves when calls that came before have been put in line. */
  position: Promise<Position>
  known: Position | null
  /** A snapshot in parts that is being written; null: none. Others wait for it. */
  staging: Promise<unknown> | null
  /** A rewriting of files that writes deletions again, which must not meet the clocks of a document begun anew. */
  scrubbing: Promise<unknown>
}

export class DocumentsInUse {
  readonly #store: Store
  #term = 0
  readonly #documents = new Map<DocumentName, DocumentInUse>()
  /** In use when a write failed, not read since. */
  readonly #stale = new Set<DocumentName>()
  /** Documents that are known to have lost something, and what. */
  readonly #marked: Map<DocumentName, string>

  constructor(store: Store, marked: Map<DocumentName, string>) {
    this.#store = store
    this.#marked = marked
  }

  /** Another one after each failed write. */
  currentTerm(): number {
    if (this.#term !== this.#store.term) {
      this.#term = this.#store.term
      for (const name of this.#documents.keys()) this.#stale.add(name)
      this.#documents.clear()
    }
    return this.#term
  }

  /** In the current term. */
  get(name: DocumentName): DocumentInUse {
    return this.#documents.get(name) ?? this.put(name, this.naming(name, () => findPosition(this.#store, name, this.#term)))
  }

  /** As {@link get}; undefined: it is not in use. */
  peek(name: DocumentName): DocumentInUse | undefined {
    return this.#documents.get(name)
  }

  put(name: DocumentName, position: Promise<Position>): DocumentInUse {
    const document: DocumentInUse = { position, known: null, staging: null, scrubbing: Promise.resolve() }
    this.#documents.set(name, document)
    position.then((known) => { document.known = known }, () => {
      if (this.#documents.get(name) === document) this.#documents.delete(name)
    })
    return document
  }

  /**
   * For a change.
   * @throws SkeinError `not-saved` to who holds the document from before a failed write
   */
  inLine(name: DocumentName): { term: number, document: DocumentInUse } {
    const term = this.currentTerm()
    if (this.#stale.has(name)) throw new SkeinError('not-saved')
    return { term, document: this.get(name) }
  }

  /**
   * Who waited may find that it was erased, or that a write failed: what lies there is not what was known.
   * @throws SkeinError `not-saved`
   */
  mustBe(document: DocumentInUse, name: DocumentName): void {
    if (this.#documents.get(name) !== document) throw new SkeinError('not-saved')
  }

  /** Whoever changes it from now on knows what is stored. */
  wasRead(name: DocumentName): void {
    this.#stale.delete(name)
  }

  /** Of what it has lost nothing is left. */
  wasErased(name: DocumentName): void {
    this.#marked.delete(name)
  }

  /** Whatever is damaged on the way is damage of this document; so is what a mark says of it. @throws SkeinError `log-damaged` */
  async naming<T>(name: DocumentName, work: () => Promise<T>): Promise<T> {
    const mark = this.#marked.get(name)
    if (mark !== undefined) throw damaged(name, mark)
    try {
      return await work()
    } catch (error) {
      throw error instanceof StoreDamage ? damaged(name, error.what) : error
    }
  }
}
