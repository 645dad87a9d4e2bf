/** Unsent composer texts, one per conversation, kept on this device across reloads. */

/** The part of `Storage` that is needed; it may throw (private windows, a full disk), which never costs more than the keeping. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

export class ComposerTexts {
  readonly #storage: TextStorage

  constructor(storage: TextStorage) {
    this.#storage = storage
  }

  read(conversationId: string): string {
    try {
      return this.#storage.getItem(key(conversationId)) ?? ''
    } catch {
      return '' // storage is off: the text lives as long as the page
    }
  }

  keep(conversationId: string, text: string): void {
    try {
      if (text) this.#storage.setItem(key(conversationId), text)
      else this.#storage.removeItem(key(conversationId))
    } catch {
      return // the text is still in the composer
    }
  }
}

const key = (conversationId: string): string => `skein.composer.${conversationId}`
