/**
 * What was written in drafts of an earlier life of a conversation goes on in this one; that life stays on the device until the server has
 * it here. A crash anywhere in between repeats it, and repeating it changes nothing.
 */
import type { SharedDrafts } from './shared-drafts.ts'
import type { SyncedDocument } from './synced-document.ts'
import type { ErrorCode } from '../../shared/errors.ts'

export interface CarryOverOptions {
  document: () => SyncedDocument
  drafts: () => SharedDrafts
  /** The conversation was deleted, or is no longer this person's; null: neither. */
  whyGone: () => ErrorCode | null
}

export class CarryOver {
  readonly #options: CarryOverOptions
  /** Earlier lives of the document, all of which stands in this one. */
  readonly #carried = new Set<string>()
  #done: Promise<void> = Promise.resolve()

  constructor(options: CarryOverOptions) {
    this.#options = options
  }

  /** All that was kept when this was asked for last was looked through. */
  get done(): Promise<void> {
    return this.#done
  }

  run(): Promise<void> {
    this.#done = this.#run()
    return this.#done
  }

  async #run(): Promise<void> {
    const [document, drafts] = [this.#options.document(), this.#options.drafts()]
    for (const { id, doc, writers, unsaved } of await document.keptVersions()) {
      drafts.know(writers)
      const gone = this.#options.whyGone()
      if (gone) {
        await drafts.giveUp(doc, gone)
        await document.letGo(id)
      } else if (document.synced) {
        await drafts.carryOver(doc, !unsaved)
        this.#carried.add(id)
      }
    }
    this.letGo()
  }

  /** Removes those that the server has here, once it has confirmed all. */
  letGo(): void {
    const document = this.#options.document()
    if (document.hasUnsaved) return
    // One that could not be removed is carried over again at the next visit, which changes nothing.
    for (const id of this.#carried) document.letGo(id).catch(() => {})
    this.#carried.clear()
  }
}
