/**
 * Keys of model providers in the data folder: one file each, sealed by the vault, so that a command beside the running server can change
 * one, and a change is whole or not at all.
 *
 * The secrets are asked for each time: after a rotation the server reads what the command has sealed anew, without a restart.
 */
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { RandomBytes } from '../../shared/ids.ts'
import { isProviderKeyName } from './provider-keys-port.ts'
import type { ProviderKeys, StoredProviderKey } from './provider-keys-port.ts'
import type { Secrets } from './secret.ts'
import { Vault, VaultError } from './vault.ts'
import { removeOldDrafts, replaceFile, syncFolder, whereMissing } from './whole-file.ts'

export interface ProviderKeysOptions {
  dataFolder: string
  /** Those that count now, newest first. */
  secrets: () => Promise<Secrets>
  /** Milliseconds since 1970. */
  now: () => number
  random: RandomBytes
}

export interface FileProviderKeys extends ProviderKeys {
  /** @returns null: none is stored. @throws VaultError with one line for the operator, which holds nothing of the key */
  read(name: string): Promise<string | null>
  /** All of them under the newest secret, before an older one goes. @throws VaultError when one cannot be read; the others are done */
  reseal(secrets: Secrets): Promise<void>
}

interface Kept {
  sealed: string
  setAt: number
}

/** Of shorter keys four characters would tell too much. */
const SHOWN_FROM = 16

export const openProviderKeys = ({ dataFolder, secrets, now, random }: ProviderKeysOptions): FileProviderKeys => {
  const folder = join(dataFolder, 'provider-keys')
  const pathOf = (name: string): string => {
    if (!isProviderKeyName(name)) throw new TypeError(`"${name}" is no name of a key: small letters, digits, - and _, 64 at most.`)
    return join(folder, name)
  }
  const write = (name: string, kept: Kept): Promise<void> => replaceFile(pathOf(name), Buffer.from(JSON.stringify(kept)), random)

  // Drafts have a dot in their names.
  const names = async (): Promise<string[]> =>
    (await readdir(folder).catch(whereMissing<string[]>([]))).filter(isProviderKeyName).sort()

  const load = async (name: string): Promise<Kept | null> => {
    const text = await readFile(pathOf(name), 'utf8').catch(whereMissing(null))
    return text === null ? null : parse(name, text)
  }

  const openWith = (vault: Vault, name: string, { sealed }: Kept): string => {
    try {
      return vault.open(sealed, placeOf(name))
    } catch (error) {
      throw error instanceof VaultError ? cannotBeRead(name, error.message) : error
    }
  }

  const keys: FileProviderKeys = {
    list: async () => {
      const vault = new Vault(await secrets(), random)
      const found = await Promise.all((await names()).map(async (name): Promise<StoredProviderKey | null> => {
        try {
          const kept = await load(name)
          if (!kept) return null
          const key = openWith(vault, name, kept)
          return { name, lastFour: key.length >= SHOWN_FROM ? key.slice(-4) : null, setAt: kept.setAt, readable: true }
        } catch (error) {
          if (!(error instanceof VaultError)) throw error
          return { name, lastFour: null, setAt: 0, readable: false }
        }
      }))
      return found.filter(each => each !== null)
    },
    read: async name => {
      const kept = await load(name)
      return kept && openWith(new Vault(await secrets(), random), name, kept)
    },
    set: async (name, key) => {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // A rotation meanwhile may have passed this key by: whoever writes last writes it under a secret that stays.
      for (let current = await secrets(); ;) {
        await write(name, { sealed: new Vault(current, random).seal(key, placeOf(name)), setAt: now() })
        const later = await secrets()
        if (Buffer.from(later[0]).equals(current[0])) return
        current = later
      }
    },
    remove: async name => {
      const path = pathOf(name)
      const removed = await unlink(path).then(() => true, whereMissing(false))
      if (removed) await syncFolder(path)
      return removed
    },
    reseal: async all => {
      await removeOldDrafts(folder, isProviderKeyName, now())
      const vault = new Vault(all, random)
      const failed: VaultError[] = []
      for (const name of await names()) {
        try {
          const kept = await load(name)
          if (!kept) continue
          openWith(vault, name, kept)
          const sealed = vault.reseal(kept.sealed, placeOf(name))
          if (sealed !== null) await write(name, { ...kept, sealed })
        } catch (error) {
          if (!(error instanceof VaultError)) throw error
          failed.push(error)
        }
      }
      if (failed[0]) throw failed[0]
    },
  }
  return keys
}

const placeOf = (name: string) => ({ purpose: 'provider key', owner: name })

const cannotBeRead = (name: string, why: string): VaultError =>
  new VaultError(`The stored key "${name}" cannot be read. ${why} (node server/cli.ts set-key ${name}, or remove-key ${name})`)

const parse = (name: string, text: string): Kept => {
  try {
    const { sealed, setAt } = JSON.parse(text) as Partial<Kept>
    if (typeof sealed === 'string' && typeof setAt === 'number') return { sealed, setAt }
  } catch {
    // Said below.
  }
  throw cannotBeRead(name, 'Its file does not hold what was written to it; enter it anew.')
}
