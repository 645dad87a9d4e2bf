/** Keys of model providers that an admin gave to the server: stored encrypted, used by its models, shown to nobody again. */

/** What is told of one. */
export interface StoredProviderKey {
  name: string
  /** Null: too short to tell any of it, or it cannot be read. */
  lastFour: string | null
  /** Milliseconds since 1970. */
  setAt: number
  /** False: it was sealed under a secret that the server does not have, or its file was changed. */
  readable: boolean
}

export interface ProviderKeys {
  list(): Promise<StoredProviderKey[]>
  /** In place of one that was there. @param name see {@link isProviderKeyName} */
  set(name: string, key: string): Promise<void>
  /** @returns false: there was none */
  remove(name: string): Promise<boolean>
}

/** Which keys the models of a server take from what is stored. */
export interface WantedProviderKey {
  name: string
  /** Names of the models, for people. */
  models: readonly string[]
}

/** What an admin is offered. */
export interface ProviderKeysOffer {
  keys: ProviderKeys
  /** Which of them this server's models take. */
  wanted: readonly WantedProviderKey[]
}

/** Names are those of files, too. */
export const isProviderKeyName = (name: string): boolean => /^[a-z0-9][a-z0-9_-]{0,63}$/.test(name)
