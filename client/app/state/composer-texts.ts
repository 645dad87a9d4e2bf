/**
 * Unsent composer texts, per person and conversation, kept on this device across reloads. Each tab has its own text, which no other tab
 * takes from it; a tab that is opened anew begins with the latest of all.
 */

const PREFIX = 'skein.composer.'

/** The part of `Storage` that is needed; it may throw (private windows, a full disk), which never costs more than the keeping. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export class ComposerTexts {
  readonly #shared: TextStorage
  readonly #own: TextStorage
  readonly #userId: string

  /**
   * @param shared by all tabs
   * @param own lives as long as the tab, reloads included
   */
  constructor(shared: TextStorage, own: TextStorage, userId: string) {
    this.#shared = shared
    this.#own = own
    this.#userId = userId
  }

  read(conversationId: string): string {
    const key = this.#key(conversationId)
    const own = read(this.#own, key)
    if (own !== null) return own
    const latest = read(this.#shared, key) ?? ''
    if (latest) attempt(() => this.#own.setItem(key, latest))
    return latest
  }

  keep(conversationId: string, text: string): void {
    const key = this.#key(conversationId)
    const before = read(this.#own, key)
    // Empty is kept too: this tab's composer stays empty, whatever another one holds.
    attempt(() => this.#own.setItem(key, text))
    if (text) attempt(() => this.#shared.setItem(key, text))
    else if (read(this.#shared, key) === before) attempt(() => this.#shared.removeItem(key))
  }

  #key(conversationId: string): string {
    return `${PREFIX}${this.#userId}.${conversationId}`
  }
}

const keysOf = (storage: Storage, userId: string): string[] =>
  Object.keys(storage).filter(key => key.startsWith(`${PREFIX}${userId}.`))

export const hasTexts = (storage: Storage, userId: string): boolean => {
  try {
    return keysOf(storage, userId).length > 0
  } catch {
    return false // storage is off
  }
}

/**
 * A guest's texts become their account's. Where it has one of its own for the conversation, the guest's follows that; done again it changes
 * nothing.
 */
export const adoptTexts = (storage: Storage, guest: string, account: string): void => attempt(() => {
  for (const key of keysOf(storage, guest)) {
    const own = `${PREFIX}${account}${key.slice(PREFIX.length + guest.length)}`
    const [theirs, ours] = [storage.getItem(key) ?? '', storage.getItem(own) ?? '']
    if (!ours.includes(theirs)) storage.setItem(own, ours === '' ? theirs : `${ours}\n\n${theirs}`)
    storage.removeItem(key)
  }
})

/** @returns conversation → what stands in its composer */
export const textsOf = (storage: Storage, userId: string): Map<string, string> => {
  try {
    return new Map(keysOf(storage, userId).map(key => [key.slice(`${PREFIX}${userId}.`.length), storage.getItem(key) ?? '']))
  } catch {
    return new Map() // storage is off
  }
}

export const dropTexts = (storage: Storage, userId: string): void => attempt(() => {
  for (const key of keysOf(storage, userId)) storage.removeItem(key)
})

const read = (storage: TextStorage, key: string): string | null => {
  try {
    return storage.getItem(key)
  } catch {
    return null // storage is off: the text lives as long as the page
  }
}

const attempt = (write: () => void): void => {
  try {
    write()
  } catch {
    return // the text is still in the composer
  }
}
