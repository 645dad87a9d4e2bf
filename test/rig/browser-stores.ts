/** Everything that a page's origin keeps on its device, searched for a text by the browser's own interfaces. */
import type { Page } from 'playwright-core'

/** @returns where the text stands: databases, stores and keys, storage keys, cached addresses */
export const placesOf = (page: Page, text: string): Promise<string[]> => page.evaluate(async wanted => {
  const finished = <T>(request: IDBRequest<T>): Promise<T> => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error!)
  })
  /** Null: it is gone. To open it all the same would make an empty one, in which the page misses its stores. */
  const existing = (name: string): Promise<IDBDatabase | null> => new Promise((resolve, reject) => {
    const request = indexedDB.open(name)
    let isGone = false
    request.onupgradeneeded = () => {
      isGone = true
      request.transaction!.abort()
    }
    request.onsuccess = () => resolve(request.result)
    request.onerror = event => {
      event.preventDefault()
      if (isGone) resolve(null)
      else reject(request.error!)
    }
  })
  const decoder = new TextDecoder('latin1')
  const saidIn = (value: unknown): string => JSON.stringify(value, (_key, part: unknown) =>
    part instanceof ArrayBuffer || ArrayBuffer.isView(part) ? decoder.decode(part) : part) ?? ''
  const places: string[] = []
  for (const { name = '' } of await indexedDB.databases()) {
    const database = await existing(name)
    if (!database) continue
    for (const store of database.objectStoreNames) {
      const values = database.transaction(store).objectStore(store)
      const [keys, all] = await Promise.all([finished(values.getAllKeys()), finished(values.getAll() as IDBRequest<unknown[]>)])
      for (const [i, key] of keys.entries()) {
        if (saidIn([key, all[i]]).includes(wanted)) places.push(`${name}/${store}/${JSON.stringify(key).replaceAll('"', '')}`)
      }
    }
    database.close()
  }
  for (const [name, storage] of Object.entries({ localStorage, sessionStorage })) {
    for (const [key, value] of Object.entries(storage)) if (`${key}${String(value)}`.includes(wanted)) places.push(`${name}/${key}`)
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name)
    for (const request of await cache.keys()) {
      const body = await (await cache.match(request))?.text() ?? ''
      if (`${request.url}${body}`.includes(wanted)) places.push(`${name}/${request.url}`)
    }
  }
  return places
}, text)
