/**
 * What people who sign out wanted done with what is theirs on this device: noted, so that every tab knows that they decided it, and a page
 * that dies in between leaves the removal to the next one.
 *
 * `asked`: it is to be removed, noted before the server was told; `done`: the server has ended the session, so that the removal is owed
 * whatever comes; `kept`: it stays.
 */
const PREFIX = 'skein.clear.'

export class OwedClears {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  note(userId: string, stage: 'asked' | 'done' | 'kept'): void {
    attempt(() => this.#storage.setItem(PREFIX + userId, stage))
  }

  forget(userId: string): void {
    attempt(() => this.#storage.removeItem(PREFIX + userId))
  }

  /** Theirs is to be removed. */
  has(userId: string): boolean {
    return ['asked', 'done'].includes(this.#stageOf(userId) ?? '')
  }

  /** They left by their own wish. */
  decided(userId: string): boolean {
    return this.#stageOf(userId) !== null
  }

  /**
   * @param current who is signed in
   * @returns whose things are to be removed; who is signed in has not signed out, or is back, and is forgotten
   */
  owed(current: string): string[] {
    const noted = attempt(() => Object.keys(this.#storage).filter(key => key.startsWith(PREFIX)).map(key => key.slice(PREFIX.length))) ?? []
    if (noted.includes(current)) this.forget(current)
    return noted.filter(userId => userId !== current && this.has(userId))
  }

  #stageOf(userId: string): string | null {
    return attempt(() => this.#storage.getItem(PREFIX + userId))
  }
}

const attempt = <T>(task: () => T): T | null => {
  try {
    return task()
  } catch {
    return null // storage is off: the page that lives does it, or nobody
  }
}
