/**
 * This device proves its person no more, and not by their wish here: they turned it away from another one, they are no more, their session
 * is over, or the guest that it was has an account now. Noted on the device before anything else, so that a page that dies, or is
 * loaded anew, says it still.
 *
 * What a device keeps of who turned it away or is no more is cleared at once, unless there are texts that no server has: these are the
 * person's own, and nobody else can bring them back. Then nothing is shown but how many there are, until they are saved as a file or let
 * go. What it keeps of who may sign in again stays, out of sight, unless it is removed here.
 */
import type { Me, Sdk, UnsentWork } from './sdk.ts'
import type { LeftKind } from './session.svelte.ts'
import { countTexts } from './unsent-work.ts'

const KEY = 'skein.removed'

interface Note {
  userId: string
  name: string
  kind: LeftKind
}

/** Nobody signs in here again as who they were. */
const forGood = ({ kind }: Note): boolean => kind === 'removed' || kind === 'deleted'

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

  /** @param current who is here now: what is theirs again stays */
  async look(current: Me['principal']): Promise<void> {
    const note = this.#noted()
    if (!note || note.userId === current.id || current.aliases?.includes(note.userId)) return this.later()
    // That somebody else's session was over is no account's business.
    if (note.kind === 'ended' && current.kind === 'user') return this.later()
    const unsent = note.kind === 'became' ? [] : await this.#sdk.unsent(note.userId)
    if (forGood(note) && countTexts(unsent) === 0) await this.#sdk.clear(note.userId)
    this.current = { ...note, unsent }
  }

  /** All that this device keeps of them goes. */
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
