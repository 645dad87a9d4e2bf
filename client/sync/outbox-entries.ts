/** The requests that a device has not let go of: in memory, and each as it is in the device's store. */
import type { OwnRequest } from './own-request.ts'
import type { DocumentStore } from './port.ts'
import type { OutboxEntry } from './view.ts'
import type { RequestId } from '../../shared/ids.ts'

export class OutboxEntries {
  readonly #store: DocumentStore
  readonly #changed: () => void
  readonly #entries = new Map<RequestId, OwnRequest>()
  /** Who waits for a request to be safe. */
  readonly #safe = new Map<RequestId, () => void>()
  /** What was let go of on this page: word of it that comes late from another tab brings nothing back. */
  readonly #gone = new Set<string>()
  #all: readonly OwnRequest[] | null = []

  constructor(store: DocumentStore, changed: () => void) {
    this.#store = store
    this.#changed = changed
  }

  /** In the order in which they were made; the same array until something changes. */
  get all(): readonly OwnRequest[] {
    this.#all ??= [...this.#entries.values()].sort((a, b) => a.id < b.id ? -1 : 1)
    return this.#all
  }

  get(id: RequestId): OwnRequest | undefined {
    return this.#entries.get(id)
  }

  has(id: RequestId): boolean {
    return this.#entries.has(id)
  }

  isGone(id: string): boolean {
    return this.#gone.has(id)
  }

  /** Resolves when it is stored on this device or the server has answered it, whichever comes first. */
  whenSafe(id: RequestId): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#safe.set(id, resolve)
    return promise
  }

  /** Somebody waits for it. */
  isAwaited(id: RequestId): boolean {
    return this.#safe.has(id)
  }

  nowSafe(id: RequestId): void {
    this.#safe.get(id)?.()
    this.#safe.delete(id)
  }

  set(entry: OwnRequest): void {
    this.#entries.set(entry.id, entry)
    this.#all = null
    this.#changed()
  }

  /** Resolves when it is stored as it is now. */
  async store(id: RequestId): Promise<void> {
    const entry = this.#entries.get(id)
    if (!entry) return
    const { request, refusal, askedIn, astray } = entry
    const kept: OutboxEntry = { id, request, stored: true, refusal, ...askedIn !== undefined && { askedIn }, ...astray && { astray } }
    await this.#store.putOutbox(kept)
    const now = this.#entries.get(id)
    if (now && !now.stored) this.set({ ...now, stored: true })
    this.nowSafe(id)
  }

  /** Belongs in the store no more. Resolves when that has forgotten it. */
  unstore(id: RequestId): Promise<void> {
    return this.#store.deleteOutbox(id)
  }

  /** Lets go of it for good, but for the store. @returns whether there was one */
  drop(id: RequestId): boolean {
    this.#gone.add(id)
    return this.hide(id)
  }

  /** Shows it no more; it may come again. @returns whether there was one */
  hide(id: RequestId): boolean {
    if (!this.#entries.delete(id)) return false
    this.#all = null
    this.nowSafe(id)
    this.#changed()
    return true
  }
}
