/**
 * What this page has open of the stores of each user on this device, so that it can let go of all of it: when a guest has become an
 * account, or somebody signs out. A page that has them open shows so to the others by a lock that all of them share.
 */
import { adoptStores, hasStores } from '../../sync/store/adopt-stores.ts'
import { clearStores } from '../../sync/store/clear-stores.ts'
import { openDeviceStore } from '../../sync/store/indexeddb.ts'
import type { DeviceStore } from '../../sync/store/indexeddb.ts'

/** So long the pages that have the stores open are waited for; one that the browser has stopped may never answer (milliseconds). */
const PATIENCE = 5_000

interface Closable {
  close: () => Promise<void>
  readonly closed: Promise<void>
}

interface InUse {
  device: DeviceStore
  open: Set<Closable>
  work: Set<Promise<unknown>>
  unlock: () => void
}

export class StoresInUse {
  readonly #locks: LockManager | undefined
  readonly #inUse = new Map<string, InUse>()

  /** @param locks undefined where the browser has none: then nobody is waited for */
  constructor(locks: LockManager | undefined) {
    this.#locks = locks
  }

  device(userId: string): DeviceStore {
    return this.#of(userId).device
  }

  /** @returns it; this page has it open until it is closed */
  opened<T extends Closable>(userId: string, it: T): T {
    const { open } = this.#of(userId)
    open.add(it)
    void it.closed.then(() => open.delete(it))
    return it
  }

  /** Something works with the stores until it is over. */
  busy<T>(userId: string, work: Promise<T>): Promise<T> {
    const { work: all } = this.#of(userId)
    all.add(work)
    const over = (): void => void all.delete(work)
    work.then(over, over)
    return work
  }

  /** Resolves when all that this page wrote is written, or nobody can wait for it any longer. */
  async leave(userId: string): Promise<void> {
    const using = this.#inUse.get(userId)
    if (!using) return
    this.#inUse.delete(userId)
    const closed = Promise.allSettled([...[...using.open].map(each => each.close()), ...using.work]).then(() => using.device.close())
    await Promise.race([closed, new Promise(resolve => setTimeout(resolve, PATIENCE))])
    using.unlock()
  }

  /** The guest's become the account's. To be called by every page before it opens the account's. */
  async takeOver(guest: string, account: string): Promise<void> {
    await this.leave(guest)
    if (!await hasStores(guest)) return
    if (!this.#locks) return adoptStores(guest, account, false)
    const signal = AbortSignal.timeout(PATIENCE)
    let begun = false
    try {
      await this.#locks.request(lockOf(guest), { signal }, async () => {
        begun = true
        await adoptStores(guest, account, true)
      })
    } catch (error) {
      if (begun) throw error
      // What a page that was stopped writes when it goes on is refused (see fence.ts) and taken over at the next start.
      await adoptStores(guest, account, false)
    }
  }

  /** Removes all that the user keeps on this device, as soon as no page has it open any more. */
  async clear(userId: string): Promise<void> {
    await this.leave(userId)
    if (!this.#locks) return clearStores(userId)
    let begun = false
    try {
      await this.#locks.request(lockOf(userId), { signal: AbortSignal.timeout(PATIENCE) }, async () => {
        begun = true
        await clearStores(userId)
      })
    } catch (error) {
      if (begun) throw error
      // A page that was stopped has them open: the browser removes them when it goes on, or is closed.
      await clearStores(userId)
    }
  }

  #of(userId: string): InUse {
    const known = this.#inUse.get(userId)
    if (known) return known
    const { promise, resolve } = Promise.withResolvers<void>()
    void this.#locks?.request(lockOf(userId), { mode: 'shared' }, () => promise).catch(() => {})
    const using: InUse = { device: openDeviceStore({ userId }), open: new Set(), work: new Set(), unlock: resolve }
    this.#inUse.set(userId, using)
    return using
  }
}

const lockOf = (userId: string): string => `skein:${userId}:stores`
