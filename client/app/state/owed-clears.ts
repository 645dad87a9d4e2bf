/**
 * Who signed out and wanted all of theirs removed from this device: noted, so that a page that dies in between leaves it to the next one.
 *
 * `asked`: before the server was told; `done`: it has ended the session, so that the removal is owed whatever comes.
 */
const PREFIX = 'skein.clear.'

export class OwedClears {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  note(userId: string, stage: 'asked' | 'done'): void {
    attempt(() => this.#storage.setItem(PREFIX + userId, stage))
  }

  forget(userId: string): void {
    attempt(() => this.#storage.removeItem(PREFIX + userId))
  }

  has(userId: string): boolean {
    return attempt(() => this.#storage.getItem(PREFIX + userId)) !== null
  }

  /**
   * @param current who is signed in
   * @returns whose things are to be removed; who is signed in and had only asked has not signed out, and is forgotten
   */
  owed(current: string): string[] {
    const noted = attempt(() => Object.keys(this.#storage).filter(key => key.startsWith(PREFIX)).map(key => key.slice(PREFIX.length))) ?? []
    if (noted.includes(current)) this.forget(current)
    return noted.filter(userId => userId !== current)
  }
}

const attempt = <T>(task: () => T): T | null => {
  try {
    return task()
  } catch {
    return null // storage is off: the page that lives does it, or nobody
  }
}
