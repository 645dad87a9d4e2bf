/**
 * A document's part in what the tabs of a person share: served to the others while this tab owns the connection and the store, and shown
 * as the owner has it while this one follows.
 */
import type { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { DocumentStatus } from './document-status.ts'
import type { Generations } from './generations.ts'
import type { LocalCopy } from './local-copy.ts'
import type { StoredDocument } from './port.ts'
import type { SharedState, SharedStatus } from './tabs/message.ts'
import { applyFromTab } from './tabs/shared-document.ts'
import type { SharedDocument, SharedOutbox } from './tabs/shared-document.ts'

export interface AmongTabsOptions {
  copy: LocalCopy
  generations: Generations
  status: DocumentStatus
  outbox: SharedOutbox
  connect: () => void
}

export class DocumentAmongTabs implements SharedDocument {
  readonly outbox: SharedOutbox
  readonly #options: AmongTabsOptions

  constructor(options: AmongTabsOptions) {
    this.outbox = options.outbox
    this.#options = options
  }

  get doc(): Y.Doc {
    return this.#options.copy.doc
  }

  get awareness(): Awareness {
    return this.#options.copy.awareness
  }

  get generation(): string | null {
    return this.#options.copy.generation
  }

  get status(): SharedStatus {
    return this.#options.status.shared
  }

  own(): Promise<void> {
    return this.#options.generations.own()
  }

  letGo(): void {
    this.#options.generations.letGo()
  }

  missingIn(stored: StoredDocument): Uint8Array | null {
    return this.#options.copy.missingIn(stored)
  }

  glance(): Promise<void> {
    return this.#options.generations.glance()
  }

  follow({ generation, update, status, outbox }: SharedState): void {
    const { copy, generations } = this.#options
    if (generations.isClosed) return
    if (copy.generation !== null && copy.generation !== generation) copy.beginEmpty()
    applyFromTab(copy.doc, update)
    generations.show(copy.doc, { generation, role: status.role })
    this.outbox.mirrorAll(outbox)
    this.followStatus(status)
  }

  followStatus({ connection, hasUnsaved, ...known }: SharedStatus): void {
    const { copy, status } = this.#options
    if (status.follow({ connection, hasUnsaved })) copy.showPresenceAgain()
    status.know(known)
  }

  connect(): void {
    this.#options.connect()
  }

  keep(generation: string, update: Uint8Array, writer: number): Promise<void> {
    return this.#options.generations.keepLeft(generation, update, writer)
  }
}
