/** How a store is opened. */
import type { OnBackupRemoved } from './backup.ts'
import type { WriteBatch } from './database.ts'

export interface StoreOptions {
  /** The LevelDB folder; made when it is missing. */
  path: string
  /** `fsync` survives a power cut, `os` only the end of this process. */
  durability: 'fsync' | 'os'
  /** The folder is older than what devices may have seen of it: every document begins a new epoch when it is loaded next. */
  beginNewEpochs?: boolean
  /** A whole number by chance, 0 or more: how far generations leap when new epochs begin. Default: within 32 bits. */
  leap?: () => number
  writeBatch?: WriteBatch
  /** Told once of each thing that is damaged and was left out where others are served without it; part of a sentence after a colon. */
  onDamage?: (what: string) => void
  /** Told of each backup before an upgrade that was removed, because it would keep what was taken out. */
  onBackupRemoved?: OnBackupRemoved
  /** Milliseconds since 1970; asked only where damage took all knowledge of the generations in use. Default: the system's clock. */
  now?: () => number
}
