/**
 * The requests of this device: each stands in the document's `requests`, from where the connection carries it, and in the device's
 * store, from where it is proposed again under the same id until the server has answered. A refused one stays with its text until the
 * person resends or discards it.
 */
import type * as Y from 'yjs'
import { carriesText, isSend, isTooLarge, missingRequests } from './own-request.ts'
import type { OwnRequest } from './own-request.ts'
import type { DocumentStore } from './port.ts'
import type { OutboxEntry } from './view.ts'
import { openRoots } from '../../shared/conversation/document.ts'
import { request as requestSchema } from '../../shared/conversation/schema.ts'
import type { Request } from '../../shared/conversation/schema.ts'
import { putRequest } from '../../shared/conversation/write.ts'
import { errorTable } from '../../shared/errors.ts'
import { parseRequestId } from '../../shared/ids.ts'
import type { RequestId } from '../../shared/ids.ts'
import type { RequestOutcome } from '../../shared/wire/frame.ts'

export interface OutboxOptions {
  store: DocumentStore
  /** The current document: it may be replaced. */
  doc: () => Y.Doc
  /** The message of this id is in the document, or was taken out of it by a redaction. */
  isSealed: (id: string) => boolean
  changed: () => void
}

export class Outbox {
  readonly #options: OutboxOptions
  readonly #entries = new Map<RequestId, OwnRequest>()
  /** Who waits for a request to be safe. */
  readonly #safe = new Map<RequestId, () => void>()
  #all: readonly OwnRequest[] | null = []

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** In the order in which they were made; the same array until something changes. */
  get all(): readonly OwnRequest[] {
    this.#all ??= [...this.#entries.values()].sort((a, b) => a.id < b.id ? -1 : 1)
    return this.#all
  }

  get(id: RequestId): OwnRequest | undefined {
    return this.#entries.get(id)
  }

  /** Shows and proposes it at once. Resolves when it is stored on this device or the server has answered it, whichever comes first. */
  add(id: RequestId, request: Request): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#safe.set(id, resolve)
    const refusal = isTooLarge(request) ? { code: 'message-too-long' as const, reason: errorTable['message-too-long'].message } : null
    this.#set({ id, request, stored: false, refusal, accepted: false })
    if (!refusal) putRequest(this.#options.doc(), id, request)
    void this.#store(id)
    return promise
  }

  /** After the local store was read. What lies in the document alone is taken in too: its entry could not be stored. */
  load(stored: readonly OutboxEntry[]): void {
    for (const entry of stored) {
      if (!this.#entries.has(entry.id) && isRequest(entry.request)) this.#set({ ...entry, stored: true, accepted: false })
    }
    for (const [key, request] of openRoots(this.#options.doc()).requests) {
      const id = parseRequestId(key)
      if (!id || this.#entries.has(id) || !isRequest(request)) continue
      this.#set({ id, request, stored: true, refusal: null, accepted: false })
      void this.#store(id)
    }
    this.settle()
    this.proposeMissing()
  }

  /** After the store was read, and each time the document holds what the server has: what it took and did not answer is gone by then. */
  proposeMissing(): void {
    const doc = this.#options.doc()
    const { requests } = openRoots(doc)
    const missing = missingRequests(this.all, id => requests.has(id), this.#options.isSealed)
    if (missing.length === 0) return
    doc.transact(() => {
      for (const { id, request } of missing) putRequest(doc, id, request)
    })
  }

  /** Lets go of what is sealed. */
  settle(): void {
    for (const entry of this.all) {
      if (isSend(entry) && this.#options.isSealed(entry.id)) void this.remove(entry.id)
    }
  }

  /** The document holds all that the server had, so what was accepted has arrived. */
  arrived(): void {
    for (const entry of this.all) {
      if (entry.accepted) void this.remove(entry.id)
    }
  }

  answered(id: RequestId, outcome: RequestOutcome): void {
    const entry = this.#entries.get(id)
    if (!entry) return
    this.#nowSafe(id)
    if (outcome.status === 'refused') {
      this.#set({ ...entry, refusal: { code: outcome.code, reason: outcome.reason } })
      void (carriesText(entry.request) ? this.#store(id) : this.#options.store.deleteOutbox(id))
    } else if (isSend(entry) && !this.#options.isSealed(id)) {
      this.#set({ ...entry, accepted: true })
      void this.#options.store.deleteOutbox(id)
    } else {
      void this.remove(id)
    }
  }

  /** Takes it back: one that the server has not seen is cancelled. Resolves when the device's store has forgotten it. */
  discard(id: RequestId): Promise<void> {
    openRoots(this.#options.doc()).requests.delete(id)
    return this.remove(id)
  }

  remove(id: RequestId): Promise<void> {
    if (!this.#entries.delete(id)) return Promise.resolve()
    this.#all = null
    this.#nowSafe(id)
    this.#options.changed()
    return this.#options.store.deleteOutbox(id)
  }

  #set(entry: OwnRequest): void {
    this.#entries.set(entry.id, entry)
    this.#all = null
    this.#options.changed()
  }

  async #store(id: RequestId): Promise<void> {
    const entry = this.#entries.get(id)
    if (!entry) return
    await this.#options.store.putOutbox({ id, request: entry.request, stored: true, refusal: entry.refusal })
    const now = this.#entries.get(id)
    if (now && !now.stored) this.#set({ ...now, stored: true })
    this.#nowSafe(id)
  }

  #nowSafe(id: RequestId): void {
    this.#safe.get(id)?.()
    this.#safe.delete(id)
  }
}

const isRequest = (value: unknown): value is Request => requestSchema.safeParse(value).success
