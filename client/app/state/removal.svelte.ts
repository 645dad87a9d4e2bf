/**
 * This device was turned away by its person from another one, or the guest that it was has an account now: noted on the device before
 * anything else, so that a page that dies leaves it to the next one.
 *
 * What a device that was turned away keeps is cleared at once, unless there are texts that no server has: these are the person's own, and
 * nobody else can bring them back. Then nothing is shown but how many there are, until they are saved as a file or let go.
 */
import type { Sdk, UnsentWork } from './sdk.ts'
import { countTexts } from './unsent-work.ts'

const KEY = 'skein.removed'

interface Note {
  userId: string
  name: string
  kind: 'removed' | 'became'
}

export class Removal {
  readonly #sdk: Pick<Sdk, 'unsent' | 'clear'>
  readonly #storage: Storage
  current: Note & { unsent: UnsentWork[] } | null = $state.raw(null)

  constructor(sdk: Pick<Sdk, 'unsent' | 'clear'>, storage: Storage) {
    this.#sdk = sdk
    this.#storage = storage
  }

  note(note: Note): void {
    this.#storage.setItem(KEY, JSON.stringify(note))
  }

  /** @param current who is signed in now: what is theirs again stays */
  async look(current: string): Promise<void> {
    const note = this.#noted()
    if (!note || note.userId === current) return this.later()
    const unsent = note.kind === 'removed' ? await this.#sdk.unsent(note.userId) : []
    if (note.kind === 'removed' && countTexts(unsent) === 0) await this.#sdk.clear(note.userId)
    this.current = { ...note, unsent }
  }

  /** The texts are saved, or not wanted: all goes. */
  async clear(): Promise<void> {
    if (this.current) await this.#sdk.clear(this.current.userId)
    this.later()
  }

  /** It was read. */
  later(): void {
    this.#storage.removeItem(KEY)
    this.current = null
  }

  #noted(): Note | null {
    try {
      return JSON.parse(this.#storage.getItem(KEY) ?? 'null') as Note | null
    } catch {
      return null // storage is off
    }
  }
}
