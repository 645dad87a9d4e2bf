/** Which versions of messages the person chose to see, per conversation, kept on this device across reloads. */
import type { TextStorage } from './composer-texts.ts'

export class KeptChoices {
  readonly #storage: TextStorage

  constructor(storage: TextStorage) {
    this.#storage = storage
  }

  /** @returns ids of the chosen messages, none of them an alternative to another */
  read(conversationId: string): string[] {
    try {
      const value: unknown = JSON.parse(this.#storage.getItem(key(conversationId)) ?? '[]')
      return Array.isArray(value) ? value.filter(id => typeof id === 'string') : []
    } catch {
      return [] // storage is off, or holds something else: the newest versions are shown
    }
  }

  /**
   * @param chosen the version to show of these; null: the newest
   * @param alternatives all versions of the message, whichever of them was chosen before
   */
  keep(conversationId: string, chosen: string | null, alternatives: readonly string[]): void {
    const others = this.read(conversationId).filter(id => !alternatives.includes(id))
    const kept = chosen === null ? others : [...others, chosen]
    try {
      if (kept.length > 0) this.#storage.setItem(key(conversationId), JSON.stringify(kept))
      else this.#storage.removeItem(key(conversationId))
    } catch {
      return // it holds for as long as the page lives
    }
  }
}

/** Forgets them all. */
export const dropChoices = (storage: Storage): void => {
  try {
    for (const each of Object.keys(storage)) if (each.startsWith(PREFIX)) storage.removeItem(each)
  } catch {
    return // storage is off: there is nothing
  }
}

const PREFIX = 'skein.choice.'
const key = (conversationId: string): string => PREFIX + conversationId
