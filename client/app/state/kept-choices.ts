/** Which versions of messages were chosen, per conversation, kept on this device across reloads. */
import type { BranchChoice } from '../../../shared/conversation/branch.ts'
import { NO_CHOICE } from './branch-choice.ts'
import type { TextStorage } from './composer-texts.ts'

export class KeptChoices {
  readonly #storage: TextStorage

  constructor(storage: TextStorage) {
    this.#storage = storage
  }

  read(conversationId: string): BranchChoice {
    try {
      const value: unknown = JSON.parse(this.#storage.getItem(key(conversationId)) ?? '[]')
      return Array.isArray(value) && value.length > 0 ? new Map(value.filter(isPair)) : NO_CHOICE
    } catch {
      return NO_CHOICE // storage is off, or holds something else: the newest versions are shown
    }
  }

  keep(conversationId: string, choice: BranchChoice): void {
    try {
      if (choice.size > 0) this.#storage.setItem(key(conversationId), JSON.stringify([...choice]))
      else this.#storage.removeItem(key(conversationId))
    } catch {
      return // it holds for as long as the page lives
    }
  }
}

const key = (conversationId: string): string => `skein.choice.${conversationId}`

const isPair = (value: unknown): value is [string, string] =>
  Array.isArray(value) && value.length === 2 && value.every(part => typeof part === 'string')
